"""The sellers of the demo: an empty one, a new one, one with a year of history, and a closed one."""

import datetime as dt
from typing import Any

from accounts.models import Actor, Membership, Seller, User
from apicredentials import scopes
from apicredentials.models import Activity, ClientCredential, TechnicalContact
from portal.demo import people
from portal.demo.history import ago, log

OPERATOR = Actor(reason="Demo")


def make_shops() -> tuple[Seller, Seller]:
    """Create the users and the sellers; return the one with a year of history, and the closed one."""
    User.objects.create_superuser(people.ADMINISTRATOR.email, name=people.ADMINISTRATOR.name)
    sanne, pieter = people.make_user(people.BEGINNER), people.make_user(people.OWNER)
    people.make_user(people.EMPLOYEE)
    open_shop(
        sanne,
        display_name="Boekhandel De Zwaan",
        company_name="Boekhandel De Zwaan B.V.",
        vat_number="NL857412963B01",
        kvk_number="68412975",
        registration_date=dt.date(2019, 9, 2),
    )
    bicycles = open_shop(
        pieter,
        display_name="Fietsen Van Dijk",
        company_name="Van Dijk Tweewielers V.O.F.",
        vat_number="NL820345178B02",
        kvk_number="30174826",
        registration_date=dt.date(2021, 3, 15),
    )
    set_up(bicycles)
    garden = open_shop(
        pieter,
        display_name="Tuincentrum De Linde",
        company_name="De Linde Groen B.V.",
        vat_number="NL861204937B01",
        kvk_number="71930462",
        registration_date=dt.date(2020, 4, 6),
    )
    make_old_contact(garden, pieter)
    skates = open_shop(pieter, display_name="Van Dijk Skeelers", company_name="Van Dijk Tweewielers V.O.F.")
    return garden, skates


def open_shop(owner: User, **values: Any) -> Seller:
    """Create a seller with its owner and the technician, who is a member of every seller."""
    seller = Seller(**values)
    seller.open(owner=owner)
    employee = people.user(people.EMPLOYEE)
    Membership.objects.create(seller=seller, user=employee, role=Membership.Role.TECHNICAL)
    return seller


def set_up(seller: Seller) -> None:
    """Give a seller a technical contact and two credentials, one of them with a secret."""
    contact = TechnicalContact(
        seller=seller, name=people.EMPLOYEE.name, email="techniek@vandijk.example", phone_number="+31302345678"
    )
    contact.record(by=OPERATOR)
    contact.confirm()
    warehouse = ClientCredential(seller=seller, name="Magazijn", scope=scopes.join(scopes.ALL))
    warehouse.create(by=OPERATOR)
    warehouse.reveal(by=OPERATOR)
    books = scopes.join(["invoices:read", "commissions:read", "retailer-info:read"])
    ClientCredential(seller=seller, name="Boekhouding", scope=books).create(by=OPERATOR)


def make_old_contact(seller: Seller, by: User) -> None:
    """Give a seller a contact that was saved and confirmed a year ago."""
    contact = TechnicalContact.objects.create(
        seller=seller,
        name=people.EMPLOYEE.name,
        email="techniek@delinde.example",
        phone_number="+31344567890",
        confirmed_at=ago(371),
    )
    for kind, at in ((Activity.Kind.CONTACT_SAVED, ago(372)), (Activity.Kind.CONTACT_CONFIRMED, ago(371))):
        log(kind, contact.name, at, by=Actor(user=by), seller=seller)


def close(seller: Seller) -> None:
    """Close a seller, five weeks ago."""
    at = ago(35, 11, 20)
    Seller.objects.filter(pk=seller.pk).update(closed_at=at)
    by = Actor(reason="Bedrijf beëindigd, op verzoek van de eigenaar")
    log(Activity.Kind.SELLER_CLOSED, seller.display_name, at, by=by, seller=seller)
