"""Numbers and the secret pattern in the documents, compared with the code."""

import re

from django.conf import settings
from oauth2_provider.settings import oauth2_settings

from apicredentials.keys import secret_format
from apicredentials.models import ClientCredential
from apicredentials.oauth import access_tokens, grants, leaks, throttle
from tests.docs.documents import API, OPERATIONS, Document


def minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes"


def hours(seconds: float) -> str:
    return f"{seconds / 3600:g} hours"


def test_lifetimes_and_limits_for_integrators() -> None:
    code_seconds = oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS
    expected = [
        ("Access token, client credentials", f"{access_tokens.CLIENT_CREDENTIALS_SECONDS} seconds"),
        ("Access token, third party", f"{access_tokens.AUTHORIZATION_CODE_SECONDS} seconds, and never past"),
        ("Authorization code", f"{code_seconds} seconds, works once"),
        ("Repeat of a replaced refresh token", f"{grants.REPEAT_WINDOW.total_seconds():g} seconds"),
        ("Authorisation", "one calendar year (29 February: 28 February)"),
        ("Metadata and public keys, in caches", "300 seconds"),
        (
            "Failures before 429, per minute",
            f"{throttle.FAILURES_PER_CLIENT} per client at one address, {throttle.FAILURES_PER_ADDRESS} per address",
        ),
        ("Reports of leaked secrets, per minute", f"{throttle.REPORTS_PER_ADDRESS} per address"),
    ]
    assert_rows(API.chapter("Lifetimes and limits"), expected)
    assert throttle.WINDOW_SECONDS == 60
    assert f"up to {leaks.MAXIMUM_REPORTED} secrets" in API.chapter("Secrets").text


def test_limits_for_operators() -> None:
    failed = settings.ACCOUNT_RATE_LIMITS["login_failed"]
    assert failed == "20/m/ip,5/5m/key"
    expected = [
        ("A sign-in", f"{hours(settings.SESSION_COOKIE_AGE)}, or {hours(settings.SESSION_IDLE_SECONDS)} without use"),
        ("Proof of identity for sensitive actions", minutes(settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)),
        ("Wrong passwords", "5 in 5 minutes for one account from one address, 20 a minute from one address"),
        ("Body of a request", f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024} KiB"),
        ("Client credentials per seller", str(ClientCredential.MAXIMUM_PER_SELLER)),
    ]
    assert_rows(OPERATIONS.chapter("Limits"), expected)


def assert_rows(chapter: Document, expected: list[tuple[str, str]]) -> None:
    """Compare a table with these rows; a documented value may continue after the expected text."""
    rows = chapter.rows()
    assert [row[0] for row in rows] == [what for what, _ in expected]
    for row, (_, value) in zip(rows, expected, strict=True):
        assert row[1].startswith(value), row


def test_rotation_waits_for_the_longest_token() -> None:
    longest = max(access_tokens.CLIENT_CREDENTIALS_SECONDS, access_tokens.AUTHORIZATION_CODE_SECONDS)
    assert f"{longest} seconds" in OPERATIONS.chapter("Rotating keys").text


def test_pattern_for_secret_scanners_finds_secrets() -> None:
    (block,) = [block for block in API.chapter("Secrets").blocks if block.language == "regex"]
    pattern = re.compile(block.text.strip())
    for _ in range(50):
        secret = secret_format.generate()
        assert pattern.findall(f'SECRET="{secret}" # {secret}, {secret}') == [secret] * 3
        assert not pattern.search(secret[:-1])
        assert not pattern.search(secret + "x")
        assert len(secret) == 86
    assert block.text.strip() in (secret_format.__doc__ or "").replace("\\\\", "\\")
