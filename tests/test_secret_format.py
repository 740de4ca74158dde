"""Format of client secrets. These tests use no database, so recognising a malformed secret needs no query."""

import re
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apicredentials.keys import secret_format
from apicredentials.keys.secret_format import generate, is_well_formed

# The regular expression that the module documents for secret scanners.
SCANNER = re.compile(re.findall(r"(?m)^    (\S+)$", secret_format.__doc__ or "")[0])
ALPHABET = string.ascii_letters + string.digits

secrets = st.builds(generate)
ascii_or_not = st.one_of(st.sampled_from(string.printable), st.characters())


def test_secret_has_the_documented_format() -> None:
    for _ in range(50):
        secret = generate()
        assert re.fullmatch(r"rts_[A-Za-z0-9]{82}", secret)
        assert len(secret) == 86
        assert is_well_formed(secret)


def test_secret_has_at_least_256_random_bits() -> None:
    """V11.5.1: 76 positions, in each of which all 62 characters occur."""
    assert 62**76 > 2**256
    bodies = [generate()[4:80] for _ in range(400)]
    assert len(set(bodies)) == 400
    assert set("".join(bodies)) == set(ALPHABET)
    assert all(len(set(column)) > 40 for column in zip(*bodies, strict=True))


def test_documented_expression_finds_secrets_in_text_and_nothing_longer() -> None:
    secret = generate()
    for text in (secret, f'"{secret}"', f"SECRET={secret}\n", f"https://a:{secret}@b/", f"({secret})."):
        assert SCANNER.findall(text) == [secret]
    for text in (f"{secret}x", f"x{secret}", secret[:-1], secret.upper()):
        assert SCANNER.findall(text) == []


@given(secrets, st.integers(0, 85), ascii_or_not)
def test_changed_character_is_detected(secret: str, position: int, other: str) -> None:
    changed = secret[:position] + other + secret[position + 1 :]
    assert is_well_formed(changed) == (changed == secret)


@given(secrets, st.integers(0, 86), ascii_or_not)
def test_added_character_is_detected(secret: str, position: int, other: str) -> None:
    assert not is_well_formed(secret[:position] + other + secret[position:])


@given(secrets, st.integers(0, 85), st.integers(1, 86))
def test_removed_characters_are_detected(secret: str, start: int, length: int) -> None:
    """Anywhere: a short field cuts off the end, an incomplete selection cuts off the start."""
    assert not is_well_formed(secret[:start] + secret[start + length :])


@given(secrets, st.integers(4, 84))
def test_swapped_neighbours_are_detected(secret: str, position: int) -> None:
    swapped = secret[:position] + secret[position + 1] + secret[position] + secret[position + 2 :]
    assert is_well_formed(swapped) == (swapped == secret)


@given(st.text(max_size=200))
def test_other_text_is_not_well_formed(text: str) -> None:
    assert not is_well_formed(text)


@pytest.mark.parametrize("around", ["{}\n", " {}", "{} ", "\ufeff{}", "{}\x00", "{}{}"])
def test_surrounding_characters_are_not_ignored(around: str) -> None:
    secret = generate()
    assert not is_well_formed(around.format(secret, secret))


@pytest.mark.parametrize("digit", ["\u0661", "\uff11", "\u00b2", "\u1d7d9"])
def test_digits_of_other_scripts_are_rejected(digit: str) -> None:
    secret = generate()
    assert not is_well_formed(f"rts_{digit}{secret[5:]}")


@given(st.text(ALPHABET, min_size=76, max_size=76))
def test_checksum_is_the_crc_in_base_62(body: str) -> None:
    """The documented checksum lets other scanners tell a real secret from an example."""
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    checksum = secret_format.checksum(body)
    value = 0
    for character in checksum:
        value = value * 62 + digits.index(character)
    assert len(checksum) == 6
    assert value == zlib.crc32(body.encode())
