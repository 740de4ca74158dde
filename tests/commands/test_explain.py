"""`explain`: kind, owner, state and cause of the matches, with problems and log of 48 hours."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Actor, Seller
from apicredentials.keys import secret_format
from apicredentials.models import ClientSecret, ThirdPartyAuthorization, Usage, sellers
from apicredentials.models.usage import ProblemCause
from tests.commands.conftest import CONTACT, NOW, OPERATOR, OWNER, Manage
from tests.factories import ClientCredentialFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.oauth.flow import Software

pytestmark = pytest.mark.django_db

MEMBERS = {"kind", "id", "name", "seller", "state", "cause", "since", "last_used_at", "problems", "activity"}


def explained(manage: Manage, what: str, *, stdin: str = "") -> list[tuple[str, str]]:
    """Return kind and name of each match."""
    matches = manage("explain", what, "--json", stdin=stdin).json["matches"]
    assert all({*match} == MEMBERS for match in matches)
    return [(match["kind"], match["name"]) for match in matches]


def only(manage: Manage, what: str) -> dict[str, Any]:
    """Return the one match."""
    (match,) = manage("explain", what, "--json").json["matches"]
    assert isinstance(match, dict)
    return match


@pytest.fixture
def authorization(shop: Seller) -> ThirdPartyAuthorization:
    """The shop's consent to Orderhulp, which has a consent of another seller too."""
    party = ThirdPartyFactory(name="Orderhulp")
    ThirdPartyAuthorizationFactory(third_party=party)
    return ThirdPartyAuthorizationFactory(third_party=party, seller=shop)


# ---- Every kind of input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what", ["{0.retailer_id}", "{0.display_name}", OWNER, OWNER.upper(), f"{OWNER}\u200b", CONTACT]
)
def test_seller_number_name_or_address_returns_all_objects_of_the_seller(
    manage: Manage, shop: Seller, warehouse: Software, authorization: ThirdPartyAuthorization, what: str
) -> None:
    assert {*explained(manage, what.format(shop))} == {
        ("seller", shop.display_name),
        ("user", OWNER),
        ("credential", "Magazijn"),
        ("authorization", "Orderhulp"),
    }


def test_address_of_a_member_returns_every_seller_of_theirs(manage: Manage, shop: Seller) -> None:
    other = ThirdPartyAuthorizationFactory().seller
    other.memberships.create(user=shop.members.get(), role="technical")
    names = [name for kind, name in explained(manage, OWNER) if kind == "seller"]
    assert sorted(names) == sorted([shop.display_name, other.display_name])


def test_client_id_returns_the_client(manage: Manage, warehouse: Software) -> None:
    for what in (warehouse.client_id, warehouse.client_id.upper(), f" {warehouse.client_id} "):
        assert explained(manage, what) == [("credential", "Magazijn")]


def test_client_id_of_a_party_returns_its_authorisations(
    manage: Manage, authorization: ThirdPartyAuthorization
) -> None:
    found = explained(manage, authorization.third_party.client_id)
    assert found == [("third_party", "Orderhulp"), *[("authorization", "Orderhulp")] * 2]


def test_authorisation_id_returns_only_the_authorisation(
    manage: Manage, authorization: ThirdPartyAuthorization
) -> None:
    match = only(manage, authorization.uid)
    assert (match["kind"], match["id"], match["seller"]) == (
        "authorization",
        authorization.uid,
        authorization.seller.retailer_id,
    )


def test_last_four_characters_return_the_client(manage: Manage, warehouse: Software) -> None:
    ClientCredentialFactory(revealed=True)
    ClientSecret.objects.update(hint="zzzz")
    ClientSecret.objects.filter(client__client_id=warehouse.client_id).update(hint="AbC1")
    assert explained(manage, "AbC1") == [("credential", "Magazijn")]


def test_secret_on_standard_input_returns_its_client_and_is_not_printed(manage: Manage, warehouse: Software) -> None:
    before = tables()
    for text in (warehouse.secret, f"\ufeff{warehouse.secret}\r\n"):
        assert explained(manage, "-", stdin=text) == [("credential", "Magazijn")]
    for arguments in (("-", "--json"), ("-",)):
        done = manage("explain", *arguments, stdin=warehouse.secret)
        assert warehouse.secret not in done.out + done.err
    assert tables() == before


def test_ended_secret_returns_its_client(manage: Manage, warehouse: Software) -> None:
    ClientSecret.objects.update(ends_at=timezone.now())
    assert explained(manage, "-", stdin=warehouse.secret) == [("credential", "Magazijn")]


