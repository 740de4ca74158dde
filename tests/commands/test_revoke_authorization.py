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
    """Consent to every right as the seller's owner, and return the party's tokens."""
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


def test_only_tokens_of_that_party_for_that_seller_are_rejected(manage: Manage, party: Software, shop: Seller) -> None:
    ours, others = connect(party, shop), connect(party, SellerFactory())
    another = software(ThirdPartyFactory())
    theirs = connect(another, shop)
    assert revoke_for(manage, party, shop).status == 0
    assert not works(party, ours)
    assert_error(party.refresh(ours["refresh_token"]), "invalid_grant")
    assert works(party, others)
    assert party.refresh(others["refresh_token"]).status_code == 200
    assert works(another, theirs)


def test_all_sellers_rejects_every_token_of_the_party(manage: Manage, party: Software, shop: Seller) -> None:
    tokens = [connect(party, seller) for seller in (shop, SellerFactory(), SellerFactory())]
    assert revoke(manage, party, "--all-sellers", "--json").json["revoked"] == 3
    assert [works(party, each) for each in tokens] == [False] * 3
    for each in tokens:
        assert_error(party.refresh(each["refresh_token"]), "invalid_grant")


def test_new_consent_gives_access_but_old_tokens_stay_invalid(manage: Manage, party: Software, shop: Seller) -> None:
    before = connect(party, shop)
    revoke_for(manage, party, shop)
    assert works(party, connect(party, shop))
    assert not works(party, before)


def test_prints_the_number_of_authorisations(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    answer = revoke_for(manage, party, shop, "--json").json
    assert answer == {"client_id": party.client_id, "revoked": 1, "found": 1}


def test_without_json_prints_lines(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    done = revoke(manage, party, "--all-sellers")
    assert (done.out, done.err) == (f"client_id: {party.client_id}\nrevoked: 1\nfound: 1\n", "")


def test_dry_run_counts_and_changes_nothing(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    connect(party, SellerFactory())
    before = tables()
    for whose, count in (("--all-sellers", 2), (f"--seller={shop.retailer_id}", 1)):
        answer = manage("revoke_authorization", party.client_id, whose, "--dry-run", "--json").json
        assert answer == {"client_id": party.client_id, "revoked": 0, "found": count}
    assert tables() == before


def test_log_of_each_seller_has_operator_and_reason(manage: Manage, party: Software, shop: Seller) -> None:
    sellers = {shop, SellerFactory()}
    for seller in sellers:
        connect(party, seller)
    revoke(manage, party, "--all-sellers", "--reason", "Misbruik")
    assert logged(REVOKED) == [("Orderhulp", OPERATOR, "Misbruik")] * 2
    assert {activity.seller for activity in Activity.objects.filter(kind=REVOKED)} == sellers


def test_revoking_is_idempotent(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    revoke_for(manage, party, shop, "--reason", "Misbruik")
    ended_at = ThirdPartyAuthorization.objects.get().ended_at
    answer = revoke_for(manage, party, shop, "--reason", "Weer", "--json").json
    assert answer == {"client_id": party.client_id, "revoked": 0, "found": 0}
    assert ThirdPartyAuthorization.objects.get().ended_at == ended_at
    assert logged(REVOKED) == [("Orderhulp", OPERATOR, "Misbruik")]
    assert mailed(REVOKED) == [OWNER, CONTACT]


def test_expired_authorisation_can_no_longer_be_renewed(manage: Manage, party: Software, shop: Seller) -> None:
    expired = ThirdPartyAuthorizationFactory(seller=shop, third_party__name="Boekhouding", expired=True)
    answer = manage("revoke_authorization", expired.third_party.client_id, "--all-sellers", *WHY, "--json").json
    assert answer["revoked"] == 1
    expired.refresh_from_db()
    assert not expired.is_renewable


# ---- Invalid input ----------------------------------------------------------------------------------------


def test_id_of_no_party_is_refused(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    others = [factory().client_id for factory in (ClientCredentialFactory, ResourceServerFactory)]
    before = tables()
    for client_id in ("00000000-0000-4000-8000-000000000000", "Orderhulp", "", "' OR 1=1 --", *others):
        complaint = manage("revoke_authorization", client_id, "--all-sellers", *WHY).complaint
        assert complaint == f"There is no third party {client_id!r}."
    assert tables() == before


def test_invalid_arguments_are_refused(manage: Manage, party: Software, shop: Seller) -> None:
    connect(party, shop)
    before = tables()
    for retailer_id in ("1", "", "appels", "\uff17"):
        assert revoke(manage, party, "--seller", retailer_id).complaint == f"There is no seller {retailer_id!r}."
    for neither_or_both in ([], ["--seller", "1", "--all-sellers"]):
        assert "--all-sellers" in revoke(manage, party, *neither_or_both).complaint
    assert revoke_for(manage, party, shop, "--reason", "").complaint == "--reason is required."
    assert tables() == before
