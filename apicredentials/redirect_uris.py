"""Where a third party may be sent back to: addresses that nobody but the party can answer at."""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError

MAXIMUM_LENGTH = 2000
# Only these may do without TLS: what is sent there does not leave the machine (RFC 8252 §7.3, §8.3).
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
# What RFC 3986 §2 knows, without `*`: somebody would read that as a pattern (RFC 9700 §4.1).
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()+,;=%-]+")
# The consent page names this part in its Content-Security-Policy, where a `;` would start a new directive.
_HOST_AND_PORT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_NO_HOST = "noemt geen geldige host, zoals in https://partij.example/terug"


def clean(uri: str) -> str:
    """Return `uri` as it is; raise ValidationError, with a code, when a code sent there might reach somebody else.

    https, or http on this machine; a host; no user, fragment, wildcard or white space (RFC 6749 §3.1.2,
    RFC 9700 §4.1). Nothing is normalised, for redirect URIs are compared as strings.
    """
    if len(uri) > MAXIMUM_LENGTH:
        raise _refusal(uri, "max_length", f"is langer dan {MAXIMUM_LENGTH} tekens")
    if not _CHARACTERS.fullmatch(uri):
        raise _refusal(uri, "characters", "bevat een teken dat er niet in hoort, zoals een spatie of een *")
    if "#" in uri:
        raise _refusal(uri, "fragment", "mag geen fragment (#) bevatten")
    parts = _split(uri)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS):
        raise _refusal(uri, "scheme", "moet met https:// beginnen; http:// mag alleen op localhost")
    if "@" in parts.netloc:
        raise _refusal(uri, "userinfo", "mag geen gebruikersnaam bevatten")
    if not _HOST_AND_PORT.fullmatch(parts.netloc):
        raise _refusal(uri, "host", _NO_HOST)
    return uri


def join(uris: Iterable[str]) -> str:
    """Return clean redirect URIs, each once, as they are stored; raise ValidationError when there is none."""
    cleaned = dict.fromkeys(clean(uri) for uri in uris)
    if not cleaned:
        raise ValidationError("Vul ten minste één redirect URI in.", code="required")
    return " ".join(cleaned)


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 - read for its ValueError: beyond 65535 there are no ports
    except ValueError as error:
        raise _refusal(uri, "host", _NO_HOST) from error
    return parts


def _refusal(uri: str, code: str, problem: str) -> ValidationError:
    return ValidationError(f"De redirect URI {uri[:100]!r} {problem}.", code=code)
