"""Tokens of links in mail: signed, and valid only while the row that they name has the same nonce."""

import secrets

from django.core import signing

_SALT = "accounts.links"


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


def link_token(purpose: str, pk: int, nonce: str) -> str:
    """Return a token that is not stored anywhere: it is computed when the mail is rendered."""
    return signing.dumps([pk, nonce], salt=f"{_SALT}.{purpose}")


def read_token(purpose: str, token: str) -> tuple[int, str] | None:
    """Return the primary key and the nonce, or None for a token that was not signed for this purpose."""
    try:
        pk, nonce = signing.loads(token, salt=f"{_SALT}.{purpose}")
    except signing.BadSignature:
        return None
    return pk, nonce
