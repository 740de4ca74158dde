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


def test_prints_working_client_id_and_secret(manage: Manage) -> None:
    answer = manage(*COMMAND, "--json").json
    assert answer.keys() == {"client_id", "client_secret"}
    # `invalid_grant` refers to the code: the client was accepted.
    assert_error(Software(answer["client_id"], answer["client_secret"]).exchange("geen-code"), "invalid_grant")


def test_without_json_prints_lines(manage: Manage) -> None:
    assert [line.split(": ")[0] for line in manage(*COMMAND).out.splitlines()] == ["client_id", "client_secret"]


def test_defaults_are_every_right_pkce_and_rotating_tokens(manage: Manage) -> None:
    manage(*COMMAND)
    party = ThirdParty.objects.get()
    assert party.name == "Orderhulp"
    assert party.redirect_uris == "https://orderhulp.example/terug"
    assert party.rights == list(scopes.ALL)
    assert party.refresh_tokens == "rotating"
    assert party.pkce_required
    assert not party.is_public


def test_several_redirect_uris_are_stored_once_each(manage: Manage) -> None:
    more = ["--redirect-uri", "http://localhost:3000/terug", "--redirect-uri", "https://orderhulp.example/terug"]
    manage(*COMMAND, *more)
    assert ThirdParty.objects.get().redirect_uris == "https://orderhulp.example/terug http://localhost:3000/terug"


def test_options_are_stored(manage: Manage) -> None:
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


def test_public_party_has_no_secret(manage: Manage) -> None:
    answer = manage(*COMMAND, "--public", "--json").json
    assert answer == {"client_id": ThirdParty.objects.get().client_id, "client_secret": None}
    assert not ClientSecret.objects.exists()
    assert_error(Software(answer["client_id"], "").exchange("geen-code"), "invalid_grant")


def test_secret_is_not_stored(manage: Manage, caplog: pytest.LogCaptureFixture) -> None:
    secret = manage(*COMMAND, "--json").json["client_secret"]
    assert secret not in caplog.text
    assert secret not in str([*ThirdParty.objects.values(), *ClientSecret.objects.values()])


def test_registration_is_logged(manage: Manage) -> None:
    manage(*COMMAND)
    assert set(Activity.objects.values_list("kind", "subject", "actor_name")) == {
        (Activity.Kind.CLIENT_REGISTERED, "Orderhulp", "Operator van de marktplaats"),
        (Activity.Kind.SECRET_REVEALED, "Orderhulp", "Operator van de marktplaats"),
    }


def test_without_json_a_public_party_prints_its_id_only(manage: Manage) -> None:
    assert manage(*COMMAND, "--public").out == f"client_id: {ThirdParty.objects.get().client_id}\n"


# ---- Invalid input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    ["http://orderhulp.example/terug", "https://orderhulp.example/#terug", "https://*.example/", "javascript:alert(1)"],
)
def test_insecure_redirect_uri_is_refused(manage: Manage, uri: str) -> None:
    complaint = manage(*COMMAND, "--redirect-uri", uri).complaint
    assert uri in complaint
    assert not ThirdParty.objects.exists()


@pytest.mark.parametrize("factory", [ThirdPartyFactory, ResourceServerFactory])
def test_name_in_use_is_refused_ignoring_case(manage: Manage, factory: type[ThirdPartyFactory]) -> None:
    factory(name="ORDERHULP")
    assert "Er is al een partij met deze naam." in manage(*COMMAND).complaint
    assert ThirdParty.objects.filter(name="Orderhulp").count() == 0
    assert not Activity.objects.exists()


@pytest.mark.parametrize("name", ["", "Order\u200bhulp", "\u041erderhulp", "a" * 101])
def test_invalid_or_deceptive_name_is_refused(manage: Manage, name: str) -> None:
    assert manage("register_third_party", "--name", name, "--redirect-uri", "https://orderhulp.example/").complaint
    assert not ThirdParty.objects.exists()


@pytest.mark.parametrize(
    "option", [("--scope", "orders:reed"), ("--refresh-tokens", "eeuwig"), ("--pkce", "plain"), ("--secret", "x")]
)
def test_invalid_option_is_reported_in_one_line(manage: Manage, option: tuple[str, str]) -> None:
    assert option[1] in manage(*COMMAND, *option).complaint
    assert not ThirdParty.objects.exists()


def test_contact_is_optional_and_must_be_an_address(manage: Manage) -> None:
    assert "e-mailadres" in manage(*COMMAND, "--contact-email", "hulp\r\nBcc: x@y.example").complaint
    assert not ThirdParty.objects.exists()
    manage(*COMMAND)
    assert ThirdParty.objects.get().contact_email == ""


PARTNER = ("--level", "gold", "--description", "Koppelt je kassa.", "--start-url", "https://orderhulp.example/start")


def test_listed_party_is_in_the_list_of_partners(manage: Manage) -> None:
    manage(*COMMAND, *PARTNER, "--listed")
    party = ThirdParty.objects.listed().get()
    assert (party.get_level_display(), party.description, party.start_url) == ("Goud", PARTNER[3], PARTNER[5])


def test_party_is_not_listed_by_default(manage: Manage) -> None:
    manage(*COMMAND, *PARTNER)
    assert not ThirdParty.objects.listed().exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--listed"], "startadres"),
        (["--start-url", "http://orderhulp.example/"], "https://"),
        (["--level", "platina"], "--level"),
        (["--description", "a" * 201], "description"),
    ],
)
def test_listed_party_needs_valid_details(manage: Manage, arguments: list[str], complaint: str) -> None:
    assert complaint in manage(*COMMAND, *arguments).complaint
    assert not ThirdParty.objects.exists()


def test_redirect_uri_is_required(manage: Manage) -> None:
    assert "--redirect-uri" in manage("register_third_party", "--name", "Orderhulp").complaint


def test_logo_is_stored(manage: Manage, tmp_path: Path) -> None:
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
def test_invalid_logo_is_refused_and_nothing_is_registered(
    manage: Manage, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "logo.png"
    if content is not None:
        file.write_bytes(content)
    assert complaint in manage(*COMMAND, "--logo", str(file)).complaint
    assert not ThirdParty.objects.exists()
