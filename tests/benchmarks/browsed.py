"""Our settings and activity pages, for sellers with few and many rows; see tests.benchmarks.browsing."""

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts.models import Seller  # noqa: E402
from apicredentials.models import Activity, ClientCredential  # noqa: E402
from apicredentials.views import settings_views  # noqa: E402
from tests.benchmarks.browsing import Browser, Opened  # noqa: E402
from tests.benchmarks.rows import multiply  # noqa: E402
from tests.factories import ClientCredentialFactory, ClientSecretFactory, TechnicalContactFactory  # noqa: E402

SETTINGS, ACTIVITY = "/instellingen/api/", "/instellingen/api/activiteit/"


class FiftyOnAPage(Browser):
    """Shows fifty credentials per page instead of twenty."""

    def open(self, environ):  # type: ignore[no-untyped-def]
        settings_views.PAGE_SIZE = 50 if environ["HTTP_COOKIE"] == self.cookies["fifty"] else 20
        return super().open(environ)


def seller_with(credentials: int = 1, activities: int = 1) -> Seller:
    """Return a seller with this number of credentials, each with a secret, and this number of rows in its log."""
    seller = TechnicalContactFactory().seller
    name = f"{seller.pk}-"
    original = ClientCredentialFactory(seller=seller, name=name)
    title = f"'{name}' || n"
    multiply(original, credentials - 1, client_id=f"md5('{name}' || n)::uuid::text", name=title, folded_name=title)
    for credential in ClientCredential.objects.filter(seller=seller):
        ClientSecretFactory(
            client=credential, first_used_at=credential.created, last_used_at=credential.created,
            last_used_address="192.0.2.1", last_used_agent="python-requests/2.32.5",
        )  # fmt: skip
    activity = Activity.objects.create(kind=Activity.Kind.PARTY_RENEWED, seller=seller, subject="Partij")
    multiply(activity, activities - 1, at="o.at - n * interval '5 minutes'")
    return seller


def page(path: str, seller: Seller, holds: int) -> Opened:
    """Return a page of the seller's owner that must contain this number of articles."""
    return Opened(path, seller.members.get(), holds, "</article>")


def main() -> None:
    """Create the sellers and open their pages."""
    call_command("migrate", verbosity=0)
    pages = {
        "fifty": page(SETTINGS, seller_with(credentials=50), 50),
        "20 credentials": page(SETTINGS, seller_with(credentials=20), 20),
        "1000 credentials": page(SETTINGS, seller_with(credentials=1000), 20),
        "100 activities": page(ACTIVITY, seller_with(activities=100), 50),
        "100000 activities": page(ACTIVITY, seller_with(activities=100_000), 50),
    }
    FiftyOnAPage(pages).obey()


main()
