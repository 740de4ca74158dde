"""Use and problems as the pages show them."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from time_machine import TimeMachineFixture

from apicredentials.models import OAuthClient, Usage
from apicredentials.models.usage import DayCount, ProblemCause, Use
from tests.factories import (
    ClientCredentialFactory,
    SellerFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 5, 17, 22, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 5, 18)  # in Amsterdam
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def now(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)


def counted(subject: str, event: str, *, ago: dt.timedelta = dt.timedelta(), count: int = 1, **values: Any) -> Usage:
    at = timezone.now() - ago
    values = {"first_at": at, "last_at": at, "day": timezone.localdate(at)} | values
    return Usage.objects.create(subject=subject, event=event, count=count, **values)


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


# ---- Days ---------------------------------------------------------------------------------------------------


def test_every_day_is_there_the_oldest_first(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    credential = ClientCredentialFactory()
    counted(credential.client_id, Use.TOKEN_REQUEST, count=3)
    counted(credential.client_id, Use.API_CALL, count=70)
    counted(credential.client_id, ProblemCause.PAUSED, ago=days(29), count=2)
    counted(credential.client_id, ProblemCause.CLOSED, ago=days(29), count=5)
    counted(credential.client_id, Use.API_CALL, ago=days(30))
    with django_assert_num_queries(1):
        found = Usage.objects.daily(credential)
    assert [each.day for each in found] == [TODAY - days(29 - number) for number in range(30)]
    assert found[0] == DayCount(TODAY - days(29), refusals=7)
    assert found[-1] == DayCount(TODAY, token_requests=3, api_calls=70)
    assert set(found[1:-1]) == {DayCount(each.day) for each in found[1:-1]}


def test_other_clients_are_not_counted() -> None:
    credential, authorization = ClientCredentialFactory(), ThirdPartyAuthorizationFactory()
    for other in (ClientCredentialFactory().client_id, ThirdPartyAuthorizationFactory().uid):
        counted(other, Use.API_CALL)
        counted(other, ProblemCause.PAUSED)
    for target in (credential, authorization, authorization.third_party):
        assert Usage.objects.daily(target, days=1) == [DayCount(TODAY)]
        assert Usage.objects.problems(target) == []


def test_third_party_counts_with_all_its_authorisations(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    party = ThirdPartyFactory()
    first, second = (ThirdPartyAuthorizationFactory(third_party=party) for _ in range(2))
    counted(party.client_id, ProblemCause.WRONG_SECRET)
    counted(first.uid, Use.API_CALL, count=10)
    counted(second.uid, Use.API_CALL, count=20)
    for target in (party, OAuthClient.objects.get(pk=party.pk)):
        with django_assert_num_queries(1):
            assert Usage.objects.daily(target, days=1) == [DayCount(TODAY, api_calls=30, refusals=1)]
    assert Usage.objects.daily(first, days=1) == [DayCount(TODAY, api_calls=10)]


# ---- Problems -----------------------------------------------------------------------------------------------


def test_problems_are_grouped_by_cause_and_right_the_newest_first() -> None:
    client_id = (credential := ClientCredentialFactory()).client_id
    counted(client_id, ProblemCause.WRONG_SECRET, ago=days(2), count=4, address="192.0.2.1", agent="oud")
    counted(client_id, ProblemCause.WRONG_SECRET, ago=days(1), count=3, address="192.0.2.2", agent="nieuw")
    counted(client_id, ProblemCause.MISSING_RIGHT, right="orders:read")
    counted(client_id, ProblemCause.MISSING_RIGHT, right="offers:manage", ago=days(3))
    counted(client_id, ProblemCause.PAUSED, ago=days(30))
    counted(client_id, Use.API_CALL)
    first, second, third = Usage.objects.problems(credential)
    assert (first.cause, first.right) == (ProblemCause.MISSING_RIGHT, "orders:read")
    assert (second.cause, second.count) == (ProblemCause.WRONG_SECRET, 7)
    assert (second.first_at, second.last_at) == (NOW - days(2), NOW - days(1))
    assert (second.address, second.agent) == ("192.0.2.2", "nieuw")
    assert (third.cause, third.right) == (ProblemCause.MISSING_RIGHT, "offers:manage")


def test_problem_names_the_right_in_dutch() -> None:
    credential = ClientCredentialFactory()
    counted(credential.client_id, ProblemCause.MISSING_RIGHT, right="orders:read")
    counted(credential.client_id, ProblemCause.UNKNOWN_SCOPE, right="orders:{0.x}")
    sentences = {group.cause: group.sentence for group in Usage.objects.problems(credential)}
    assert sentences[ProblemCause.MISSING_RIGHT] == "De software mist dit recht: Bestellingen: Lezen."
    assert "'orders:{0.x}'" in sentences[ProblemCause.UNKNOWN_SCOPE]


@pytest.mark.parametrize("cause", ProblemCause)
def test_every_cause_has_a_label_a_sentence_and_a_remedy(cause: ProblemCause) -> None:
    credential = ClientCredentialFactory()
    counted(credential.client_id, cause)
    (group,) = Usage.objects.problems(credential)
    assert group.label[0].isupper()
    for text in (group.sentence, group.remedy):
        assert text.endswith(".")
        assert "{" not in text


def test_sellers_refused_in_the_last_hour(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    busy, quiet, earlier = (SellerFactory() for _ in range(3))
    authorization = ThirdPartyAuthorizationFactory(seller=busy)
    counted(ClientCredentialFactory(seller=busy).client_id, ProblemCause.WRONG_SECRET, count=60)
    counted(authorization.uid, ProblemCause.MISSING_RIGHT, count=50, ago=HOUR / 2)
    counted(authorization.third_party.client_id, ProblemCause.WRONG_SECRET, count=500)
    counted(ClientCredentialFactory(seller=quiet).client_id, ProblemCause.WRONG_SECRET, count=99)
    counted(ClientCredentialFactory(seller=earlier).client_id, ProblemCause.WRONG_SECRET, count=500, ago=2 * HOUR)
    with django_assert_num_queries(3):
        found = Usage.objects.refused_sellers(NOW - HOUR)
    assert [(each.seller, each.count, each.last_at) for each in found] == [(busy, 110, NOW), (quiet, 99, NOW)]
    assert [each.seller for each in Usage.objects.refused_sellers(NOW - HOUR, at_least=100)] == [busy]
