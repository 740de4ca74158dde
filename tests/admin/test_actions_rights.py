"""Who may do what operators do to rows in `/beheer/`: only those with the right, and only by pressing the button."""

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
def test_who_may_only_look_cannot(act: Act) -> None:
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
def test_who_may_change_other_things_cannot(act: Act) -> None:
    row = act.row()
    client = staff(*({other.permission for other in ACTS} - {act.permission}))
    before = tables()
    assert choose(client, act, row, reason=REASON).status_code == 403
    assert tables() == before


@every_act
def test_the_right_to_change_is_enough(act: Act) -> None:
    row = act.row()
    assert "gedaan voor 1" in says(do(staff(act.permission), act, row))


@every_act
def test_a_seller_cannot(act: Act) -> None:
    row = act.row()
    client = signed_in(seller_of(row).members.earliest("pk"))
    before = tables()
    answer = client.post(act.list, {"action": act.name, "_selected_action": str(row.pk), "reason": "x"}, follow=True)
    assert answer.status_code == 403
    assert tables() == before


@every_act
def test_csrf_is_enforced(act: Act) -> None:
    row = act.row()
    client = signed_in(kim(), enforce_csrf_checks=True)
    before = tables()
    for more in ({}, {"reason": REASON}):
        assert choose(client, act, row, **more).status_code == 403
    assert tables() == before


def test_the_pages_bring_their_own_token() -> None:
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
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_does_nothing(operator: Client, act: Act, method: str) -> None:
    row = act.row()
    query = {"action": act.name, "_selected_action": str(row.pk), "reason": REASON, "index": "0"}
    before = tables()
    operator.generic(method, act.list, query_params=query)
    assert tables() == before
