"""Credentials in every state, created in the past year."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import Actor, Seller
from apicredentials import scopes
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Activity, ClientCredential, ClientSecret
from apicredentials.models.client_secrets import hashes_of
from portal.demo import people
from portal.demo.history import ago, log

Kind = Activity.Kind
OFFICE = "203.0.113.24"


@dataclass(frozen=True)
class LastUse:
    """The last use of a secret: time and software."""

    at: dt.datetime
    agent: str


def make_software(seller: Seller) -> None:
    """Create the credentials of the seller with a year of history."""
    technician = Actor(user=people.user(people.EMPLOYEE), address=OFFICE)
    owner = Actor(user=people.user(people.OWNER), address=OFFICE)
    show(make(seller, "Magazijn", 360, technician), technician, LastUse(ago(0.001), "magazijn/4.2"))
    show(make(seller, "Kassa", 20, technician), technician)
    show(make(seller, "Jaarverslag", 330, owner), owner, LastUse(ago(140, 9), "curl/8.14.1"))
    make(seller, "Boekhouding", 4, owner)
    make_rotated(seller, technician)
    make_paused(seller, technician)
    make_leaked(seller, technician)
    make_deleted(seller, owner)


def make(
    seller: Seller, name: str, days: float, by: Actor, rights: Iterable[str] = scopes.ALL, **values: Any
) -> ClientCredential:
    """Create a credential without a secret, `days` ago."""
    at = ago(days, 10, 12)
    credential = ClientCredential(seller=seller, name=name, scope=scopes.join(rights), created_by=by.user, **values)
    credential.save()
    ClientCredential.objects.filter(pk=credential.pk).update(created=at)
    credential.refresh_from_db()
    log_about(credential, Kind.CREDENTIAL_CREATED, at, by)
    return credential


def show(credential: ClientCredential, by: Actor, use: LastUse | None = None) -> ClientSecret:
    """Create the first secret, a few minutes after the credential."""
    at = credential.created + dt.timedelta(minutes=3)
    log_about(credential, Kind.SECRET_REVEALED, at, by)
    return add_secret(credential, at, by, use)


def add_secret(credential: ClientCredential, at: dt.datetime, by: Actor, use: LastUse | None) -> ClientSecret:
    """Create a secret without keeping its plaintext."""
    plaintext = secret_format.generate()
    used = (
        {
            "first_used_at": at + dt.timedelta(minutes=9),
            "last_used_at": use.at,
            "last_used_address": "198.51.100.7",
            "last_used_agent": use.agent,
        }
        if use
        else {}
    )
    return ClientSecret.objects.create(
        client=credential,
        hash=hashes_of(digest(plaintext))[0],
        hint=plaintext[-4:],
        created_at=at,
        created_by=by.user,
        **used,
    )


def log_about(credential: ClientCredential, kind: Activity.Kind, at: dt.datetime, by: Actor, **details: str) -> None:
    log(kind, credential.name, at, by=by, seller=credential.seller, target=credential.client_id, details=details)


def make_rotated(seller: Seller, by: Actor) -> None:
    """Create a credential with a secret of three days ago and an old one that ends in four days."""
    rights = [right for right in scopes.ALL if not right.startswith("subscriptions:")]
    webshop = make(seller, "Webshop", 340, by, rights)
    old = show(webshop, by, LastUse(ago(3.01), "webshop/2.0"))
    at, ends_at = ago(3), ago(-4)
    ClientSecret.objects.filter(pk=old.pk).update(ends_at=ends_at)
    add_secret(webshop, at, by, LastUse(ago(0.002), "webshop/2.1"))
    log_about(webshop, Kind.SECRET_ROTATED, at, by, previous_ends_at=ends_at.isoformat())


def make_paused(seller: Seller, by: Actor) -> None:
    """Create a paused credential whose software still sends requests."""
    at = ago(2, 16, 5)
    robot = make(seller, "Prijsrobot", 200, by, paused_at=at)
    show(robot, by, LastUse(at - dt.timedelta(minutes=4), "prijsrobot/0.9"))
    log_about(robot, Kind.CREDENTIAL_PAUSED, at, by)


def make_leaked(seller: Seller, by: Actor) -> None:
    at = ago(12, 2, 10)
    export = make(seller, "Export", 270, by, paused_at=at, leaked_at=at)
    secret = show(export, by, LastUse(at - dt.timedelta(minutes=1), "python-requests/2.32"))
    ClientSecret.objects.filter(pk=secret.pk).update(ends_at=at)
    finder = Actor(reason="Gevonden op https://code.example/delinde/export.")
    log_about(export, Kind.LEAK_REPORTED, at, finder, hint=secret.hint)


def make_deleted(seller: Seller, by: Actor) -> None:
    """Create a deleted credential that can still be restored."""
    at = ago(10, 17, 40)
    test = make(seller, "Testsoftware", 150, by, deleted_at=at)
    show(test, by, LastUse(ago(30, 12), "curl/8.14.1"))
    log_about(test, Kind.CREDENTIAL_DELETED, at, by)
