"""Redirect URIs of third parties: validation at registration, and comparison with a requested one."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, parse_qsl, urlsplit

import idna
from django.core.exceptions import ValidationError
from oauthlib.uri_validate import is_absolute_uri

MAXIMUM_LENGTH = 2000
# http is allowed for these only, because the code does not leave the machine (RFC 8252 §7.3, §8.3).
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
# The parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
RESERVED_PARAMETERS = {"code", "state", "iss", "error", "error_description", "error_uri"}
# Ports that browsers refuse to open (Fetch standard, "bad port").
BLOCKED_PORTS = {
    *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
    *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526),
    *(530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045),
    *(4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
}
# RFC 3986 §2 without `*`, which people read as a pattern (RFC 9700 §4.1).
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()+,;=%-]+")
# A % without two hexadecimal digits, and brackets behind the host (RFC 3986 §2.1, §3.3).
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})|//[^/?]*[/?].*[\[\]]")
_HOST_AND_PORT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Browsers take a host whose last label is such a number for an IPv4 address (URL standard, "ends in a number").
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOOPBACK = re.compile(r"(http://(?:localhost|127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?(?=[/?]|\Z)")
_NO_HOST = "noemt geen geldige host, zoals in https://partij.example/terug"


def clean(uri: str) -> str:
    """Return `uri` unchanged; raise ValidationError, with a code, if a party must not use it or a browser cannot.

    https, or http on this machine; a host; no user, fragment, wildcard or white space (RFC 6749 §3.1.2, RFC 9700
    §4.1). Every accepted URI must also pass oauthlib's check of the authorization request and open in a browser.
    """
    _check_characters(uri)
    parts = _split(uri)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS):
        raise _refusal(uri, "scheme", "moet met https:// beginnen; http:// mag alleen op localhost")
    if "@" in parts.netloc:
        raise _refusal(uri, "userinfo", "mag geen gebruikersnaam bevatten")
    if not _HOST_AND_PORT.fullmatch(parts.netloc) or not _is_host(parts.hostname or ""):
        raise _refusal(uri, "host", _NO_HOST)
    if parts.port in BLOCKED_PORTS:
        raise _refusal(uri, "port", f"gebruikt poort {parts.port}, die browsers blokkeren. Kies een andere poort")
    if reserved := RESERVED_PARAMETERS.intersection(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        problem = f"bevat de parameter {min(reserved)}, die wij zelf toevoegen. Kies een andere naam"
        raise _refusal(uri, "reserved", problem)
    return uri


def _check_characters(uri: str) -> None:
    if len(uri) > MAXIMUM_LENGTH:
        raise _refusal(uri, "max_length", f"is langer dan {MAXIMUM_LENGTH} tekens")
    if not _CHARACTERS.fullmatch(uri):
        raise _refusal(uri, "characters", "bevat een teken dat er niet in hoort, zoals een spatie of een *")
    if "#" in uri:
        raise _refusal(uri, "fragment", "mag geen fragment (#) bevatten")
    if _STRAY.search(uri):
        raise _refusal(uri, "characters", "bevat een % of een haak op een plaats waar die niet hoort")


def join(uris: Iterable[str]) -> str:
    """Return valid redirect URIs, each once, as they are stored; raise ValidationError if there is none."""
    cleaned = dict.fromkeys(clean(uri) for uri in uris)
    if not cleaned:
        raise ValidationError("Vul ten minste één redirect URI in.", code="required")
    return " ".join(cleaned)


def is_registered(uri: str, registered: Iterable[str]) -> bool:
    """Compare as strings (RFC 9700 §2.1), except for the port of a loopback address (RFC 8252 §7.3).

    An app listens on any free port, so its port is not known at registration.
    """
    return _without_loopback_port(uri) in map(_without_loopback_port, registered)


def _without_loopback_port(uri: str) -> str:
    match = _LOOPBACK.match(uri)
    if match is None or not _is_usable_port(int(match[2] or 80)):
        return uri
    return match[1] + uri[match.end() :]


def _is_usable_port(port: int) -> bool:
    return port < 2**16 and port not in BLOCKED_PORTS


def _is_host(host: str) -> bool:
    """Return whether a browser can parse this host, given in lower case and without brackets (URL standard)."""
    labels = host.removesuffix(".").split(".")
    try:
        if ":" in host:
            return bool(IPv6Address(host)) and is_absolute_uri(f"https://[{host}]") is not None
        if _NUMBER.fullmatch(labels[-1]):
            return bool(IPv4Address(host))
        for label in labels:
            if label.startswith("xn--"):
                idna.decode(label)
    except ValueError:  # includes idna's errors
        return False
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 - raises ValueError beyond 65535
    except ValueError as error:
        raise _refusal(uri, "host", _NO_HOST) from error
    return parts


def _refusal(uri: str, code: str, problem: str) -> ValidationError:
    return ValidationError(f"De redirect URI {uri[:100]!r} {problem}.", code=code)
