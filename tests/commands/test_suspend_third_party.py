"""`suspend_third_party` and `resume_third_party`."""

import pytest

from accounts.models import Seller
from apicredentials.models import Activity, OutgoingMail
from tests.commands.conftest import CONTACT, OPERATOR, OWNER, WHY, Manage, logged, mailed
from tests.factories import SellerFactory, ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.oauth.flow import Software, assert_error, software

pytestmark = pytest.mark.django_db

SUSPENDED, RESUMED = Activity.Kind.PARTY_SUSPENDED, Activity.Kind.PARTY_RESUMED


@pytest.fixture
def party(shop: Seller) -> Software:
    """A party with access to the shop; its access to another seller has ended."""
    party = ThirdPartyFactory(name="Orderhulp")
    ThirdPartyAuthorizationFactory(third_party=party, seller=shop)
    ThirdPartyAuthorizationFactory(third_party=party, seller=SellerFactory(), expired=True)
    return software(party)


def test_access_is_refused_until_the_party_is_resumed(manage: Manage, party: Software) -> None:
    assert manage("suspend_third_party", party.client_id, *WHY).status == 0
    assert_error(party.refresh("x"), "invalid_client", 401)
    assert manage("resume_third_party", party.client_id, *WHY).status == 0
    assert_error(party.refresh("x"), "invalid_grant")


@pytest.mark.parametrize("name", ["suspend_third_party", "resume_third_party"])
def test_only_the_sellers_concerned_are_mailed_once(manage: Manage, party: Software, name: str) -> None:
    kind = SUSPENDED if name == "suspend_third_party" else RESUMED
    if kind == RESUMED:
        manage("suspend_third_party", party.client_id, *WHY)
    before = tables()
    expected = manage(name, party.client_id, "--dry-run", "--json").json
    assert tables() == before
    mails = OutgoingMail.objects.count()
    done = manage(name, party.client_id, "--reason", "Inbraak", "--json").json
    assert done == expected
    assert done == {"client_id": party.client_id, "sellers": 1, "mails": OutgoingMail.objects.count() - mails}
    assert logged(kind) == [("Orderhulp", OPERATOR, "Inbraak")] * 2  # the seller, and the operators' log
    assert {OWNER, CONTACT} <= {*mailed(kind)}
    again = manage(name, party.client_id, *WHY, "--json").json
    assert again == {"client_id": party.client_id, "sellers": 0, "mails": 0}


def test_reason_and_existing_party_are_required(manage: Manage, party: Software) -> None:
    before = tables()
    assert manage("suspend_third_party", party.client_id).complaint == "--reason is required."
    assert manage("suspend_third_party", "1", *WHY).complaint == "There is no third party '1'."
    assert tables() == before
