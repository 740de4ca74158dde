"""Actions of operators on rows in `/beheer/`: chosen, confirmed, with a reason that the seller reads."""

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Actor, Seller, User
from apicredentials.models import (
    Activity,
    ClientCredential,
    OutgoingMail,
)
from tests.admin.acts import (
    ACTS,
    CLOSE,
    PAUSE,
    REASON,
    REOPEN,
    REPORT_LEAK,
    RESTORE,
    RESUME,
    REVOKE,
    SUSPEND,
    Act,
    choose,
    do,
    every_act,
    seller_of,
)
from tests.factories import (
    ClientCredentialFactory,
    SellerFactory,
    TechnicalContactFactory,
    ThirdPartyAuthorizationFactory,
    ThirdPartyFactory,
)
from tests.inventory import tables
from tests.journeys.pages import Page
from tests.oauth.flow import Software, software, verify
from tests.people import says, signed_in

pytestmark = pytest.mark.django_db


# ---- Choosing and confirming ------------------------------------------------------------------------------


# Actions that change nothing of a seller.
WITHOUT_REASON = {(Group, "delete_selected"), (OutgoingMail, "try_again")}


def test_every_action_is_covered(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = User(is_superuser=True, is_active=True)
    pages = admin.site._registry
    offered = {(model, name) for model in pages for name in pages[model].get_actions(request)}
    assert offered - WITHOUT_REASON == {(act.model, act.name) for act in ACTS}


@every_act
def test_choosing_asks_for_confirmation_and_changes_nothing(operator: Client, act: Act) -> None:
    row = act.row()
    before = tables()
    answer = choose(operator, act, row)
    page = Page(answer.content.decode(), act.list)
    assert answer.status_code == 200
    assert str(row) in page.part("main").words
    assert page.headings[-1] == act.label or act.label in page.headings
    assert page.link("Annuleren") == act.list
    assert tables() == before


@every_act
def test_action_is_in_the_sellers_log_and_the_history_with_its_reason(operator: Client, act: Act) -> None:
    row = act.row()
    answer = do(operator, act, row)
    assert answer.redirect_chain == [(act.list, 302)]
    assert f"{act.label}: gedaan voor 1." in says(answer)
    seller = seller_of(row)
    activity = Activity.objects.get(kind=act.kind, seller=seller, reason=REASON)
    assert (activity.actor_name, activity.address) == ("Kim", "127.0.0.1")
    assert activity.user is not None
    assert activity.user.is_superuser
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(row.pk), f"{act.label}: {REASON}")
    log = says(signed_in(seller.members.earliest("pk")).get("/instellingen/api/activiteit/"))
    assert act.kind.label in log
    assert f"Reden: {REASON}" in log
    assert "Kim" in log


@every_act
def test_repeating_an_action_changes_nothing(operator: Client, act: Act) -> None:
    row = act.row()
    form = Page(choose(operator, act, row).content.decode(), act.list).form(act.label)
    data = form.fill(**{"Reden:": REASON})
    operator.post(form.address, data)
    before = tables()
    answer = says(operator.post(form.address, data, follow=True))
    assert "dat kan hier niet, of is al gedaan" in answer or "Er is geen secret dat werkt" in answer
    assert tables() == before


@every_act
def test_action_can_be_chosen_on_the_page_of_a_row(operator: Client, act: Act) -> None:
    row = act.row()
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    form = Page(operator.get(url).content.decode(), url).form("Uitvoeren")
    answer = operator.post(url, {"CHANGE_FORM-action": act.name, "_selected_action": str(row.pk), "index": "0"})
    assert "CHANGE_FORM-action" in form.fill()
    asked = Page(answer.content.decode(), url).form(act.label)
    assert not Activity.objects.filter(reason=REASON).exists()
    operator.post(asked.address, asked.fill(**{"Reden:": REASON}))
    assert Activity.objects.filter(kind=act.kind, seller=seller_of(row), reason=REASON).count() == 1


def test_action_on_several_rows_is_logged_for_each(operator: Client) -> None:
    act = PAUSE
    rows = [act.row() for _ in range(3)]
    assert "gedaan voor 3" in says(do(operator, act, *rows))
    assert not ClientCredential.objects.filter(paused_at=None).exists()
    assert {activity.seller for activity in Activity.objects.filter(kind=act.kind)} == {row.seller for row in rows}


def test_confirmation_names_only_rows_that_the_action_applies_to(operator: Client) -> None:
    act = PAUSE
    working, paused = ClientCredentialFactory(name="Magazijn"), ClientCredentialFactory(name="Winkel", paused=True)
    page = Page(choose(operator, act, working, paused).content.decode()).part("main")
    assert "Magazijn" in page.words
    assert "Winkel –" not in page.words


