"""GET /metrics: access, counts over all workers, and labels without personal data."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import yaml
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from apicredentials.models import CommandRun
from portal import metrics
from portal.caches import ForgivingRedisCache
from tests.clients.visitor import new_credential, new_visitor
from tests.factories import ClientCredentialFactory, ThirdPartyAuthorizationFactory
from tests.oauth.flow import GRANT, post
from tests.served import ROOT, Served, free_port

TOKEN = "een-token-voor-prometheus"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

EXAMPLES = ("alerts.yaml", "grafana-dashboard.json")

type Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0)


@pytest.fixture
def read(settings: Settings, client: Client, db: None) -> Callable[[], Samples]:
    """Return a function that reads the metrics of this process, with fresh counts from the database."""
    settings.METRICS_TOKEN = TOKEN

    def read() -> Samples:
        metrics.numbers.cache_clear()
        return parse(client.get("/metrics", headers=BEARER).content.decode())

    return read


@pytest.mark.parametrize("file", EXAMPLES)
def test_metrics_in_the_examples_exist(read: Callable[[], Samples], file: str) -> None:
    CommandRun.objects.note("purge", 0)
    counted = {family.name for metric in metrics.COUNTED for family in metric.describe()}
    there = counted | {name.removesuffix("_total") for name, _ in read()}
    text = (ROOT / "docs" / file).read_text(encoding="utf-8")
    used = re.findall(r"\bportal_[a-z_]+", str(yaml.safe_load(text)))
    assert used
    assert {re.sub("_(total|bucket|count)$", "", name) for name in used} <= there


@pytest.mark.django_db
def test_address_does_not_exist_without_a_configured_token(client: Client) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers=BEARER).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer een-token", f"Basic {TOKEN}", "Bearer \xe9"]
)
def test_wrong_token_is_refused(client: Client, settings: Settings, authorization: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert b"portal_" not in answer.content


def test_requests_are_counted_by_route_and_status(client: Client, read: Callable[[], Samples]) -> None:
    before = read()
    client.get("/inloggen/")
    client.get("/logo/5f0c6f3e-0a7e-4f65-9b4c-0a2f3a5b7c11/geheim")
    after = read()
    name = "portal_request_duration_seconds_count"
    for labels in (
        {"route": "inloggen/", "status": "200"},
        {"route": "logo/<uuid:client_id>/<slug:digest>", "status": "404"},
    ):
        assert value(after, name, **labels) == value(before, name, **labels) + 1


def test_tokens_and_refusals_are_counted(client: Client, read: Callable[[], Samples]) -> None:
    form = {"client_id": ClientCredentialFactory().client_id, "client_secret": "verkeerd"}
    before = read()
    post("/token", **form, **GRANT)
    post("/token", **form, grant_type="<script>")
    client.get("/verify", headers={"Authorization": "Bearer onzin"})
    after = read()
    for name, labels in (
        ("portal_token_requests_total", {"grant": "client_credentials", "result": "invalid_client"}),
        ("portal_token_requests_total", {"grant": "other", "result": "unsupported_grant_type"}),
        ("portal_refusals_total", {"route": "verify", "cause": "invalid_jwt"}),
        ("portal_refusals_total", {"route": "token", "cause": "invalid_client"}),
    ):
        assert value(after, name, **labels) == value(before, name, **labels) + 1


def test_errors_of_the_database_and_the_cache_are_counted(
    client: Client, read: Callable[[], Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: object, **kwargs: object) -> None:
        raise OperationalError

    cache = ForgivingRedisCache(f"redis://127.0.0.1:{free_port()}/0", {})
    before = read()
    assert [cache.incr("x"), cache.incr("x")] == [0, 0]
    with monkeypatch.context() as patch:
        patch.setattr("apicredentials.oauth.authentication.find_client", down)
        patch.setattr("apicredentials.oauth.authentication.secret_format.is_well_formed", lambda secret: True)
        answer = post("/token", **GRANT, client_id="5f0c6f3e-0a7e-4f65-9b4c-0a2f3a5b7c11", client_secret="x")
        assert answer.status_code == 503
    after = read()
    for name, labels, errors in (
        ("portal_cache_errors_total", {"operation": "incr"}, 2),
        ("portal_database_errors_total", {"route": "token"}, 1),
    ):
        assert value(after, name, **labels) == value(before, name, **labels) + errors


def test_rows_of_the_database_are_counted(client: Client, read: Callable[[], Samples]) -> None:
    ThirdPartyAuthorizationFactory()
    ThirdPartyAuthorizationFactory(expires_at=timezone.now())
    CommandRun.objects.note("send_notices", 3)
    CommandRun.objects.note("send_notices", 4)
    samples = read()
    assert value(samples, "portal_database_up") == 1
    assert value(samples, "portal_authorizations", state="active") == 1
    assert value(samples, "portal_authorizations", state="expired") == 1
    assert value(samples, "portal_mail_sent_total") == 7
    assert 0 <= value(samples, "portal_command_age_seconds", command="send_notices") < 60
    assert ("portal_mail", frozenset({("state", "stuck")})) in samples


def test_database_is_reported_as_down(
    client: Client, read: Callable[[], Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(period: int) -> None:
        raise OperationalError

    down.cache_clear = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(metrics, "numbers", down)
    assert value(read(), "portal_database_up") == 0


def test_counts_of_workers_are_added_and_labels_contain_no_personal_data(serve: Callable[..., Served]) -> None:
    portal = serve(WORKERS="2", METRICS_TOKEN=TOKEN)
    visitor = new_visitor(portal)
    credential = new_credential(portal, visitor)
    with visitor.http:
        visitor.open(f"{portal}/instellingen/api/")
        visitor.sign_in()
    portal.manage("send_notices")

    def call(number: int) -> int:
        return httpx.post(f"{portal}/token", data=GRANT, auth=credential).status_code

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(call, range(60))) == {200}
    text = httpx.get(f"{portal}/metrics", headers=BEARER).text
    samples = parse(text)
    assert value(samples, "portal_token_requests_total", grant="client_credentials", result="issued") == 60
    assert ("portal_command_age_seconds", frozenset({("command", "send_notices")})) in samples
    labels = {text for _, pairs in samples for _, text in pairs}
    assert not {label for label in labels if re.search(r"@|[0-9a-f]{8}-|\d+\.\d+\.\d+\.\d+", label)}
    for private in (credential[0], visitor.email, visitor.retailer_id):
        assert private not in text
