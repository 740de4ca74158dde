"""Cost of the operator's pages: opens each a few times and prints its seconds and longest statement, as JSON."""

import datetime as dt
import json
import statistics
import sys
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Actor, User  # noqa: E402
from apicredentials.models import Announcement  # noqa: E402
from tests.benchmarks.timed import Longest  # noqa: E402
from tests.factories import AnnouncementFactory  # noqa: E402

TIMES = 3


def pages(found: dict[str, list[str]]) -> dict[str, str]:
    """Return the addresses below /beheer/, by what they show."""
    client_id, name = found["credential"]
    number, shop = found["seller"]
    [hint], [recipient] = found["hint"], found["recipient"]
    month = timezone.now() - dt.timedelta(days=100)
    log, credentials = "apicredentials/activity/", "apicredentials/clientcredential/"
    authorizations, mail = "apicredentials/thirdpartyauthorization/", "apicredentials/outgoingmail/"
    return {
        "log": log,
        "log, page 90": f"{log}?p=90",
        "log, a month": f"{log}?at__year={month.year}&at__month={month.month}",
        "log, a rare kind": f"{log}?kind__exact=leak_reported",
        "log, search for a name": f"{log}?q={name.replace(' ', '+')}",
        "log, search for a number": f"{log}?q={number}",
        "log, search for nothing": f"{log}?q=zonderresultaat",
        "credentials": credentials,
        "credentials, search for a name": f"{credentials}?q={name.replace(' ', '+')}",
        "credentials, search for a Client ID": f"{credentials}?q={client_id}",
        "credentials, search for a hint": f"{credentials}?q={hint}",
        "credentials, search for a shop": f"{credentials}?q={shop.replace(' ', '+')}",
        "credentials, paused": f"{credentials}?state=paused",
        "credentials, without a secret": f"{credentials}?state=without_secret",
        "credentials, never used": f"{credentials}?use=never",
        "credentials, not lately used": f"{credentials}?use=idle",
        "credentials, old secrets": f"{credentials}?secret_age=365d",
        "authorisations": authorizations,
        "authorisations, search for a number": f"{authorizations}?q={number}",
        "authorisations, expired": f"{authorizations}?state=expired",
        "authorisations, suspended": f"{authorizations}?state=suspended",
        "mail": mail,
        "mail, search for an address": f"{mail}?q={recipient}",
        "mail, stuck": f"{mail}?state=stuck",
        "sellers": "accounts/seller/",
        "sellers, search for a name": f"accounts/seller/?q={shop.split()[-1]}",
        "sellers, search for an address": f"accounts/seller/?q={recipient}",
        "contacts, search": f"apicredentials/technicalcontact/?q={recipient}",
        "users, search": f"accounts/user/?q={recipient}",
        "third parties": "apicredentials/thirdparty/",
    }


def announcements() -> dict[str, str]:
    """Return the addresses of a draft, an announcement that is not queued yet, and the one that was queued."""
    queued = Announcement.objects.get()
    waiting, draft = (AnnouncementFactory(subject=subject) for subject in ("Onderhoud", "Storing"))
    waiting.send(by=Actor(), seen=waiting.updated_at)
    address = "apicredentials/announcement/"
    return {
        "announcements": address,
        "preview of an announcement": f"{address}{draft.pk}/voorbeeld/",
        "announcement to be queued": f"{address}{waiting.pk}/change/",
        "announcement, queued": f"{address}{queued.pk}/change/",
    }


def measure(client: Client, address: str) -> dict[str, float]:
    """Open a page TIMES times, after once for the caches; return the medians."""
    seconds, longest = [], []
    for _ in range(TIMES + 1):
        watch, started = Longest(), time.perf_counter()
        with connection.execute_wrapper(watch):
            response = client.get(f"/beheer/{address}")
        assert response.status_code == 200, f"{address}: {response.status_code}"
        seconds.append(time.perf_counter() - started)
        longest.append(watch.seconds)
    return {"seconds": statistics.median(seconds[1:]), "longest": statistics.median(longest[1:])}


def main(found: str) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)  # as `make serve` does
    operator = User.objects.create_superuser("operator@markt.example", "een-wachtwoord-voor-de-meting")
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(operator)
    addresses = pages(json.loads(found)) | announcements()
    json.dump({name: measure(client, address) for name, address in addresses.items()}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
