"""`list_credentials`."""

import datetime as dt

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Actor
from apicredentials.models import ClientCredential, ClientSecret
from apicredentials.models.leak_reports import report_leak_of
from tests.commands.conftest import Manage
from tests.factories import ClientCredentialFactory, SellerFactory, ThirdPartyFactory

pytestmark = pytest.mark.django_db

USED_AT = dt.datetime(2026, 5, 4, 10, 30, tzinfo=dt.UTC)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_json_contains_names_ids_state_and_use(manage: Manage) -> None:
    credential = ClientCredentialFactory(revealed=True, name="Magazijn", scope="orders:read")
    ClientSecret.objects.update(last_used_at=USED_AT)
    secret = ClientSecret.objects.get()
    [listed] = manage("list_credentials", "--json").json
    assert abs(moment(listed.pop("created_at")) - credential.created) < dt.timedelta(milliseconds=1)
    assert abs(moment(listed["secrets"][0].pop("revealed_at")) - secret.created_at) < dt.timedelta(milliseconds=1)
    assert listed == {
        "client_id": credential.client_id,
        "name": "Magazijn",
        "seller": credential.seller.retailer_id,  # type: ignore[union-attr]
        "state": "active",
        "scopes": ["orders:read"],
        "last_used_at": "2026-05-04T10:30:00Z",
        "secrets": [{"hint": secret.hint, "ends_at": None, "last_used_at": "2026-05-04T10:30:00Z"}],
    }


def test_secrets_and_hashes_are_not_printed(manage: Manage) -> None:
    ClientCredentialFactory(revealed=True)
    assert ClientSecret.objects.get().hash.rpartition("$")[2] not in manage("list_credentials", "--json").out


def test_credential_without_a_secret_has_no_secrets_in_json(manage: Manage) -> None:
    ClientCredentialFactory()
    [listed] = manage("list_credentials", "--json").json
    assert listed["secrets"] == []
    assert listed["last_used_at"] is None


def test_deleted_credentials_and_other_clients_are_not_listed(manage: Manage) -> None:
    ClientCredentialFactory(deleted=True)
    ThirdPartyFactory()
    assert manage("list_credentials", "--json").json == []


def test_filter_by_seller(manage: Manage) -> None:
    ours = ClientCredentialFactory()
    ClientCredentialFactory()
    assert ours.seller is not None
    listed = manage("list_credentials", "--seller", ours.seller.retailer_id, "--json").json
    assert [each["client_id"] for each in listed] == [ours.client_id]


def test_without_json_prints_one_line_per_credential(manage: Manage) -> None:
    seller = SellerFactory()
    first = ClientCredentialFactory(seller=seller, name="Eerste", revealed=True)
    second = ClientCredentialFactory(seller=seller, name="Tweede", paused=True)
    ClientSecret.objects.update(last_used_at=USED_AT)
    assert manage("list_credentials").out.splitlines() == [
        f"{seller.retailer_id}  {second.client_id}  paused  never used  Tweede",
        f"{seller.retailer_id}  {first.client_id}  active  last used 2026-05-04 10:30 UTC  Eerste",
    ]


def test_rows_are_read_in_pages_with_two_queries_each(
    manage: Manage, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    sellers = SellerFactory.create_batch(2)
    made = [ClientCredentialFactory(seller=sellers[n % 2], revealed=True) for n in range(5)]
    in_order = sorted(made, key=lambda each: (str(each.seller and each.seller.retailer_id), -each.pk))
    expected = [each.client_id for each in in_order]
    with django_assert_num_queries(2):
        assert [each["client_id"] for each in manage("list_credentials", "--json").json] == expected
    monkeypatch.setattr("apicredentials.models.keyset.PAGE_SIZE", 2)
    with django_assert_num_queries(3 * 2):
        assert [each["client_id"] for each in manage("list_credentials", "--json").json] == expected


# ---- Filters ----------------------------------------------------------------------------------------------


def listed(manage: Manage, *arguments: str) -> list[str]:
    """Return the listed names in alphabetical order."""
    return sorted(each["name"] for each in manage("list_credentials", *arguments, "--json").json)


def test_filter_by_state(manage: Manage) -> None:
    for state in ClientCredential.State.values:
        credential = ClientCredentialFactory(name=state, revealed=state != "without_secret")
        if state == "paused":
            credential.pause(by=Actor())
        elif state == "deleted":
            credential.delete_softly(by=Actor())
        elif state == "leaked":
            report_leak_of(credential, by=Actor())
    for state in ClientCredential.State.values:
        assert [each["state"] for each in manage("list_credentials", "--state", state, "--json").json] == [state]
        assert listed(manage, "--state", state) == [state]


def used(name: str, days_ago: int) -> None:
    """Create a credential that was used, and whose secret was created, this number of days ago."""
    moment = timezone.now() - dt.timedelta(days=days_ago)
    secret = ClientCredentialFactory(revealed=True, name=name).secrets
    secret.update(created_at=moment, last_used_at=moment)


def test_filter_by_idle(manage: Manage) -> None:
    ClientCredentialFactory(revealed=True, name="never")
    for days in (0, 10, 89, 91):
        used(f"{days} days", days)
    assert listed(manage, "--idle") == ["91 days"]
    assert listed(manage, "--idle", "24h") == ["10 days", "89 days", "91 days"]
    assert listed(manage, "--idle", "5d", "--secret-older-than", "50d") == ["89 days", "91 days"]


def test_filter_by_never_used(manage: Manage) -> None:
    used("today", 0)
    ClientCredentialFactory(revealed=True, name="never")
    ClientCredentialFactory(name="without secret")
    assert listed(manage, "--never-used") == ["never", "without secret"]


def test_filter_by_age_of_a_live_secret(manage: Manage) -> None:
    used("old", 400)
    used("ended", 400)
    used("new", 10)
    ClientCredentialFactory(name="without secret")
    ClientSecret.objects.filter(client__name="ended").update(ends_at=timezone.now())
    assert listed(manage, "--secret-older-than", "365d") == ["old"]
    assert listed(manage, "--secret-older-than", "240h") == ["new", "old"]


def test_invalid_filters_are_refused(manage: Manage) -> None:
    for option in ("--idle", "--secret-older-than"):
        for period in ("", "1", "1y", "-1d", "1.5d", " 1d", "\uff17d", "999999d"):
            assert option in manage("list_credentials", f"{option}={period}").complaint
    assert "--state" in manage("list_credentials", "--state", "actief").complaint
    assert manage("list_credentials", "--seller", "1", "--json").complaint == "There is no seller '1'."
