"""The data of the demo. The first seller is empty; another one has a year behind it."""

from django.db import transaction

from accounts.models import Seller
from portal.demo import partners, people, shops, software, traffic


@transaction.atomic
def prepare(redirect_uri: str) -> tuple[str, str, str]:
    """Create missing data; return the password of all users, and the client id and secret of the example party."""
    if not Seller.objects.exists():
        busy, closed = shops.make_shops()
        software.make_software(busy)
        partners.make_partners(busy, closed)
        traffic.make_traffic(busy)
        shops.close(closed)
    people.set_password(people.password())
    return people.password(), *partners.register_example(redirect_uri)
