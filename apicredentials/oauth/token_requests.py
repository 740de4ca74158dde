"""What a request to `/token`, `/revoke` or `/introspect` says: read as clients in the wild write it, kept strictly."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

# What must not stand in an address, where proxies and browsers keep it (RFC 6750 §2.3, RFC 9700 §4.3.2).
NEVER_IN_URL = {"client_secret", "code", "refresh_token", "access_token", "code_verifier", "token", "password"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """The parameters, each once and none empty, and who sent them; unknown ones are never asked for (§3.2)."""

    parameters: dict[str, str]
    authorization: str
    address: str
    agent: str

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        """Return what `request` says; raise InvalidRequestError when that is ambiguous or dangerous."""
        in_url = decode(request.META.get("QUERY_STRING", ""))
        if any(name in NEVER_IN_URL for name, _ in in_url):
            raise errors.InvalidRequestError("Secrets and tokens belong in the body, never in the URL.")
        in_body = decode(request.body) if request.content_type in {FORM, "", "text/plain"} else []
        # grant_type in the URL and again in the body is common, and harmless where the two are equal.
        for pair in in_body:
            if pair[0] == "grant_type" and pair in in_url:
                in_url.remove(pair)
        return cls(
            parameters=once(in_url + in_body),
            authorization=request.META.get("HTTP_AUTHORIZATION", ""),
            address=request.META.get("REMOTE_ADDR", ""),
            agent=request.META.get("HTTP_USER_AGENT", ""),
        )

    def get(self, name: str) -> str | None:
        """Return a parameter, None when it was not sent."""
        return self.parameters.get(name)

    def require(self, name: str) -> str:
        """Return a parameter; raise InvalidRequestError when it was not sent (§5.2)."""
        if name not in self.parameters:
            raise errors.InvalidRequestError(f"{name} is missing.")
        return self.parameters[name]

    @property
    def scopes(self) -> list[str]:
        """What `scope` names, in order and each once (§3.3)."""
        return [*dict.fromkeys(self.parameters["scope"].strip().split(" "))] if "scope" in self.parameters else []


def decode(encoded: str | bytes) -> list[tuple[str, str]]:
    """Decode a form or query strictly; raise InvalidRequestError for bytes that are no UTF-8, or NUL."""
    try:
        # WSGI hands out the bytes of the address as Latin-1 (PEP 3333).
        text = (encoded if isinstance(encoded, bytes) else encoded.encode("latin-1")).decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise errors.InvalidRequestError("The parameters cannot be read.") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise errors.InvalidRequestError("A parameter contains a NUL character.")
    return pairs


def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters that have a value; raise InvalidRequestError when any stands twice (§3.1, §3.2)."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise errors.InvalidRequestError("A parameter occurs twice.")
    return {name: value for name, value in pairs if value}
