"""Keys of hashes and signatures: parsing, strength, and not showing them in output."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apicredentials.keys import keyring
from apicredentials.keys.hash_keys import HashKey, development_hash_keys, new_hash_key, parse_hash_keys
from apicredentials.keys.key_entries import b64url, b64url_decode
from apicredentials.keys.required_keys import new_secret_key, require_strong
from apicredentials.keys.signing_keys import development_signing_keys, new_signing_key, parse_signing_keys


def der(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return b64url(key.private_bytes(encoding, form, serialization.NoEncryption()))


HASH_KEY = new_hash_key()
SIGNING_KEYS = {"ES256": new_signing_key(), "RS256": new_signing_key("RS256")}


# ---- base64url --------------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_base64url_round_trip_without_padding_or_escaping(data: bytes) -> None:
    """RFC 7515 §2: no padding, and the URL-safe alphabet."""
    text = b64url(data)
    assert b64url_decode(text) == data
    assert not set(text) & set("+/= \n")


@given(st.binary(min_size=1, max_size=40), st.data())
def test_base64url_has_one_encoding_per_value(data: bytes, draw: st.DataObject) -> None:
    """RFC 4648 §3.5: the unused bits of the last character must be zero."""
    text = b64url(data)
    last = draw.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    other = text[:-1] + last
    try:
        assert (b64url_decode(other) == data) == (other == text)
    except ValueError:
        assert other != text


def test_invalid_base64url_is_rejected() -> None:
    for text in ("a", "a b", "YQ==x", "Y\nQ", "é", "YQ\u200b", "Y+8", "Y/8", "!!!!", "\x00"):
        with pytest.raises(ValueError, match=r".*"):
            b64url_decode(text)


# ---- Parsing keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", " ", "\n", ", ", "\r\n", ",,\t"])
def test_keys_are_separated_by_commas_or_white_space(separator: str) -> None:
    text = separator.join(["een:" + "A" * 43, "twee:" + "B" * 42 + "A"]) + separator
    assert [key.id for key in parse_hash_keys(text)] == ["een", "twee"]


MALFORMED = [
    "",
    ",",
    "AAAA",
    ":" + "A" * 43,
    "een:",
    "een:!!!!",
    "een: AAAA",
    "een:" + "A" * 43 + ",een:" + "B" * 42 + "A",
    "een:" + "A" * 43 + ",x",
    "é:" + "A" * 43,
    "een" * 11 + ":" + "A" * 43,
    "een@x:" + "A" * 43,
]


@pytest.mark.parametrize("parse", [parse_hash_keys, parse_signing_keys])
def test_malformed_list_of_keys_is_refused(parse: type) -> None:
    for text in MALFORMED:
        with pytest.raises(ImproperlyConfigured):
            parse(text)


def test_hash_key_has_at_least_32_bytes() -> None:
    assert parse_hash_keys("een:" + b64url(bytes(32)))
    with pytest.raises(ImproperlyConfigured, match="shorter than 32 bytes"):
        parse_hash_keys("een:" + b64url(bytes(31)))


@pytest.mark.parametrize(
    "value",
    [
        der(ec.generate_private_key(ec.SECP384R1())),
        der(ec.generate_private_key(ec.SECP256K1())),
        der(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - that it is weak is the point
        der(ed25519.Ed25519PrivateKey.generate()),
        b64url(b"\x30\x00"),
        "AAAA",
    ],
    ids=["P-384", "secp256k1", "RSA of 1024 bits", "Ed25519", "an empty sequence", "no DER"],
)
def test_signing_key_is_p256_or_rsa_of_at_least_2048_bits(value: str) -> None:
    """RFC 7518 §3.3, §3.4."""
    with pytest.raises(ImproperlyConfigured, match="TOKEN_SIGNING_KEYS"):
        parse_signing_keys(f"een:{value}")


def test_error_message_does_not_contain_the_key() -> None:
    for text in ("geheim:AAAAgeheimAAAA", "geheim" * 20, "een:geheim!"):
        with pytest.raises(ImproperlyConfigured) as refused:
            parse_signing_keys(text)
        assert "AAAA" not in str(refused.value)
        assert "geheim!" not in str(refused.value)


# ---- New keys ---------------------------------------------------------------------------------------------


def test_new_keys_are_unique_and_can_be_parsed() -> None:
    assert len({new_secret_key() for _ in range(10)}) == 10
    assert len({key.key for _ in range(10) for key in parse_hash_keys(new_hash_key())}) == 10
    assert len({key.id for _ in range(10) for key in parse_signing_keys(new_signing_key())}) == 10


def test_new_keys_are_strong_enough() -> None:
    require_strong(new_secret_key(), new_hash_key(), new_signing_key())


@pytest.mark.parametrize(
    ("secret_key", "hash_keys", "signing_keys", "complaint"),
    [
        ("", HASH_KEY, SIGNING_KEYS["ES256"], "SECRET_KEY is not set"),
        ("x" * 60, HASH_KEY, SIGNING_KEYS["ES256"], "SECRET_KEY is weak"),
        ("kort", HASH_KEY, SIGNING_KEYS["ES256"], "SECRET_KEY is weak"),
        (new_secret_key(), "", SIGNING_KEYS["ES256"], "SECRET_HASH_KEYS is not set"),
        (new_secret_key(), "een:AAAA", SIGNING_KEYS["ES256"], "SECRET_HASH_KEYS"),
        (new_secret_key(), HASH_KEY, "", "TOKEN_SIGNING_KEYS is not set"),
        (new_secret_key(), HASH_KEY, HASH_KEY, "TOKEN_SIGNING_KEYS"),
    ],
    ids=["no key", "one letter", "short", "no hash key", "short hash key", "no signing key", "no PKCS#8"],
)
def test_missing_or_weak_key_is_named_in_one_line(
    secret_key: str, hash_keys: str, signing_keys: str, complaint: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=complaint) as refused:
        require_strong(secret_key, hash_keys, signing_keys)
    assert "\n" not in str(refused.value)


def test_development_keys_are_the_same_in_every_process_and_differ_by_seed() -> None:
    assert development_hash_keys("a") == development_hash_keys("a") != development_hash_keys("b")
    assert development_signing_keys("a") == development_signing_keys("a") != development_signing_keys("b")
    require_strong(new_secret_key(), development_hash_keys("a"), development_signing_keys("a"))


# ---- Hashing ----------------------------------------------------------------------------------------------


@given(st.text(max_size=100), st.text(max_size=100))
def test_hashes_differ_by_text_and_by_key(one: str, other: str) -> None:
    key, another = HashKey("een", bytes(32)), HashKey("een", bytes(31) + b"\1")
    assert (key.hash(one) == key.hash(other)) == (one == other)
    assert key.hash(one) != another.hash(one)
    assert key.hash(one).startswith("hmac_sha256$een$")


def test_hash_is_a_standard_hmac() -> None:
    """RFC 4231, test case 2."""
    key = HashKey("een", b"Jefe")
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert key.hash("what do ya want for nothing?") == f"hmac_sha256$een${expected}"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=1, max_size=4))
def test_derived_bytes_depend_on_every_part_and_its_boundaries(parts: list[str]) -> None:
    key = HashKey("een", bytes(32))
    assert key.derive(*parts) == key.derive(*parts)
    assert key.derive(*parts) != key.derive(*parts, "")
    assert key.derive("ab", "c") != key.derive("a", "bc")


# ---- Signing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", SIGNING_KEYS)
def test_token_header_has_algorithm_key_id_and_type(algorithm: str) -> None:
    """RFC 9068 §2.1."""
    (key,) = parse_signing_keys(SIGNING_KEYS[algorithm])
    header = json.loads(b64url_decode(key.sign(b"{}").partition(".")[0]))
    assert header == key.header == {"alg": algorithm, "kid": key.id, "typ": "at+jwt"}


def test_hash_key_is_not_in_its_repr() -> None:
    """A repr may end up in a traceback or a log line."""
    assert "geheim" not in repr(HashKey("een", b"geheim" * 6))


@pytest.mark.parametrize("algorithm", SIGNING_KEYS)
def test_signing_key_is_not_in_its_repr(algorithm: str) -> None:
    (key,) = parse_signing_keys(SIGNING_KEYS[algorithm])
    secret = SIGNING_KEYS[algorithm].partition(":")[2]
    assert secret[:20] not in repr(key)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key.public_jwk)


# ---- Key files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [b"", b"a:MIGH", b"\xff", None], ids=["empty", "cut", "no-text", "gone"])
def test_last_valid_keys_stay_in_use_when_the_key_file_breaks(
    broken: bytes | None, tmp_path: Path, settings: Settings
) -> None:
    file = tmp_path / "keys"
    file.write_text(new_signing_key())
    settings.TOKEN_SIGNING_KEYS_FILE = str(file)
    before = keyring.signing_keys()
    file.write_bytes(broken) if broken is not None else file.unlink()
    assert keyring.signing_keys() == before
    file.write_text(new_signing_key())
    assert keyring.signing_keys() != before


def test_unwritable_key_file_is_reported_in_one_line(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "keys").touch()
    (tmp_path / "keys.new").mkdir()
    settings.SECRET_HASH_KEYS_FILE = str(tmp_path / "keys")
    with pytest.raises(CommandError, match=r"^SECRET_HASH_KEYS_FILE: .*keys\.new"):
        call_command("rotate_hash_key")
