"""`list_authorizations`."""

import pytest

from accounts.models import Actor
from apicredentials.models import ThirdPartyAuthorization
from apicredentials.models.states import State
from tests.commands.conftest import Manage
from tests.factories import ThirdPartyAuthorizationFactory

pytestmark = pytest.mark.django_db


def test_prints_state_and_cause_of_each(manage: Manage) -> None:
    authorization = ThirdPartyAuthorizationFactory(scope="orders:read")
    [listed] = manage("list_authorizations", "--json").json
    assert listed | {"granted_at": None, "expires_at": None} == {
        "authorization_id": authorization.uid,
        "party": authorization.third_party.name,
        "client_id": authorization.third_party.client_id,
        "seller": authorization.seller.retailer_id,
        "state": "active",
        "cause": None,
        "scopes": ["orders:read"],
        "granted_by": str(authorization.granted_by and authorization.granted_by.email),
        "granted_at": None,
        "expires_at": None,
        "last_used_at": None,
    }
    authorization.third_party.pause(by=Actor(reason="Lek"))
    [listed] = manage("list_authorizations", "--json").json
    assert (listed["state"], listed["cause"]) == ("suspended", "suspended")
    assert "suspended (suspended)" in manage("list_authorizations").out


def test_filters_by_seller_party_and_state(manage: Manage) -> None:
    active, expired = ThirdPartyAuthorizationFactory(), ThirdPartyAuthorizationFactory(expired=True)
    revoked = ThirdPartyAuthorizationFactory()
    revoked.revoke(by=Actor(reason="Misbruik"))
    queries = {
        ("--seller", active.seller.retailer_id): {active.uid},
        ("--party", expired.third_party.client_id): {expired.uid},
        ("--state", "expired"): {expired.uid},
        ("--state", "revoked"): {revoked.uid},
        ("--state", "active", "--party", revoked.third_party.client_id): set(),
    }
    for arguments, expected in queries.items():
        listed = manage("list_authorizations", *arguments, "--json").json
        assert {each["authorization_id"] for each in listed} == expected, arguments


def test_filter_by_state_agrees_with_the_model(manage: Manage) -> None:
    ThirdPartyAuthorizationFactory()
    for state in State:
        listed = manage("list_authorizations", "--state", state, "--json").json
        assert len(listed) == sum(each.state == state for each in ThirdPartyAuthorization.objects.all())


def test_unknown_seller_party_or_state_is_refused(manage: Manage) -> None:
    assert manage("list_authorizations", "--seller", "1").complaint == "There is no seller '1'."
    assert manage("list_authorizations", "--party", "1").complaint == "There is no third party '1'."
    assert "--state" in manage("list_authorizations", "--state", "actief").complaint


def test_all_rows_are_listed_across_pages(manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apicredentials.models.keyset.PAGE_SIZE", 2)
    for number in range(1, 6):
        ThirdPartyAuthorizationFactory()
        listed = [each["authorization_id"] for each in manage("list_authorizations", "--json").json]
        assert len({*listed}) == len(listed) == number
