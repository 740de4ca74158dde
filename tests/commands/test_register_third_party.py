"""`register_third_party`: a third party that may ask sellers for access."""

from pathlib import Path

import pytest

from apicredentials import scopes
from apicredentials.models import Activity, ClientSecret, ThirdParty
from apicredentials.models.logos import to_png
from tests.admin.pictures import JPEG, SVG
from tests.commands.conftest import Manage
from tests.factories import ResourceServerFactory, ThirdPartyFactory
from tests.oauth.flow import Software, assert_error

pytestmark = pytest.mark.django_db

COMMAND = ("register_third_party", "--name", "Orderhulp", "--redirect-uri", "https://orderhulp.example/terug")


def test_prints_what_the_partys_software_needs(manage: Manage) -> None:
    answer = manage(*COMMAND, "--json").json
    assert answer.keys() == {"client_id", "client_secret"}
    # The code is wrong; the client is not.
    assert_error(Software(answer["client_id"], answer["client_secret"]).exchange("geen-code"), "invalid_grant")


def test_without_json_prints_lines_for_people(manage: Manage) -> None:
    assert [line.split(": ")[0] for line in manage(*COMMAND).out.splitlines()] == ["client_id", "client_secret"]


def test_by_default_it_may_ask_for_everything_and_must_be_careful(manage: Manage) -> None:
    manage(*COMMAND)
    party = ThirdParty.objects.get()
    assert party.name == "Orderhulp"
    assert party.redirect_uris == "https://orderhulp.example/terug"
    assert party.rights == list(scopes.ALL)
    assert party.refresh_tokens == "rotating"
    assert party.pkce_required
    assert not party.is_public


def test_takes_several_redirect_uris_each_once(manage: Manage) -> None:
    more = ["--redirect-uri", "http://localhost:3000/terug", "--redirect-uri", "https://orderhulp.example/terug"]
    manage(*COMMAND, *more)
    assert ThirdParty.objects.get().redirect_uris == "https://orderhulp.example/terug http://localhost:3000/terug"


def test_registers_what_is_asked_for(manage: Manage) -> None:
    options = [
        "--contact-email",
        "hulp@orderhulp.example",
        "--scope",
        "orders:manage",
        "--scope",
        "invoices:read",
        "--refresh-tokens",
        "fixed",
        "--pkce",
        "optional",
    ]
    manage(*COMMAND, *options)
    party = ThirdParty.objects.get()
    assert party.rights == ["orders:read", "orders:manage", "invoices:read"]
    assert party.contact_email == "hulp@orderhulp.example"
    assert party.refresh_tokens == "fixed"
    assert not party.pkce_required


def test_a_public_party_has_no_secret(manage: Manage) -> None:
    answer = manage(*COMMAND, "--public", "--json").json
    assert answer == {"client_id": ThirdParty.objects.get().client_id, "client_secret": None}
    assert not ClientSecret.objects.exists()
    assert_error(Software(answer["client_id"], "").exchange("geen-code"), "invalid_grant")


def test_the_secret_is_kept_nowhere(manage: Manage, caplog: pytest.LogCaptureFixture) -> None:
    secret = manage(*COMMAND, "--json").json["client_secret"]
    assert secret not in caplog.text
    assert secret not in str([*ThirdParty.objects.values(), *ClientSecret.objects.values()])


def test_the_log_says_that_an_operator_did_it(manage: Manage) -> None:
    manage(*COMMAND)
    assert set(Activity.objects.values_list("kind", "subject", "actor_name")) == {
        (Activity.Kind.CLIENT_REGISTERED, "Orderhulp", "Operator van de marktplaats"),
        (Activity.Kind.SECRET_REVEALED, "Orderhulp", "Operator van de marktplaats"),
    }


def test_of_a_public_party_people_read_the_id_alone(manage: Manage) -> None:
    assert manage(*COMMAND, "--public").out == f"client_id: {ThirdParty.objects.get().client_id}\n"


# ---- Bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    ["http://orderhulp.example/terug", "https://orderhulp.example/#terug", "https://*.example/", "javascript:alert(1)"],
)
def test_refuses_a_redirect_uri_where_somebody_else_may_answer(manage: Manage, uri: str) -> None:
    complaint = manage(*COMMAND, "--redirect-uri", uri).complaint
    assert uri in complaint
    assert not ThirdParty.objects.exists()


@pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])
def test_refuses_a_name_in_use_without_regard_to_case(manage: Manage, factory: type[ThirdPartyFactory]) -> None:
    factory(name="ORDERHULP")
    assert "Er is al een partij met deze naam." in manage(*COMMAND).complaint
    assert ThirdParty.objects.filter(name="Orderhulp").count() == 0
    assert not Activity.objects.exists()


@pytest.mark.parametrize("name", ["", "Order\u200bhulp", "\u041erderhulp", "a" * 101])
def test_refuses_a_name_that_deceives_or_is_none(manage: Manage, name: str) -> None:
    assert manage("register_third_party", "--name", name, "--redirect-uri", "https://orderhulp.example/").complaint
    assert not ThirdParty.objects.exists()


@pytest.mark.parametrize(
    "option", [("--scope", "orders:reed"), ("--refresh-tokens", "eeuwig"), ("--pkce", "plain"), ("--secret", "x")]
)
def test_says_in_one_line_what_is_wrong(manage: Manage, option: tuple[str, str]) -> None:
    assert option[1] in manage(*COMMAND, *option).complaint
    assert not ThirdParty.objects.exists()


def test_refuses_a_contact_that_is_no_address_and_needs_none(manage: Manage) -> None:
    assert "e-mailadres" in manage(*COMMAND, "--contact-email", "hulp\r\nBcc: x@y.example").complaint
    assert not ThirdParty.objects.exists()
    manage(*COMMAND)
    assert ThirdParty.objects.get().contact_email == ""


PARTNER = ("--level", "gold", "--description", "Koppelt je kassa.", "--start-url", "https://orderhulp.example/start")


def test_it_stands_in_the_list_of_partners(manage: Manage) -> None:
    manage(*COMMAND, *PARTNER, "--listed")
    party = ThirdParty.objects.listed().get()
    assert (party.get_level_display(), party.description, party.start_url) == ("Goud", PARTNER[3], PARTNER[5])


def test_by_default_it_does_not_stand_in_the_list_of_partners(manage: Manage) -> None:
    manage(*COMMAND, *PARTNER)
    assert not ThirdParty.objects.listed().exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--listed"], "startadres"),
        (["--start-url", "http://orderhulp.example/"], "https://"),
        (["--start-url", "javascript:alert(1)"], "start_url"),
        (["--level", "platina"], "--level"),
        (["--description", "a" * 201], "description"),
    ],
)
def test_refuses_what_the_list_of_partners_cannot_show(manage: Manage, arguments: list[str], complaint: str) -> None:
    assert complaint in manage(*COMMAND, *arguments).complaint
    assert not ThirdParty.objects.exists()


@pytest.mark.parametrize(
    "uri",
    [
        "http://[::1]:9421/terug",
        "https://../terug",
        "https://x.example/terug?code=1&state=2",
        "https://x.example/#a",
        "http://x.example/terug",
    ],
)
def test_refuses_a_redirect_uri_in_one_line_or_can_use_it(manage: Manage, uri: str) -> None:
    done = manage("register_third_party", "--name", "Orderhulp", "--redirect-uri", uri)
    if done.status:
        assert uri in done.complaint
        assert not ThirdParty.objects.exists()


def test_needs_a_redirect_uri(manage: Manage) -> None:
    assert "--redirect-uri" in manage("register_third_party", "--name", "Orderhulp").complaint


def test_takes_a_logo(manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "logo.jpg"
    file.write_bytes(JPEG)
    answer = manage(*COMMAND, "--logo", str(file), "--json").json
    assert answer.keys() == {"client_id", "client_secret"}
    assert bytes(ThirdParty.objects.get().logo.content) == to_png(JPEG)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (SVG, "Dit is geen geldige PNG, JPEG of WebP."),
        (b"x" * 1_000_000, "hoogstens 512 kB"),
        (None, "No such file"),
    ],
)
def test_refuses_a_bad_logo_and_registers_nothing(
    manage: Manage, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "logo.png"
    if content is not None:
        file.write_bytes(content)
    assert complaint in manage(*COMMAND, "--logo", str(file)).complaint
    assert not ThirdParty.objects.exists()
