"""Actions on rows in `/beheer/`: the permission they need, and CSRF."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.acts import ACTS, PAUSE, REASON, Act, choose, do, every_act, seller_of
from tests.admin.conftest import kim, staff
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.people import says, signed_in

pytestmark = pytest.mark.django_db


@every_act
def test_view_permission_does_not_allow_the_action(act: Act) -> None:
    row = act.row()
    client = staff(f"view_{act.model._meta.model_name}")
    before = tables()
    for more in ({}, {"reason": REASON}):
        assert not Page(choose(client, act, row, **more).content.decode(), act.list).buttons(act.label)
        url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        data = {"CHANGE_FORM-action": act.name, "_selected_action": str(row.pk), **more}
        assert client.post(url, data).status_code == 403
    assert tables() == before
    assert act.label not in [option.words for option in Page(client.get(act.list).content.decode()).root.all("option")]


@every_act
def test_change_permission_for_other_models_does_not_allow_the_action(act: Act) -> None:
    row = act.row()
    client = staff(*({other.permission for other in ACTS} - {act.permission}))
    before = tables()
    assert choose(client, act, row, reason=REASON).status_code == 403
    assert tables() == before


@every_act
def test_change_permission_allows_the_action(act: Act) -> None:
    row = act.row()
    assert "gedaan voor 1" in says(do(staff(act.permission), act, row))


@every_act
def test_seller_and_forged_request_are_refused(act: Act) -> None:
    row = act.row()
    seller, forged = signed_in(seller_of(row).members.earliest("pk")), signed_in(kim(), enforce_csrf_checks=True)
    before = tables()
    answer = seller.post(act.list, {"action": act.name, "_selected_action": str(row.pk), "reason": "x"}, follow=True)
    assert answer.status_code == 403
    for more in ({}, {"reason": REASON}):
        assert choose(forged, act, row, **more).status_code == 403
    assert tables() == before


def test_forms_contain_a_csrf_token() -> None:
    act = PAUSE
    row = act.row()
    client = signed_in(kim(), enforce_csrf_checks=True)
    chosen = Page(client.get(act.list).content.decode(), act.list).form("Uitvoeren").fill()
    asked = client.post(act.list, chosen | {"action": act.name, "_selected_action": str(row.pk)})
    form = Page(asked.content.decode(), act.list).form(act.label)
    assert client.post(form.address, form.fill(**{"Reden:": REASON})).status_code == 302
    row.refresh_from_db()
    assert row.paused_at


@every_act
def test_get_changes_nothing(operator: Client, act: Act) -> None:
    row = act.row()
    query = {"action": act.name, "_selected_action": str(row.pk), "reason": REASON, "index": "0"}
    before = tables()
    for method in ("GET", "HEAD"):
        operator.generic(method, act.list, query_params=query)
    assert tables() == before
