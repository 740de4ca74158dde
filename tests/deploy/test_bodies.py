"""Request bodies as WSGI servers pass them: with a length, chunked, over HTTP/2, and truncated."""

import io
import json
import shutil
import subprocess
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.clients.visitor import new_credential, new_visitor
from tests.factories import ClientCredentialFactory, ResourceServerFactory
from tests.oauth.flow import software
from tests.served import Served

FORM = "application/x-www-form-urlencoded"
# Granian's environ for a body without a Content-Length.
WITHOUT_LENGTH = {
    "chunks": {"SERVER_PROTOCOL": "HTTP/1.1", "HTTP_TRANSFER_ENCODING": "chunked"},
    "HTTP/2": {"SERVER_PROTOCOL": "HTTP/2"},
}


def post(path: str, body: bytes, content_type: str = FORM, **environ: str) -> tuple[int, bytes]:
    """Return status and body of the response; `environ` updates the WSGI environ."""
    request: dict[str, Any] = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": ""} | environ
    answer = Client().generic("POST", path, body, content_type, **request)
    return answer.status_code, answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", WITHOUT_LENGTH.values(), ids=WITHOUT_LENGTH.keys())
def test_body_without_a_length_is_read(protocol: dict[str, str]) -> None:
    client = software(ClientCredentialFactory())
    secret = f"client_id={client.client_id}&client_secret={client.secret}"
    status, body = post("/token", f"grant_type=client_credentials&{secret}".encode(), **protocol)
    assert (status, json.loads(body)["token_type"]) == (200, "Bearer")
    token = json.loads(body)["access_token"]
    assert post("/revoke", f"token={token}&{secret}".encode(), **protocol) == (200, b"{}")
    gateway = software(ResourceServerFactory())
    asked = f"token={token}&client_id={gateway.client_id}&client_secret={gateway.secret}"
    assert post("/introspect", asked.encode(), **protocol) == (200, b'{"active": false}')
    assert post("/leaks", b'{"secrets": ["x"]}', "application/json", **protocol) == (202, b"{}")
    assert b"onbekend@x.example" in post("/inloggen/", b"login=onbekend%40x.example&password=x", **protocol)[1]


@pytest.mark.parametrize("protocol", WITHOUT_LENGTH.values(), ids=WITHOUT_LENGTH.keys())
def test_body_without_a_length_has_a_limit(protocol: dict[str, str]) -> None:
    status, body = post("/token", b"x=" + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE, **protocol)
    assert (status, json.loads(body)["error"]) == (400, "invalid_request")


def test_truncated_body_is_refused() -> None:
    status, body = post("/token", b"grant_type=client_cred", CONTENT_LENGTH="29", SERVER_PROTOCOL="HTTP/1.1")
    assert (status, json.loads(body)["error"]) == (400, "invalid_request")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_token_request_over_http_2(served: Served) -> None:
    client_id, secret = new_credential(served, new_visitor(served))
    curl = ["curl", "--silent", "--http2-prior-knowledge", "--request", "POST", "--upload-file", "-"]
    done = subprocess.run(
        [*curl, "--user", f"{client_id}:{secret}", "--header", f"Content-Type: {FORM}", f"{served}/token"],
        input=b"grant_type=client_credentials",
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert json.loads(done.stdout)["scope"] == "RETAILER"
