"""Names: validation, and comparison of look-alikes (V1.2.1, V2.2.1)."""

import unicodedata
from contextlib import suppress
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from hypothesis import assume, given
from hypothesis import strategies as st

from apicredentials.models import ClientCredential
from apicredentials.names import MAXIMUM_LENGTH, clean_name, fold
from tests.factories import ClientCredentialFactory, SellerFactory

FOLDED_COLUMN = 4 * MAXIMUM_LENGTH

anything = st.text(st.characters(), max_size=120)
letters = st.text(st.characters(categories=["Ll", "Lu", "Nd", "Zs"], max_codepoint=0x2FF), min_size=1, max_size=60)


def code_of(text: str) -> str:
    with pytest.raises(ValidationError) as refused:
        clean_name(text)
    return str(refused.value.code)


# ---- Validation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u00a0", "\u3000 "])
def test_blank_name_is_refused(text: str) -> None:
    assert code_of(text) == "required"


def test_length_is_counted_in_characters_after_trimming() -> None:
    assert clean_name(" " + "é" * 100 + " ") == "é" * 100
    assert clean_name("e\u0301" * 100) == "é" * 100
    assert clean_name("𝔪" * 100) == "𝔪" * 100
    assert code_of("é" * 101) == "max_length"


INVISIBLE = (
    "\x00\x1b\x7f\x85\u00ad\u034f\u115f\u1160\u17b4\u180b\u200b\u200d\u200f\u2028\u2029\u202e\u2060\u2066\u3164\ud800"
    "\ue000\ufe0f\ufeff\uffa0\U000e0041"
)


def test_invisible_characters_are_refused() -> None:
    """Controls, bidi overrides, zero-width and default-ignorable characters, tags, surrogates, private use.

    With them, two different names could look the same.
    """
    for character in INVISIBLE:
        assert code_of(f"Maga{character}zijn") == "invisible", ascii(character)


def test_line_break_inside_a_name_is_refused() -> None:
    """A line break could add a header to a mail or a line to a log."""
    assert code_of("Magazijn\r\nBcc: iedereen@winkel.example") == "invisible"


@pytest.mark.parametrize("text", ["p\u0430ypal", "\u041cagazijn", "\u039frders", "\u03b1pi"])
def test_mixed_look_alike_scripts_are_refused(text: str) -> None:
    assert code_of(text) == "mixed_scripts"


@pytest.mark.parametrize("text", ["Магазин 2", "Αποθήκη", "倉庫 A", "مخزن", "Café d’Été & Zn. <b>", "100% 😀", "ﬁets"])
def test_valid_names_are_unchanged(text: str) -> None:
    assert clean_name(text) == text


# ---- Cleaning and folding ---------------------------------------------------------------------------------


@given(anything)
def test_cleaning_is_idempotent_trims_and_composes(text: str) -> None:
    try:
        name = clean_name(text)
    except ValidationError:
        return
    assert clean_name(name) == name == name.strip() == unicodedata.normalize("NFC", name)
    assert 1 <= len(name) <= MAXIMUM_LENGTH
    assert "\0" not in name
    assert fold(name)


@given(anything)
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(letters)
def test_folding_ignores_case_and_spacing(text: str) -> None:
    assume("\u0131" not in text)  # dotless i: its upper case is I in every language except Turkish
    assert fold(text.upper()) == fold(text.lower()) == fold(text)
    assert fold(f"  {text.replace(' ', '   ')} ") == fold(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Magazijn", "MAGAZIJN"), ("Straße", "STRASSE"), ("ﬁets", "fiets"), ("\uff21 \uff11", "a 1"), ("é", "E\u0301")],
)
def test_folding_ignores_case_width_and_composition(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("COMETA", "СОМЕТА"), ("copy", "сору"), ("TOKENH", "ТОКЕΝΗ"), ("Kiosk", "ΚΙΟЅΚ"), ("data", "d\u0251t\u0251")],  # noqa: RUF001
)
def test_look_alike_names_fold_to_the_same(one: str, other: str) -> None:
    """V1.2.1: a name entirely in another alphabet is not refused as a mix of scripts."""
    assert one != other
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("Magazijn 1", "Magazijn 2"), ("a b", "ab"), ("é", "e"), ("kip", "Кит")])
def test_different_names_fold_differently(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("character", ["\ufdfa", "\u3316"])
def test_folded_name_fits_its_column(character: str) -> None:
    with suppress(ValidationError):
        assert len(fold(clean_name(character * MAXIMUM_LENGTH))) <= FOLDED_COLUMN


# ---- Migration of existing names --------------------------------------------------------------------------


@pytest.mark.django_db
def test_migration_folds_existing_names_unless_another_has_the_result() -> None:
    seller = SellerFactory()
    latin, twin = (ClientCredentialFactory(seller=seller, name=name) for name in ("Cometa", "Magazijn"))
    alone = ClientCredentialFactory(name="\u0421\u041e\u041c\u0415\u0422\u0410")
    for credential, name in ((twin, "\u0421\u043e\u043c\u0435\u0442\u0430"), (alone, alone.name)):
        ClientCredential.objects.filter(pk=credential.pk).update(name=name, folded_name=name.casefold())
    import_module("apicredentials.migrations.0009_fold_names").fold_again(apps, None)
    for credential in (latin, twin, alone):
        credential.refresh_from_db()
    assert (latin.folded_name, alone.folded_name) == ("cometa", "cometa")
    assert twin.folded_name == twin.name.casefold() != "cometa"
