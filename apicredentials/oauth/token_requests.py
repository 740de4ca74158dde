"""Parameters of a request to `/token`, `/revoke` or `/introspect`: lenient about form, strict about content."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

# Never in the URL, because proxies and browsers store URLs (RFC 6750 §2.3, RFC 9700 §4.3.2).
NEVER_IN_URL = {"client_secret", "code", "refresh_token", "access_token", "code_verifier", "token", "password"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """The parameters, each once and none empty, and who sent them. Unknown parameters are ignored (§3.2).

    `log_fields` are added to the request's line in the log.
    """

    parameters: dict[str, str]
    authorization: str
    address: str
    agent: str
    log_fields: dict[str, str]

    @classmethod
    def read(cls, request: HttpRequest, log_fields: dict[str, str]) -> Self:
        """Return the parameters of `request`; raise InvalidRequestError if they are ambiguous or unsafe."""
        in_url = decode(request.META.get("QUERY_STRING", ""))
        if any(name in NEVER_IN_URL for name, _ in in_url):
            raise errors.InvalidRequestError("Secrets and tokens belong in the body, never in the URL.")
        in_body = decode(request.body) if request.content_type in {FORM, "", "text/plain"} else []
        # Clients often send grant_type in the URL and in the body, which is harmless if both are equal.
        for pair in in_body:
            if pair[0] == "grant_type" and pair in in_url:
                in_url.remove(pair)
        return cls(
            parameters=once(in_url + in_body),
            authorization=request.META.get("HTTP_AUTHORIZATION", ""),
            address=request.META.get("REMOTE_ADDR", ""),
            agent=request.META.get("HTTP_USER_AGENT", ""),
            log_fields=log_fields,
        )

    def get(self, name: str) -> str | None:
        """Return a parameter, or None if it was not sent."""
        return self.parameters.get(name)

    def require(self, name: str) -> str:
        """Return a parameter; raise InvalidRequestError if it was not sent (§5.2)."""
        if name not in self.parameters:
            raise errors.InvalidRequestError(f"{name} is missing.")
        return self.parameters[name]

    @property
    def scopes(self) -> list[str]:
        """The names in `scope`, in order and each once (§3.3)."""
        return [*dict.fromkeys(self.parameters["scope"].strip().split(" "))] if "scope" in self.parameters else []


def decode(encoded: str | bytes) -> list[tuple[str, str]]:
    """Decode a form or query; raise InvalidRequestError for NUL and for bytes that are not UTF-8."""
    try:
        # WSGI decodes the bytes of the URL as Latin-1 (PEP 3333).
        text = (encoded if isinstance(encoded, bytes) else encoded.encode("latin-1")).decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise errors.InvalidRequestError("The parameters cannot be read.") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise errors.InvalidRequestError("A parameter contains a NUL character.")
    return pairs


def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters that have a value; raise InvalidRequestError if one occurs twice (§3.1, §3.2)."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise errors.InvalidRequestError("A parameter occurs twice.")
    return {name: value for name, value in pairs if value}
