"""How a client secret looks. These tests have no database: what they recognise costs no query."""

import re
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apicredentials.keys import secret_format
from apicredentials.keys.secret_format import generate, is_well_formed

# The expression that the module gives to secret scanners.
SCANNER = re.compile(re.findall(r"(?m)^    (\S+)$", secret_format.__doc__ or "")[0])
ALPHABET = string.ascii_letters + string.digits

secrets = st.builds(generate)
ascii_or_not = st.one_of(st.sampled_from(string.printable), st.characters())


def test_a_secret_has_the_documented_form() -> None:
    for _ in range(50):
        secret = generate()
        assert re.fullmatch(r"rts_[A-Za-z0-9]{82}", secret)
        assert len(secret) == 86
        assert is_well_formed(secret)


def test_a_secret_holds_at_least_256_random_bits() -> None:
    """V11.5.1: 76 places of 62 characters, each of which every character reaches."""
    assert 62**76 > 2**256
    bodies = [generate()[4:80] for _ in range(400)]
    assert len(set(bodies)) == 400
    assert set("".join(bodies)) == set(ALPHABET)
    assert all(len(set(column)) > 40 for column in zip(*bodies, strict=True))


def test_the_documented_expression_finds_secrets_in_text_and_nothing_longer() -> None:
    secret = generate()
    for text in (secret, f'"{secret}"', f"SECRET={secret}\n", f"https://a:{secret}@b/", f"({secret})."):
        assert SCANNER.findall(text) == [secret]
    for text in (f"{secret}x", f"x{secret}", secret[:-1], secret.upper()):
        assert SCANNER.findall(text) == []


@given(secrets, st.integers(0, 85), ascii_or_not)
def test_every_single_character_that_is_changed_is_recognised(secret: str, position: int, other: str) -> None:
    changed = secret[:position] + other + secret[position + 1 :]
    assert is_well_formed(changed) == (changed == secret)


@given(secrets, st.integers(0, 86), ascii_or_not)
def test_every_character_that_is_added_is_recognised(secret: str, position: int, other: str) -> None:
    assert not is_well_formed(secret[:position] + other + secret[position:])


@given(secrets, st.integers(0, 85), st.integers(1, 86))
def test_every_cut_is_recognised(secret: str, start: int, length: int) -> None:
    """Anywhere: at the end by a field that is too short, at the start by a hasty mouse."""
    assert not is_well_formed(secret[:start] + secret[start + length :])


@given(secrets, st.integers(4, 84))
def test_two_neighbours_that_changed_places_are_recognised(secret: str, position: int) -> None:
    swapped = secret[:position] + secret[position + 1] + secret[position] + secret[position + 2 :]
    assert is_well_formed(swapped) == (swapped == secret)


@given(st.text(max_size=200))
def test_other_text_is_no_secret(text: str) -> None:
    assert not is_well_formed(text)


@pytest.mark.parametrize("around", ["{}\n", " {}", "{} ", "\ufeff{}", "{}\x00", "{}{}"])
def test_white_space_and_company_are_not_overlooked(around: str) -> None:
    secret = generate()
    assert not is_well_formed(around.format(secret, secret))


@pytest.mark.parametrize("digit", ["\u0661", "\uff11", "\u00b2", "\u1d7d9"])
def test_digits_of_other_scripts_are_no_digits(digit: str) -> None:
    secret = generate()
    assert not is_well_formed(f"rts_{digit}{secret[5:]}")


@given(st.text(ALPHABET, min_size=76, max_size=76))
def test_the_checksum_is_the_crc_in_base_62(body: str) -> None:
    """As documented, so that a scanner elsewhere can tell a real secret from an example."""
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    checksum = secret_format.checksum(body)
    value = 0
    for character in checksum:
        value = value * 62 + digits.index(character)
    assert len(checksum) == 6
    assert value == zlib.crc32(body.encode())