def test_part_of_a_partys_name_returns_the_party(manage: Manage, authorization: ThirdPartyAuthorization) -> None:
    assert explained(manage, "orderh") == [("third_party", "Orderhulp")]


# ---- No match -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("warehouse", "authorization")
def test_unknown_input_returns_no_match(manage: Manage) -> None:
    uid = "00000000-0000-4000-8000-000000000000"
    for what in ("0000000", "xyzzy", "niemand@winkel.example", "@", uid, "-", "zzzz", "", "\U0001f9a2"):
        stdin = secret_format.generate() if what == "-" else ""
        done = manage("explain", what, "--json", stdin=stdin)
        assert (done.status, done.json) == (0, {"matches": []})
        assert manage("explain", what, stdin=stdin).complaint == "Nothing fits that."


# ---- Content of a match -------------------------------------------------------------------------------------


def test_state_and_cause_are_those_of_the_pages(manage: Manage, authorization: ThirdPartyAuthorization) -> None:
    party = authorization.third_party
    match = only(manage, authorization.uid)
    assert (match["state"], match["cause"], match["since"]) == ("active", None, None)
    party.pause(by=Actor(reason="Inbraak"))
    match = only(manage, authorization.uid)
    assert (match["state"], match["cause"]) == ("suspended", "suspended")
    assert match["since"].startswith(f"{party.paused_at:%Y-%m-%dT%H:%M}")
    states = {each["kind"]: each["state"] for each in manage("explain", party.client_id, "--json").json["matches"]}
    assert states == {"third_party": "suspended", "authorization": "suspended"}


def test_sellers_users_and_credentials_have_a_state(manage: Manage, shop: Seller, warehouse: Software) -> None:
    def states() -> dict[str, str]:
        matches = manage("explain", shop.retailer_id, "--json").json["matches"]
        return {match["kind"]: match["state"] for match in matches}

    assert states() == {"seller": "open", "user": "active", "credential": "active"}
    by = Actor(reason="Fraude")
    sellers.close(shop, by=by)
    sellers.switch_off(shop.members.get(), by=by)
    manage("report_leak", stdin=warehouse.secret)
    assert states() == {"seller": "closed", "user": "off", "credential": "leaked"}


def test_public_party_was_last_used_when_a_seller_of_it_was(manage: Manage) -> None:
    party = ThirdPartyFactory(public=True)
    for used_at in (None, NOW):
        ThirdPartyAuthorizationFactory(third_party=party, last_used_at=used_at)
    found, *consents = manage("explain", party.client_id, "--json").json["matches"]
    assert found["last_used_at"] in {consent["last_used_at"] for consent in consents} - {None}


def test_problems_and_log_are_those_of_48_hours(manage: Manage, shop: Seller, warehouse: Software) -> None:
    now = timezone.now()
    for cause, hours in ((ProblemCause.WRONG_SECRET, 1), (ProblemCause.PAUSED, 49)):
        at = now - dt.timedelta(hours=hours)
        Usage.objects.create(
            subject=warehouse.client_id,
            day=timezone.localdate(at),
            event=cause,
            count=3,
            first_at=at,
            last_at=at,
            address="192.0.2.7",
            agent="magazijn/1.0",
        )
    manage("pause_credential", warehouse.client_id, "--reason", "Klacht 4711")
    match = only(manage, warehouse.client_id)
    (problem,) = match["problems"]
    assert {"cause": "wrong_secret", "count": 3, "address": "192.0.2.7", "agent": "magazijn/1.0"}.items() <= (
        problem.items()
    )
    assert problem.keys() == {"cause", "first_at", "last_at", "count", "address", "agent"}
    assert match["activity"][0] | {"at": None} == {
        "at": None,
        "what": "Client credentials gepauzeerd",
        "by": OPERATOR,
        "reason": "Klacht 4711",
    }


def test_without_json_prints_advice(manage: Manage, authorization: ThirdPartyAuthorization) -> None:
    authorization.revoke(by=Actor(reason="Op verzoek"))
    at = timezone.now()
    Usage.objects.create(
        subject=authorization.uid,
        day=timezone.localdate(at),
        event=ProblemCause.MISSING_RIGHT,
        right="orders:read",
        count=1,
        first_at=at,
        last_at=at,
    )
    out = manage("explain", authorization.uid).out
    assert "state: revoked (removed_by_operator) since" in out
    assert "remedy: Begin opnieuw bij Orderhulp als je deze partij weer wilt gebruiken." in out
    assert "remedy: De software mist dit recht: Bestellingen: Lezen." in out
    assert "reason: Op verzoek" in out
