"""`…/credentials/<id>/nieuw-secret/`: a second secret beside the first, and when the first one ends."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Actor
from apicredentials.models import Activity, ClientCredential
from tests.apicredentials.test_credential_reveal import SECRET
from tests.journeys.pages import Page
from tests.oauth.flow import Software
from tests.people import codes, says

SETTINGS = "/instellingen/api/"


def address(credential: ClientCredential) -> str:
    return f"{SETTINGS}credentials/{credential.client_id}/nieuw-secret/"


def rotate(client: Client, credential: ClientCredential, overlap: str) -> str:
    """Choose when the old secret ends, press Nieuw secret and return what is shown."""
    answer = client.post(address(credential), {"overlap": overlap})
    assert answer.status_code == 200, says(answer)
    (secret,) = set(SECRET.findall(answer.content.decode()))
    return str(secret)


def works(credential: ClientCredential, secret: str) -> bool:
    return Software(credential.client_id, secret).token(grant_type="client_credentials").status_code == 200


@pytest.fixture
def first(credential: ClientCredential) -> str:
    """The first secret of the credential."""
    return credential.reveal(by=Actor())


def test_rotate_asks_first_and_says_what_happens(owner: Client, credential: ClientCredential, first: str) -> None:
    page = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main")
    assert page.headings == ["Nieuw client secret voor 'Magazijn' maken?"]
    form = page.form("Nieuw secret")
    assert form.method == "post"
    assert list(form.fields) == ["nu", "over 24 uur", "over 7 dagen", "over 30 dagen"]
    assert form.fill()["overlap"] == ["24h"]
    assert "één keer" in page.words
    assert credential.secrets.count() == 1


@pytest.mark.parametrize(
    ("overlap", "days"), [("24h", dt.timedelta(1)), ("7d", dt.timedelta(7)), ("30d", dt.timedelta(30))]
)
def test_both_work_until_the_old_one_ends(
    owner: Client, credential: ClientCredential, first: str, overlap: str, days: dt.timedelta
) -> None:
    second = rotate(owner, credential, overlap)
    assert works(credential, first)
    assert works(credential, second)
    ends_at = credential.secrets.earliest("pk").ends_at
    assert ends_at is not None
    assert abs(ends_at - timezone.now() - days) < dt.timedelta(minutes=1)
    with time_machine.travel(ends_at + dt.timedelta(seconds=1), tick=False):
        assert not works(credential, first)
        assert works(credential, second)


def test_old_secret_ends_at_once_with_nu(owner: Client, credential: ClientCredential, first: str) -> None:
    second = rotate(owner, credential, "0")
    assert not works(credential, first)
    assert works(credential, second)


def test_page_with_the_secret_says_until_when_the_old_one_works(
    owner: Client, credential: ClientCredential, first: str
) -> None:
    with time_machine.travel(dt.datetime(2026, 3, 28, 12, 5, tzinfo=dt.UTC)):
        answer = says(owner.post(address(credential), {"overlap": "24h"}))
    # The clock goes forward in between: 24 hours later it is an hour more.
    assert f"Het oude secret, dat met {first[-4:]} eindigt, werkt tot 29 maart 2026 om 14:05" in answer


def test_third_secret_is_refused_unless_the_others_end(owner: Client, credential: ClientCredential, first: str) -> None:
    second = rotate(owner, credential, "7d")
    answer = owner.post(address(credential), {"overlap": "24h"})
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"__all__": ["too_many_secrets"]}
    assert "Er zijn al twee secrets" in says(answer)
    assert works(credential, first)
    third = rotate(owner, credential, "0")
    assert [works(credential, secret) for secret in (first, second, third)] == [False, False, True]


def test_with_two_secrets_the_page_warns_and_offers_only_that(
    owner: Client, credential: ClientCredential, first: str
) -> None:
    second = rotate(owner, credential, "7d")
    page = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main")
    assert "dan werken die twee meteen niet meer" in page.words
    form = page.form("Nieuw secret")
    assert form.fields == {}
    assert owner.post(form.address, form.fill()).status_code == 200
    assert not works(credential, second)


def test_while_paused_no_row_says_that_two_secrets_work(
    owner: Client, credential: ClientCredential, first: str
) -> None:
    rotate(owner, credential, "7d")
    assert "Twee secrets werken nu" in says(owner.get("/instellingen/api/"))
    credential.pause(by=Actor())
    assert "Twee secrets werken nu" not in says(owner.get("/instellingen/api/"))


@pytest.mark.parametrize("overlap", ["0", "24h"])
def test_page_from_before_another_new_secret_makes_none(
    owner: Client, credential: ClientCredential, first: str, overlap: str
) -> None:
    """Its choice is about a secret that is not the newest any more: 'nu' would end the one made since."""
    form = Page(owner.get(address(credential)).content.decode(), address(credential)).part("main").form("Nieuw secret")
    second = rotate(owner, credential, "7d")
    answer = owner.post(form.address, form.fill() | {"overlap": [overlap]}, follow=True)
    assert answer.redirect_chain == [(SETTINGS, 302)]
    assert "Intussen is er al een nieuw secret gemaakt." in says(answer)
    assert [works(credential, secret) for secret in (first, second)] == [True, True]
    assert credential.secrets.count() == 2


def test_rotation_needs_a_first_secret(owner: Client, credential: ClientCredential) -> None:
    answer = owner.post(address(credential), {"overlap": "0"})
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"__all__": ["not_revealed"]}
    assert not credential.secrets.exists()
    assert not Page(owner.get(SETTINGS).content.decode()).buttons("Nieuw secret", of="Magazijn")


@pytest.mark.parametrize(("overlap", "code"), [("", "required"), ("400d", "invalid_choice"), ("\0", "invalid_choice")])
def test_another_end_is_refused(
    owner: Client, credential: ClientCredential, first: str, overlap: str, code: str
) -> None:
    answer = owner.post(address(credential), {"overlap": overlap})
    assert answer.status_code == 422
    assert codes(answer.context["form"]) == {"overlap": [code]}
    assert credential.secrets.count() == 1


def test_log_of_the_rotation_has_no_secret(owner: Client, credential: ClientCredential, first: str) -> None:
    second = rotate(owner, credential, "7d")
    activity = Activity.objects.latest("pk")
    assert (activity.kind, activity.subject) == (Activity.Kind.SECRET_ROTATED, "Magazijn")
    assert second not in str(Activity.objects.values_list())
    assert not Activity.objects.filter(details__icontains=second).exists()


def test_stranger_makes_none(stranger: Client, credential: ClientCredential, first: str) -> None:
    assert stranger.get(address(credential)).status_code == 404
    assert stranger.post(address(credential), {"overlap": "0"}).status_code == 404
    assert works(credential, first)


def test_password_is_asked_again_after_half_an_hour(owner: Client, credential: ClientCredential, first: str) -> None:
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        for answer in (owner.get(address(credential)), owner.post(address(credential), {"overlap": "0"})):
            assert answer["Location"] == f"/inloggen/bevestigen/?next={address(credential).replace('/', '%2F')}"
    assert credential.secrets.count() == 1


# ---- On the page of the credential --------------------------------------------------------------------------


def secrets(client: Client, credential: ClientCredential) -> Page:
    """Return the section with the secrets."""
    url = f"{SETTINGS}credentials/{credential.client_id}/"
    page = Page(client.get(url).content.decode(), url).part("main")
    page.root = next(each for each in page.root.all("section") if each["aria-labelledby"] == "secrets")
    return page


def test_page_tells_the_two_apart(owner: Client, credential: ClientCredential, first: str) -> None:
    second = rotate(owner, credential, "7d")
    words = secrets(owner, credential).words
    assert f"Nieuw, …{second[-4:]} Nog niet gebruikt Getoond op" in words
    assert f"Oud, …{first[-4:]}" in words
    assert "over 7 dagen" in words
    row = Page(owner.get(SETTINGS).content.decode()).part("article")
    assert f"Het oude (…{first[-4:]}) eindigt op" in row.words
    assert not row.buttons("Nieuw secret")
    assert secrets(owner, credential).form("Einde wijzigen", of="Oud").method == "get"


def test_page_says_per_secret_when_where_and_by_what_it_was_used(
    owner: Client, credential: ClientCredential, first: str
) -> None:
    rotate(owner, credential, "7d")
    credential.secrets.filter(ends_at__isnull=False).update(
        last_used_at=dt.datetime(2026, 1, 2, 11, 3, tzinfo=dt.UTC),
        last_used_address="2001:db8::7",
        last_used_agent="<b>kassa</b>/2",
    )
    words = secrets(owner, credential).words
    assert "Laatst gebruikt vanaf 2001:db8::7 met <b>kassa</b>/2 Laatst gebruikt 2 januari, 12:03" in words
    assert "Laatst gebruikt Nog niet" in words


def test_page_says_when_the_old_one_can_go(owner: Client, credential: ClientCredential, first: str) -> None:
    assert works(credential, first)
    second = rotate(owner, credential, "7d")
    assert "Veilig te verwijderen" not in secrets(owner, credential).words
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=2)):
        assert works(credential, second)
        assert "Veilig te verwijderen" in secrets(owner, credential).words
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=4)):
        assert works(credential, first)
        assert "Veilig te verwijderen" not in secrets(owner, credential).words


def test_old_secret_that_has_ended_is_off_the_page(owner: Client, credential: ClientCredential, first: str) -> None:
    second = rotate(owner, credential, "0")
    page = secrets(owner, credential)
    assert f"…{second[-4:]}" in page.words
    assert f"…{first[-4:]}" not in page.words
    assert not page.buttons("Einde wijzigen")
