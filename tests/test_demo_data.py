"""The data of the demo: an empty seller to begin with, and one with a year of history."""

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Seller
from apicredentials.mail.notices import queue_notices
from apicredentials.models import Activity, ClientCredential, OutgoingMail, ThirdPartyAuthorization, Usage
from apicredentials.models.states import Cause, State
from apicredentials.views.credential_list import row_of
from portal.demo import data, people
from tests.inventory import tables
from tests.people import says, sign_in

pytestmark = pytest.mark.django_db

REDIRECT_URI = "http://127.0.0.1:8001/terug"
SETTINGS = "/instellingen/api/"
# By day, minutes after midnight, on a leap day, and in the night with a repeated hour.
MOMENTS = ["2026-05-06T13:30+02:00", "2026-05-06T00:02+02:00", "2028-02-29T09:00+01:00", "2026-10-25T02:30+01:00"]


@pytest.fixture(autouse=True)
def prepared(request: pytest.FixtureRequest) -> Iterator[None]:
    with time_machine.travel(dt.datetime.fromisoformat(getattr(request, "param", MOMENTS[0])), tick=False):
        data.prepare(REDIRECT_URI)
        yield


at_every_moment = pytest.mark.parametrize("prepared", MOMENTS, indirect=True)


@pytest.fixture
def garden() -> Seller:
    return Seller.objects.get(display_name="Tuincentrum De Linde")


def test_first_seller_is_empty() -> None:
    seller = Seller.objects.get(members__email=people.BEGINNER.email)
    assert seller.display_name == "Boekhandel De Zwaan"
    assert not hasattr(seller, "technical_contact")
    assert not seller.clients.exists()
    assert not seller.authorizations.exists()
    assert not Activity.objects.filter(seller=seller).exists()


def test_credentials_are_in_every_state(garden: Seller) -> None:
    credentials = ClientCredential.objects.filter(seller=garden)
    assert {each.state for each in credentials} == {*ClientCredential.State}
    assert any(each.old_secret_is_safe_to_end for each in credentials)
    assert {"unused", "idle"} <= {row_of(each, [*each.secrets.all()])["why"] for each in credentials}


@at_every_moment
def test_nothing_is_used_after_its_access_ended(garden: Seller) -> None:
    for each in ThirdPartyAuthorization.objects.filter(seller=garden).with_parties():
        if each.state_since and each.last_used_at:
            assert each.last_used_at < each.state_since, each


def test_nothing_is_refused_as_paused_before_it_was(garden: Seller) -> None:
    robot = ClientCredential.objects.get(seller=garden, name="Prijsrobot")
    refused = Usage.objects.filter(subject=robot.client_id, event="paused")
    assert refused.exists()
    assert all(each.day > timezone.localdate(robot.paused_at) for each in refused)


def test_missing_rights_are_not_among_the_rights_granted(garden: Seller) -> None:
    granted = dict(ClientCredential.objects.values_list("client_id", "scope"))
    granted |= dict(ThirdPartyAuthorization.objects.values_list("uid", "scope"))
    refused = Usage.objects.filter(event="missing_right")
    assert refused.exists()
    assert all(each.right not in granted[each.subject].split() for each in refused)


@at_every_moment
def test_no_replayed_token_is_refused_after_the_party_was_stopped(garden: Seller) -> None:
    for refusal in Usage.objects.filter(event__in=["refresh_token_replayed", "code_refused"]):
        assert refusal.last_at == ThirdPartyAuthorization.objects.get(uid=refusal.subject).ended_at


@at_every_moment
def test_parties_are_in_every_state_for_every_cause(garden: Seller) -> None:
    everywhere = ThirdPartyAuthorization.objects.with_parties()
    assert {each.cause for each in everywhere} == {None, *Cause}
    present = everywhere.filter(seller=garden)
    assert {each.state for each in present} == {*State}
    for authorization in present:
        if authorization.cause:
            assert authorization.state_since
            assert authorization.granted_at < authorization.state_since <= timezone.now(), authorization
        about = Activity.objects.filter(target=authorization.uid)
        assert about.count() == (1 if authorization.is_active else 2), authorization
    assert any(each.is_ending_soon for each in present)
    assert any(each.is_renewable and each.state == State.EXPIRED for each in present)


@at_every_moment
def test_use_has_weekends_and_an_incident(garden: Seller) -> None:
    warehouse = ClientCredential.objects.get(seller=garden, name="Magazijn")
    daily = Usage.objects.daily(warehouse)
    assert all(each.api_calls for each in daily)
    weekend = [each.api_calls for each in daily if each.day.weekday() > 4]
    incident = [each for each in daily if each.refusals > 1000]
    normal = [each.api_calls for each in daily if each.day.weekday() < 5 and each not in incident]
    assert max(weekend) < min(normal) / 2
    assert len(incident) == 2
    assert max(each.api_calls for each in incident) < min(normal) / 2
    assert Usage.objects.problems(warehouse)


@at_every_moment
def test_no_row_is_in_the_future_and_the_log_covers_a_year(garden: Seller) -> None:
    now = timezone.now()
    assert not Activity.objects.filter(at__gt=now).exists()
    assert not Usage.objects.filter(last_at__gt=now).exists()
    assert all(
        row.day == timezone.localdate(row.last_at) == timezone.localdate(row.first_at) for row in Usage.objects.all()
    )
    months = {(each.at.year, each.at.month) for each in Activity.objects.filter(seller=garden)}
    assert len(months) >= 9


def test_only_the_due_notice_is_mailed(garden: Seller) -> None:
    queue_notices()
    kinds = OutgoingMail.objects.filter(seller=garden).values_list("kind", flat=True)
    assert {*kinds} <= {OutgoingMail.Kind.AUTHORIZATION_ENDS, OutgoingMail.Kind.ACCESS_ENDS}


def test_second_run_changes_only_the_secret_of_the_example_party() -> None:
    before = tables()
    first = before.pop("apicredentials_clientsecret")
    assert data.prepare(REDIRECT_URI)[0] == people.password()
    after = tables()
    assert len(after.pop("apicredentials_clientsecret")) == len(first) + 1
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"apicredentials_activity", "apicredentials_oauthclient", "oauth2_provider_application"}


def test_both_people_can_open_every_page(garden: Seller) -> None:
    for person in (people.OWNER, people.EMPLOYEE):
        client = Client()
        sign_in(client, person.email, people.password())
        client.post("/instellingen/verkoper/", {"seller": garden.retailer_id})
        assert "Tuincentrum De Linde" in says(client.get(SETTINGS))
        credentials = ClientCredential.objects.for_seller(garden)
        addresses = [reverse("apicredentials:credential", args=[each.client_id]) for each in credentials]
        addresses += [reverse("apicredentials:authorization", args=[each.uid]) for each in garden.authorizations.all()]
        assert {client.get(address).status_code for address in [*addresses, f"{SETTINGS}activiteit/"]} == {200}
