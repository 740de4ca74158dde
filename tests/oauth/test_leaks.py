"""`POST /leaks`: anyone can report a found secret, and the response reveals nothing."""

import datetime as dt
import hashlib
import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Actor
from apicredentials.keys import secret_format
from apicredentials.models import Activity, ClientCredential
from apicredentials.oauth.throttle import REPORTS_PER_ADDRESS
from tests.factories import ClientCredentialFactory, TechnicalContactFactory, ThirdPartyFactory
from tests.mailbox import send_due_mail
from tests.oauth.flow import GRANT, Software, assert_error, software, verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def warehouse() -> Software:
    return software(ClientCredentialFactory(seller=TechnicalContactFactory().seller))


def report(body: Any, **headers: str) -> Any:
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return Client(raise_request_exception=False).post("/leaks", data, content_type="application/json", headers=headers)


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@pytest.mark.parametrize("form", ["secret", "secret in blanks", "sha256", "SHA256 in capitals"])
def test_reported_secret_and_its_tokens_are_rejected_at_once(warehouse: Software, form: str) -> None:
    token = warehouse.access_token()
    body = {
        "secret": {"secrets": [warehouse.secret]},
        "secret in blanks": {"secrets": ["x", f" {warehouse.secret}\n"]},
        "sha256": {"sha256": [sha256(warehouse.secret)]},
        "SHA256 in capitals": {"secrets": [], "sha256": [sha256(warehouse.secret).upper()]},
    }[form]
    answer = report(body)
    assert (answer.status_code, answer.json()) == (202, {})
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    assert verify(token).status_code == 401
    credential = ClientCredential.objects.get()
    assert credential.paused_at
    assert credential.leaked_at


def test_seller_gets_mail_and_the_log_names_the_address(warehouse: Software) -> None:
    report({"secrets": [warehouse.secret]})
    activity = Activity.objects.get(kind=Activity.Kind.LEAK_REPORTED)
    assert activity.seller == ClientCredential.objects.get().seller
    assert activity.address == "127.0.0.1"
    assert activity.details["hint"] == warehouse.secret[-4:]
    messages = send_due_mail()
    assert messages
    assert warehouse.secret not in str([message.message() for message in messages])


def test_response_is_the_same_for_known_and_unknown_secrets(warehouse: Software) -> None:
    answers = [
        report(body)
        for body in (
            {"secrets": [secret_format.generate()]},
            {"secrets": [warehouse.secret]},
            {"secrets": [warehouse.secret]},
            {"sha256": [sha256("nobody's")]},
            {"secrets": ["not a secret", ""], "sha256": ["not a hash"]},
        )
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"{}")}
    headers = [{name: value for name, value in answer.items() if name != "X-Request-ID"} for answer in answers]
    assert all(each == headers[0] for each in headers)
    assert Activity.objects.filter(kind=Activity.Kind.LEAK_REPORTED).count() == 1


def test_secret_of_a_third_party_is_rejected_too() -> None:
    party = software(ThirdPartyFactory())
    assert report({"secrets": [party.secret]}).status_code == 202
    assert_error(party.refresh("x"), "invalid_client", 401)


def test_other_credentials_keep_working(warehouse: Software) -> None:
    other = software(ClientCredentialFactory())
    report({"secrets": [warehouse.secret]})
    assert other.token(**GRANT).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        b"\xff",
        "[]",
        "null",
        '"secrets"',
        "{}",
        {"secret": ["x"]},
        {"secrets": "rts_x"},
        {"secrets": {"x": "y"}},
        {"secrets": [1]},
        {"secrets": [["x"]]},
        {"sha256": None},
        {"secrets": ["x"] * 101},
        {"secrets": ["x"] * 51, "sha256": ["x"] * 50},
        "[" * 200_000,
    ],
    ids=lambda body: str(body)[:20],
)
def test_malformed_report_gets_an_explanation(body: Any) -> None:
    answer = report(body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert "Send" in answer.json()["error_description"]


def test_report_may_contain_a_hundred_secrets(warehouse: Software) -> None:
    assert report({"secrets": [*[secret_format.generate() for _ in range(99)], warehouse.secret]}).status_code == 202
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)


def test_reports_are_throttled_by_address() -> None:
    statuses = [report({"secrets": ["x"]}).status_code for _ in range(REPORTS_PER_ADDRESS + 1)]
    assert statuses == [202] * REPORTS_PER_ADDRESS + [429]
    answer = report({"secrets": ["x"]})
    assert 0 < int(answer["Retry-After"]) <= 60


def test_only_post_is_allowed() -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        answer = Client().generic(method, "/leaks")
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_leaked_secret_gets_no_overlap_after_rotation(warehouse: Software) -> None:
    report({"secrets": [warehouse.secret]})
    credential = ClientCredential.objects.get()
    new = credential.rotate(overlap=dt.timedelta(days=7), by=Actor())
    credential.resume(by=Actor())
    told = Activity.objects.get(kind=Activity.Kind.SECRET_ROTATED).details["previous_ends_at"]
    assert dt.datetime.fromisoformat(told) <= timezone.now()
    assert_error(warehouse.token(**GRANT), "invalid_client", 401)
    assert Software(warehouse.client_id, new).token(**GRANT).status_code == 200