def test_number_of_rows_is_limited(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apicredentials.admin.reason_actions.MOST_AT_ONCE", 2)
    act = PAUSE
    for _ in range(3):
        act.row()
    before = tables()
    answer = operator.post(
        act.list, {"action": act.name, "index": "0", "select_across": "1", "_selected_action": "1"}, follow=True
    )
    assert "Kies er hoogstens 2 tegelijk." in says(answer)
    assert tables() == before


def test_refused_row_does_not_stop_the_others(operator: Client) -> None:
    act = REPORT_LEAK
    without_secret, working = ClientCredentialFactory(name="Zonder"), act.row()
    answer = says(do(operator, act, without_secret, working))
    assert "Zonder: Er is geen secret dat werkt." in answer
    assert "Lek melden: gedaan voor 1." in answer
    assert Activity.objects.get(reason=REASON).seller == working.seller
    assert LogEntry.objects.count() == 1


# ---- Reasons ----------------------------------------------------------------------------------------------


@every_act
def test_reason_is_required(operator: Client, act: Act) -> None:
    row = act.row()
    form = Page(choose(operator, act, row).content.decode(), act.list).form(act.label)
    before = tables()
    for reason in ("", "   ", "x" * 501, "een\x00nul", "rechts\u202enaar links", "twee\nregels"):
        answer = operator.post(form.address, form.fill(**{"Reden:": reason}))
        assert answer.status_code == 422
        assert answer.context["form"].errors["reason"]
    assert tables() == before


def test_reason_with_a_secret_is_refused(operator: Client) -> None:
    credential = ClientCredentialFactory()
    secret = credential.reveal(by=Actor())
    answer = do(operator, PAUSE, credential, reason=f"Dit stond op straat: {secret}")
    assert answer.status_code == 422
    assert "bevat een client secret" in says(answer)
    assert secret not in repr(tables())


def test_reason_is_escaped(operator: Client) -> None:
    act = PAUSE
    row = act.row()
    do(operator, act, row, reason="<script>alert(1)</script>")
    log = signed_in(row.seller.members.get()).get("/instellingen/api/activiteit/")
    assert "<script>alert" not in log.content.decode()
    assert "<script>alert(1)</script>" in says(log)


# ---- Effects ----------------------------------------------------------------------------------------------


def token_of(seller: Seller) -> tuple[Software, str]:
    """Return a credential of the seller as its software, and a token that works."""
    warehouse = software(ClientCredentialFactory(seller=seller))
    token = warehouse.access_token()
    assert verify(token).status_code == 204
    return warehouse, token


@pytest.mark.parametrize(("act", "status"), [(PAUSE, 401), (REVOKE, 401), (REPORT_LEAK, 401), (CLOSE, 403)], ids=str)
def test_issued_tokens_are_rejected_at_once(operator: Client, act: Act, status: int) -> None:
    seller = SellerFactory()
    warehouse, token = token_of(seller)
    do(operator, act, seller if act.model is Seller else ClientCredential.objects.get())
    assert verify(token).status_code == status
    assert warehouse.token(grant_type="client_credentials").status_code == 401


def test_credential_works_again_after_the_opposite_action(operator: Client) -> None:
    seller = SellerFactory()
    warehouse, token = token_of(seller)
    credential = ClientCredential.objects.get()
    for stop, go, row in ((PAUSE, RESUME, credential), (REVOKE, RESTORE, credential), (CLOSE, REOPEN, seller)):
        do(operator, stop, row)
        assert verify(token).status_code in {401, 403}
        do(operator, go, row)
        assert verify(token).status_code == 204
    assert warehouse.token(grant_type="client_credentials").status_code == 200


def test_leak_ends_every_secret_of_that_credential_only(operator: Client) -> None:
    seller = SellerFactory()
    leaked, other = ClientCredentialFactory(seller=seller), ClientCredentialFactory(seller=seller)
    secrets = [leaked.reveal(by=Actor()), leaked.rotate(overlap=dt.timedelta(days=7), by=Actor())]
    warehouse = software(other)
    do(operator, REPORT_LEAK, leaked)
    leaked.refresh_from_db()
    assert leaked.leaked_at
    assert leaked.paused_at
    assert not leaked.live_secrets
    assert "Het secret is gelekt. Maak eerst een nieuw secret." in says(do(operator, RESUME, leaked))
    for secret in secrets:
        assert Software(leaked.client_id, secret).token(grant_type="client_credentials").status_code == 401
    assert warehouse.token(grant_type="client_credentials").status_code == 200
    # The mail for each secret, to the owner.
    assert Activity.objects.filter(kind=Activity.Kind.LEAK_REPORTED).count() == 2


def test_seller_cannot_be_closed_with_the_form(operator: Client) -> None:
    seller = SellerFactory()
    url = reverse("admin:accounts_seller_change", args=[seller.pk])
    form = Page(operator.get(url).content.decode(), url).form("Opslaan")
    answer = operator.post(url, form.fill() | {"closed_at_0": ["01-02-2026"], "closed_at_1": ["12:00"]})
    assert answer.status_code == 302
    seller.refresh_from_db()
    assert seller.is_open


def test_suspension_is_logged_for_the_sellers_concerned_only(operator: Client) -> None:
    party = ThirdPartyFactory(name="Orderwijs")
    concerned = [ThirdPartyAuthorizationFactory(third_party=party).seller for _ in range(2)]
    ThirdPartyAuthorizationFactory(third_party=party, ended=True)
    ThirdPartyAuthorizationFactory(third_party=party, expired=True)
    ThirdPartyAuthorizationFactory()
    words = Page(choose(operator, SUSPEND, party).content.decode()).part("main").words
    assert "Orderwijs: 2 verkopers met toegang" in words
    do(operator, SUSPEND, party)
    rows = Activity.objects.filter(kind=Activity.Kind.PARTY_SUSPENDED, subject="Orderwijs", reason=REASON)
    assert {row.seller for row in rows} == {*concerned, None}
    assert rows.count() == 3
    TechnicalContactFactory(seller=concerned[0])
    page = says(signed_in(concerned[0].members.get()).get("/instellingen/api/"))
    assert "Stilgezet door ons" in page
