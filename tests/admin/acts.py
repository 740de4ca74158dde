"""The actions of operators in `/beheer/`: the rows they apply to, and choosing and confirming them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import Actor, Membership, Seller, User
from apicredentials.models import (
    Activity,
    ClientCredential,
    ThirdParty,
    ThirdPartyAuthorization,
    sellers,
)
from tests.factories import (
    ClientCredentialFactory,
    MembershipFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
)
from tests.journeys.pages import Page

if TYPE_CHECKING:
    from tests.people import Response

REASON = "Klacht 4711 van een klant"


@dataclass(frozen=True)
class Act:
    """One action: its model, name and label, and the kind of its activity row."""

    model: type[Model]
    name: str
    label: str
    kind: Activity.Kind

    def __str__(self) -> str:
        return f"{self.model._meta.model_name}: {self.label}"

    @property
    def list(self) -> str:
        return reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist")

    @property
    def permission(self) -> str:
        return f"change_{self.model._meta.model_name}"

    def row(self) -> Any:
        """Return a row that the action applies to."""
        seller = TechnicalContactFactory().seller
        if self.model is Seller:
            return SellerFactory(closed=self.name == "reopen")
        if self.model is ClientCredential:
            return ClientCredentialFactory(
                seller=seller, revealed=True, paused=self.name == "resume", deleted=self.name == "restore"
            )
        if self.model in {User, Membership}:
            member = MembershipFactory(seller=seller, role="owner" if self.name == "make_technical" else "technical")
            return self.user(member) if self.model is User else member
        if self.model is ThirdParty:
            party = ThirdPartyAuthorizationFactory(seller=seller).third_party
            if self.name == "resume":
                party.pause(by=Actor())
            return party
        return ThirdPartyAuthorizationFactory(seller=seller)

    def user(self, member: Membership) -> User:
        """Return the member's user, who gave a consent and has a second factor."""
        user = member.user
        ThirdPartyAuthorizationFactory(seller=member.seller, granted_by=user)
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
        if self.name == "switch_on":
            sellers.switch_off(user, by=Actor())
        return user


PAUSE = Act(ClientCredential, "pause", "Pauzeren", Activity.Kind.CREDENTIAL_PAUSED)
RESUME = Act(ClientCredential, "resume", "Hervatten", Activity.Kind.CREDENTIAL_RESUMED)
REVOKE = Act(ClientCredential, "revoke", "Intrekken", Activity.Kind.CREDENTIAL_DELETED)
RESTORE = Act(ClientCredential, "restore", "Terugzetten", Activity.Kind.CREDENTIAL_RESTORED)
REPORT_LEAK = Act(ClientCredential, "report_leak", "Lek melden", Activity.Kind.LEAK_REPORTED)
END = Act(ThirdPartyAuthorization, "revoke", "Intrekken", Activity.Kind.PARTY_REVOKED)
SUSPEND = Act(ThirdParty, "suspend", "Stilzetten", Activity.Kind.PARTY_SUSPENDED)
RESUME_PARTY = Act(ThirdParty, "resume", "Hervatten", Activity.Kind.PARTY_RESUMED)
CLOSE = Act(Seller, "close", "Sluiten", Activity.Kind.SELLER_CLOSED)
REOPEN = Act(Seller, "reopen", "Heropenen", Activity.Kind.SELLER_REOPENED)
SWITCH_OFF = Act(User, "switch_off", "Uitschakelen", Activity.Kind.USER_SWITCHED_OFF)
SWITCH_ON = Act(User, "switch_on", "Inschakelen", Activity.Kind.USER_SWITCHED_ON)
RESET_FACTORS = Act(User, "reset_factors", "Tweede stap verwijderen", Activity.Kind.FACTORS_RESET)
REMOVE = Act(Membership, "remove", "Verwijderen als medewerker", Activity.Kind.MEMBER_REMOVED)
ROLES = [
    Act(Membership, f"make_{role.value}", f"Rol: {role.label}", Activity.Kind.MEMBER_ROLE_CHANGED)
    for role in Membership.Role
]
ACTS_ON_PEOPLE = [SWITCH_OFF, SWITCH_ON, RESET_FACTORS, REMOVE, *ROLES]
ACTS = [PAUSE, RESUME, REVOKE, RESTORE, REPORT_LEAK, END, SUSPEND, RESUME_PARTY, CLOSE, REOPEN, *ACTS_ON_PEOPLE]
every_act = pytest.mark.parametrize("act", ACTS, ids=str)


def choose(client: Client, act: Act, *rows: Model, **more: str) -> "Response":
    """Choose rows of the list, and the action."""
    chosen = [str(row.pk) for row in rows]
    return client.post(act.list, {"action": act.name, "index": "0", "_selected_action": chosen, **more})


def do(client: Client, act: Act, *rows: Model, reason: str = REASON) -> "Response":
    """Choose the action, fill in the reason, and confirm."""
    form = Page(choose(client, act, *rows).content.decode(), act.list).form(act.label)
    return client.post(form.address, form.fill(**{"Reden:": reason}), follow=True)


def seller_of(row: Any) -> Seller:
    """Return the seller whose log has the action."""
    if isinstance(row, User):
        row = row.memberships.get()
    if isinstance(row, ThirdParty):
        row = row.authorizations.get()
    seller: Seller = row if isinstance(row, Seller) else row.seller
    return seller
