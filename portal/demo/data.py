"""The data of the demo: two sellers and their users; the second seller has credentials already."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts.models import Actor, Membership, Seller, User
from apicredentials import names, scopes
from apicredentials.models import ClientCredential, TechnicalContact, ThirdParty, ThirdPartyLogo

PARTY_NAME = "Orderwijs"
PARTY_CONTACT = "hulp@orderwijs.example"
LOGO = Path(__file__).with_name("orderwijs.png")
# The rights of software that handles orders.
PARTY_RIGHTS = (
    "offers:read",
    "inventory:read",
    "orders:manage",
    "returns:manage",
    "shipping-labels:manage",
    "shipments:manage",
    "transports:manage",
    "retailer-info:read",
)
OPERATOR = Actor(reason="Demo")


@dataclass(frozen=True)
class Person:
    """A user of the demo, with the description printed in the terminal."""

    email: str
    name: str
    story: str


BEGINNER = Person("sanne@dezwaan.example", "Sanne de Vries", "eigenaar van Boekhandel De Zwaan: begin hier")
OWNER = Person("pieter@vandijk.example", "Pieter van Dijk", "eigenaar van Fietsen Van Dijk, waar al iets is ingesteld")
EMPLOYEE = Person("fatima@ictvoorwinkels.example", "Fatima el Amrani", "werkt als technicus voor allebei")
ADMINISTRATOR = Person("beheer@portaal.example", "Kim Jansen", "operator van de marktplaats: /beheer/")
PEOPLE = (BEGINNER, OWNER, EMPLOYEE, ADMINISTRATOR)


@transaction.atomic
def prepare(redirect_uri: str) -> tuple[str, str, str]:
    """Create missing data; return the password of all users, and the client id and secret of the example party."""
    if not Seller.objects.exists():
        make_sellers()
    set_password(password())
    return password(), *register_party(redirect_uri)


def password() -> str:
    """Return the password, derived from SECRET_KEY: the same in each run."""
    digits = salted_hmac("portal.demo.password", "", algorithm="sha256").hexdigest()
    return "-".join(digits[i : i + 4] for i in range(0, 16, 4))


def set_password(text: str) -> None:
    """Set the password of all users. Those who have it already stay signed in."""
    for user in User.objects.filter(email__in=[person.email for person in PEOPLE]):
        if not user.check_password(text):
            user.set_password(text)
            user.save(update_fields=["password"])


def make_sellers() -> None:
    """Create the users and the sellers; only the second seller is set up."""
    User.objects.create_superuser(ADMINISTRATOR.email, name=ADMINISTRATOR.name)
    zwaan = Seller(
        display_name="Boekhandel De Zwaan",
        company_name="Boekhandel De Zwaan B.V.",
        vat_number="NL857412963B01",
        kvk_number="68412975",
        registration_date=dt.date(2019, 9, 2),
    )
    van_dijk = Seller(
        display_name="Fietsen Van Dijk",
        company_name="Van Dijk Tweewielers V.O.F.",
        vat_number="NL820345178B02",
        kvk_number="30174826",
        registration_date=dt.date(2021, 3, 15),
    )
    employee = make_user(EMPLOYEE)
    for seller, owner in ((zwaan, BEGINNER), (van_dijk, OWNER)):
        seller.open(owner=make_user(owner))
        Membership.objects.create(seller=seller, user=employee, role=Membership.Role.TECHNICAL)
    set_up(van_dijk)


def make_user(person: Person) -> User:
    """Create a user, without a password yet."""
    return User.objects.create_user(person.email, name=person.name)


def set_up(seller: Seller) -> None:
    """Give a seller a technical contact and two credentials, one of them with a secret."""
    contact = TechnicalContact(
        seller=seller, name=EMPLOYEE.name, email="techniek@vandijk.example", phone_number="+31302345678"
    )
    contact.record(by=OPERATOR)
    contact.confirm()
    make_credential(seller, "Magazijn", scopes.ALL).reveal(by=OPERATOR)
    make_credential(seller, "Boekhouding", ["invoices:read", "commissions:read", "retailer-info:read"])


def make_credential(seller: Seller, name: str, rights: Iterable[str]) -> ClientCredential:
    """Create a credential without a secret."""
    credential = ClientCredential(seller=seller, name=name, scope=scopes.join(rights))
    credential.create(by=OPERATOR)
    return credential


def register_party(redirect_uri: str) -> tuple[str, str]:
    """Return the example party's client id and secret.

    The secret is new in each run, because the plaintext of the previous one is not stored.
    """
    party = ThirdParty.objects.present().filter(folded_name=names.fold(PARTY_NAME)).first()
    if party is None:
        party = ThirdParty(
            name=PARTY_NAME,
            contact_email=PARTY_CONTACT,
            level=ThirdParty.Level.GOLD,
            description="Verwerkt je bestellingen en retouren vanuit één scherm.",
            start_url=urljoin(redirect_uri, "/"),
            is_listed=True,
            redirect_uris=redirect_uri,
            scope=scopes.join(PARTY_RIGHTS),
        )
        party.register(by=OPERATOR)
        ThirdPartyLogo.set_for(party, LOGO.read_bytes(), by=OPERATOR)
        return party.client_id, party.reveal(by=OPERATOR)
    party.redirect_uris, party.start_url = redirect_uri, urljoin(redirect_uri, "/")
    party.save(update_fields=["redirect_uris", "start_url"])
    return party.client_id, party.rotate(overlap=dt.timedelta(0), by=OPERATOR)
