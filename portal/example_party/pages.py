"""The HTML of the site."""

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from portal.example_party.portal_client import PortalClient

_HTML = Path(__file__).with_name("orderwijs.html").read_text(encoding="utf-8")
_PAGE, _NOT_CONNECTED, _CONNECTED = (Template(part) for part in _HTML.split("<!-- ==== -->\n"))


def home(portal: PortalClient, token: dict[str, Any], api_answer: str, notice: str) -> bytes:
    """Return the home page of a visitor; `token` is empty before linking."""
    words = {
        "portal": escape(portal.name),
        "issuer": escape(portal.issuer),
        "token": escape(json.dumps(token, indent=2)),
        "api_answer": f"<pre>{escape(api_answer)}</pre>" if api_answer else "",
    }
    return _page((_CONNECTED if token else _NOT_CONNECTED).substitute(words), notice)


def not_found() -> bytes:
    return _page('<section><h2>Deze pagina bestaat niet</h2><p><a href="/">Naar het begin</a></p></section>')


def indented(text: str) -> str:
    """Return JSON indented, and other text unchanged."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _page(content: str, notice: str = "") -> bytes:
    notice = f'<p class="notice" role="status">{escape(notice)}</p>' if notice else ""
    return _PAGE.substitute(content=content, notice=notice).encode()
