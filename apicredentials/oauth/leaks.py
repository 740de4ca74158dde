"""`/leaks`, where anyone who found a secret can report it: secret scanners, or a person."""

import json
import re

from django.http import HttpRequest, HttpResponse

from accounts.models import Actor
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models.leak_reports import report_leak
from apicredentials.oauth import throttle
from apicredentials.oauth.endpoints import answer, not_allowed, refusal

MAXIMUM_REPORTED = 100
SHA_256 = re.compile(r"[0-9a-fA-F]{64}")


def leaks(request: HttpRequest) -> HttpResponse:
    """Accept `{"secrets": […]}` or `{"sha256": […]}`. The answer never says which of them exist."""
    if request.method != "POST":
        return not_allowed(["POST"])
    address = request.META.get("REMOTE_ADDR", "")
    if throttle.is_too_often(address):
        return answer(refusal("temporarily_unavailable", None), 429)
    try:
        fingerprints = read(request.body)
    except ValueError as error:
        return answer(refusal("invalid_request", str(error)), 400)
    report_leak(fingerprints, by=Actor(address=address or None, stand_in="Iemand die het secret vond"))
    return answer("{}", 202)


def read(body: bytes) -> list[str]:
    """Return the fingerprints in a report; raise ValueError with a sentence if it is malformed."""
    try:
        report = json.loads(body)
        if not {"secrets", "sha256"} & {*report}:
            raise KeyError
        secrets, hashes = report.get("secrets", []), report.get("sha256", [])
        # A string is iterable too: each of its characters would count as a secret.
        if not all(isinstance(each, list) for each in (secrets, hashes)):
            raise TypeError
        if not all(isinstance(item, str) for item in [*secrets, *hashes]):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError('Send JSON: {"secrets": ["…"]} or {"sha256": ["…"]}.') from error
    if len(secrets) + len(hashes) > MAXIMUM_REPORTED:
        raise ValueError(f"Send at most {MAXIMUM_REPORTED} at a time.")
    real = [digest(secret) for secret in map(str.strip, secrets) if secret_format.is_well_formed(secret)]
    return real + [text.lower() for text in hashes if SHA_256.fullmatch(text)]
