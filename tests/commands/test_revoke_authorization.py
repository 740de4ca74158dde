"""`revoke_authorization`: a third party loses its access to one seller, or to all."""

from typing import Any

import pytest

from accounts.models import Seller
from apicredentials.models import Activity, ThirdPartyAuthorization
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, WHY, Done, Manage, logged, mailed
from tests.factories import (
    ClientCredentialFactory,
    ResourceServerFactory,
    SellerFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
from tests.inventory import tables
from tests.oauth.flow import Software, assert_error, decide, request_address, sent_back, software, verify
from tests.people import signed_in

pytestmark = pytest.mark.django_db

REVOKED = Activity.Kind.PARTY_REVOKED


@pytest.fixture
def party() -> Software:
    return software(ThirdPartyFactory(name="Orderhulp"))


def connect(party: Software, seller: Seller) -> dict[str, Any]:
    """Let the seller's owner allow everything, and return the party's tokens."""
    code = sent_back(decide(signed_in(seller.members.get()), request_address(party)))["code"]
    tokens: dict[str, Any] = party.exchange(code).json()
    return tokens


def works(party: Software, tokens: dict[str, Any]) -> bool:
    return verify(tokens["access_token"]).status_code == 204


def revoke(manage: Manage, party: Software, *arguments: str) -> Done:
    reason = () if "--reason" in arguments else WHY
    return manage("revoke_authorization", party.client_id, *arguments, *reason)


def revoke_for(manage: Manage, party: Software, seller: Seller, *arguments: str) -> Done:
    return revoke(manage, party, "--seller", seller.retailer_id, *arguments)


def test_every_token_for_that_seller_stops_and_for_others_goes_on(
    manage: Manage, party: Software, shop: Seller
) -> None:
    ours, others = connect(party, shop), connect(party, SellerFactory())
    another = software(ThirdPartyFactory())
    theirs = connect(another, shop)
    assert revoke_for(manage, party, shop).status == 0
    assert not works(party, ours)
    assert_error(party.refresh(ours["refresh_token"]), "invalid_grant")
    assert works(party, others)
    assert party.refresh(others["refresh_token"]).status_code == 200
    assert works(another, theirs)


def test_for_all_sellers_every_token_stops(manage: Manage, party: Software, shop: Seller) -> None:
    tokens = [connect(party, seller) for seller in (shop, SellerFactory(), SellerFactory())]
    assert revoke(manage, party, "--all-sellers", "--json").json["revoked"] == 3
    assert [works(party, each) for each in tokens] == [False] * 3
    for each in tokens:
        assert_error(party.refresh(each["refresh_token"]), "invalid_grant")


def test_a_new_consent_gives_access_again_and_wakes_no_old_token(manage: Manage, party: Software, shop: Seller) -> None:
    before = connect(party, shop)
    revoke_for(manage, party, shop)
    assert works(party, connect(party, shop))
    assert not works(party, before)


def test_prints_how_many_there_were(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    answer = revoke_for(manage, party, shop, "--json").json
    assert answer == {"client_id": party.client_id, "revoked": 1, "found": 1}


def test_without_json_prints_lines_for_people(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    done = revoke(manage, party, "--all-sellers")
    assert (done.out, done.err) == (f"client_id: {party.client_id}\nrevoked: 1\nfound: 1\n", "")


def test_a_dry_run_counts_and_changes_nothing(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    connect(party, SellerFactory())
    before = tables()
    for whose, count in (("--all-sellers", 2), (f"--seller={shop.retailer_id}", 1)):
        answer = manage("revoke_authorization", party.client_id, whose, "--dry-run", "--json").json
        assert answer == {"client_id": party.client_id, "revoked": 0, "found": count}
    assert tables() == before


def test_each_seller_reads_in_the_log_who_did_it_and_why(manage: Manage, party: Software, shop: Seller) -> None:
    sellers = {shop, SellerFactory()}
    for seller in sellers:
        connect(party, seller)
    revoke(manage, party, "--all-sellers", "--reason", "Misbruik")
    assert logged(REVOKED) == [("Orderhulp", OPERATOR, "Misbruik")] * 2
    assert {activity.seller for activity in Activity.objects.filter(kind=REVOKED)} == sellers


def test_twice_is_once(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    revoke_for(manage, party, shop, "--reason", "Misbruik")
    ended_at = ThirdPartyAuthorization.objects.get().ended_at
    answer = revoke_for(manage, party, shop, "--reason", "Weer", "--json").json
    assert answer == {"client_id": party.client_id, "revoked": 0, "found": 0}
    assert ThirdPartyAuthorization.objects.get().ended_at == ended_at
    assert logged(REVOKED) == [("Orderhulp", OPERATOR, "Misbruik")]
    assert mailed(REVOKED) == [OWNER, CONTACT]


def test_what_has_expired_can_be_renewed_no_more(manage: Manage, party: Software, shop: Seller) -> None:
    expired = ThirdPartyAuthorizationFactory(seller=shop, third_party__name="Boekhouding", expired=True)
    answer = manage("revoke_authorization", expired.third_party.client_id, "--all-sellers", *WHY, "--json").json
    assert answer["revoked"] == 1
    expired.refresh_from_db()
    assert not expired.is_renewable


# ---- Bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["00000000-0000-4000-8000-000000000000", "Orderhulp", "", "' OR 1=1 --"])
def test_refuses_an_id_of_nobody(manage: Manage, party: Software, shop: Seller, client_id: str) -> None:
    connect(party, shop)
    before = tables()
    complaint = manage("revoke_authorization", client_id, "--all-sellers", *WHY).complaint
    assert complaint == f"There is no third party {client_id!r}."
    assert tables() == before


@pytest.mark.parametrize("factory", [ClientCredentialFactory, ResourceServerFactory])
def test_refuses_the_id_of_another_kind_of_client(manage: Manage, factory: type[ClientCredentialFactory]) -> None:
    client_id = factory().client_id
    complaint = manage("revoke_authorization", client_id, "--all-sellers", *WHY).complaint
    assert complaint == f"There is no third party {client_id!r}."


@pytest.mark.parametrize("retailer_id", ["1", "", "appels", "\uff17"])
def test_refuses_a_seller_that_does_not_exist(manage: Manage, party: Software, shop: Seller, retailer_id: str) -> None:
    tokens = connect(party, shop)
    assert revoke(manage, party, "--seller", retailer_id).complaint == f"There is no seller {retailer_id!r}."
    assert works(party, tokens)


@pytest.mark.parametrize("arguments", [[], ["--seller", "1", "--all-sellers"]], ids=["neither", "both"])
def test_whose_access_must_be_said_once(manage: Manage, party: Software, shop: Seller, arguments: list[str]) -> None:
    tokens = connect(party, shop)
    assert "--all-sellers" in revoke(manage, party, *arguments).complaint
    assert works(party, tokens)


@pytest.mark.parametrize("reason", ["a" * 501, "twee\nregels", "met\0nul", "\udcff", "", " "])
def test_needs_a_reason_that_a_log_can_hold(manage: Manage, party: Software, shop: Seller, reason: str) -> None:
    tokens = connect(party, shop)
    assert revoke_for(manage, party, shop, "--reason", reason).complaint
    assert works(party, tokens)
