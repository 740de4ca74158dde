"""`resume_third_party`. The recipients of its mail are tested in test_suspend_third_party.py."""

import datetime as dt

import pytest

from accounts.models import Actor
from apicredentials.models import ThirdParty
from tests.commands.conftest import WHY, Manage
from tests.factories import ThirdPartyAuthorizationFactory, ThirdPartyFactory
from tests.inventory import tables
from tests.oauth.flow import Software, assert_error, software

pytestmark = pytest.mark.django_db


@pytest.fixture
def leaked() -> Software:
    """A party with access to a seller, whose only secret was reported as leaked."""
    party = software(ThirdPartyAuthorizationFactory().third_party)
    row = ThirdParty.objects.get()
    row.report_leak(row.secrets.get(), by=Actor(reason="Gevonden"))
    return party


@pytest.mark.parametrize("more", [(), ("--json",), ("--dry-run",)])
def test_refused_while_the_leaked_secret_is_the_only_one(manage: Manage, leaked: Software, more: tuple[str]) -> None:
    before = tables()
    assert "nieuw secret" in manage("resume_third_party", leaked.client_id, *WHY, *more).complaint
    assert tables() == before


def test_access_works_again_with_a_new_secret(manage: Manage, leaked: Software) -> None:
    party = Software(leaked.client_id, ThirdParty.objects.get().rotate(overlap=dt.timedelta(0), by=Actor()))
    assert_error(party.refresh("x"), "invalid_client", 401)
    done = manage("resume_third_party", leaked.client_id, *WHY, "--json").json
    assert (done["client_id"], done["sellers"]) == (leaked.client_id, 1)
    assert_error(party.refresh("x"), "invalid_grant")
    assert_error(leaked.refresh("x"), "invalid_client", 401)


def test_public_party_needs_no_secret(manage: Manage) -> None:
    party = ThirdPartyFactory(public=True)
    party.pause(by=Actor())
    assert manage("resume_third_party", party.client_id, *WHY).status == 0
    party.refresh_from_db()
    assert party.paused_at is None


def test_party_that_is_not_suspended_is_not_changed(manage: Manage) -> None:
    party = ThirdPartyAuthorizationFactory().third_party
    before = tables()
    done = manage("resume_third_party", party.client_id, *WHY, "--json").json
    assert done == {"client_id": party.client_id, "sellers": 0, "mails": 0}
    assert tables() == before


def test_reason_and_existing_party_are_required(manage: Manage, leaked: Software) -> None:
    assert manage("resume_third_party", leaked.client_id).complaint == "--reason is required."
    assert manage("resume_third_party", "1", *WHY).complaint == "There is no third party '1'."
