"""Enumerations of the portal's addresses, a seller's objects behind them, and the database tables."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Actor, Invitation, Membership, Seller
from tests.factories import (
    ClientCredentialFactory,
    MembershipFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
)

# ---- Addresses --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Address:
    """One address of the portal: `instellingen/api/partijen/<uuid:uid>/verwijderen/`."""

    route: str
    name: str

    def __str__(self) -> str:
        return self.name or self.route

    @property
    def app(self) -> str:
        """The namespace of its name."""
        return self.name.rpartition(":")[0]

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters in `<…>`."""
        return re.findall(r"<(?:\w+:)?(\w+)>", self.route)

    def url(self, values: dict[str, Any]) -> str:
        """Return the URL, with those of `values` that it takes."""
        return reverse(self.name, kwargs={name: values[name] for name in self.parameters})


def addresses(resolver: URLResolver | None = None, route: str = "", namespace: str = "") -> Iterator[Address]:
    """Yield every address of the portal."""
    for entry in (resolver or get_resolver()).url_patterns:
        here = route + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, here, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
        elif isinstance(entry, URLPattern):
            yield Address(here, f"{namespace}{entry.name}" if entry.name else "")


SELLERS_PAGES = [address for address in addresses() if address.app == "apicredentials"]
SELLERS_ROWS = [address for address in SELLERS_PAGES if address.parameters]


# The authorisations that these pages are for; others are sent back to the settings.
AUTHORIZATIONS: dict[str, dict[str, Any]] = {
    "apicredentials:authorization-renew": {"expiring": True},
    "apicredentials:authorization-take-over": {"granted_by": None},
}


def belongings(seller: Seller, address: Address) -> dict[str, Any]:
    """Create one of each object for `seller`, in the state that `address` needs, and return the URL parameters."""
    if not hasattr(seller, "technical_contact"):
        TechnicalContactFactory(seller=seller)
    credential = ClientCredentialFactory(seller=seller)
    credential.reveal(by=Actor())
    credential.rotate(overlap=dt.timedelta(days=7), by=Actor())
    if address.name == "apicredentials:credential-restore":
        credential.delete_softly(by=Actor())
    if address.name == "apicredentials:credential-resume":
        credential.pause(by=Actor())
    old_secret = credential.secrets.earliest("pk")
    authorization = ThirdPartyAuthorizationFactory(seller=seller, **AUTHORIZATIONS.get(address.name, {}))
    return {"client_id": credential.client_id, "pk": old_secret.pk, "uid": authorization.uid}


# Everything below /instellingen/ but the link in a mail, whose token is the permission.
MEMBERS_PAGES = [
    address
    for address in addresses()
    if address.route.startswith("instellingen/") and address.name != "contact-confirm"
]


def own_values(membership: Membership, address: Address) -> dict[str, Any]:
    """Create what the page of `address` is about, for this signed-in member, and return the URL parameters."""
    seller, user = membership.seller, membership.user
    match address.name:
        case "accounts:member-role" | "accounts:member-remove":
            member = MembershipFactory(seller=seller)
            ThirdPartyAuthorizationFactory(seller=seller, granted_by=member.user)
            return {"pk": member.pk}
        case "accounts:invitation-resend" | "accounts:invitation-withdraw":
            return {"pk": Invitation.objects.create(seller=seller, email="x@winkel.example", role="technical").pk}
        case "accounts:passkey-rename" | "accounts:passkey-remove":
            return {"pk": Authenticator.objects.create(user=user, type="webauthn", data={"name": "Telefoon"}).pk}
        case "accounts:totp-remove":
            Authenticator.objects.get_or_create(user=user, type="totp", defaults={"data": {}})
        case "accounts:session-end":
            return {"pk": UserSession.objects.filter(user=user).latest("pk").pk}
    return belongings(seller, address)


def admin_pages() -> Iterator[str]:
    """Yield the URLs of the admin: list and form of each model, and all pages of each row."""
    yield reverse("admin:index")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse("admin:app_list", args=[model._meta.app_label])
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_add")
        for row in model._default_manager.all():
            yield from (reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history", "delete"))


# ---- The database -----------------------------------------------------------------------------------------


def tables() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table except sessions, which `sessions` reads."""
    rows = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table != Session._meta.db_table:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY 1")  # noqa: S608
                rows[table] = cursor.fetchall()
    return rows


def sessions() -> list[dict[str, Any]]:
    """Return the decoded data of every session."""
    return [session.get_decoded() for session in Session.objects.all()]
