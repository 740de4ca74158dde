"""Second factors: TOTP, recovery codes and passkeys on django-allauth's `Authenticator`."""

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import qrcode  # type: ignore[import-untyped]
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from apicredentials.keys import keyring

Type = Authenticator.Type

RECOVERY_CODES = 10
# 31 characters without look-alikes; ten of them are 49 bits.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
NONCE_BYTES = 12


class FactorAdapter(DefaultMFAAdapter):
    """Names in Dutch, the issuer as relying party, and TOTP secrets encrypted with SECRET_HASH_KEYS."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "Deze passkey werkt hier niet. Probeer het opnieuw, of gebruik een andere manier.",
    }

    def get_totp_issuer(self) -> str:
        return str(settings.PORTAL_NAME)

    def build_totp_url(self, user: AbstractBaseUser, secret: str) -> str:
        """Return the URI of the QR code; the issuer is in the label too, because some apps show only the label."""
        issuer = self.get_totp_issuer().replace(":", " ")
        label = quote(f"{issuer}:{self.get_totp_label(user)}")
        return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"

    def encrypt(self, text: str) -> str:
        """Return `<key id>$<base64url of nonce and ciphertext>`; hash keys are never removed, unlike SECRET_KEY."""
        key, nonce = keyring.hash_key(), os.urandom(NONCE_BYTES)
        sealed = nonce + AESGCM(key.derive("mfa")).encrypt(nonce, text.encode(), None)
        return f"{key.id}${base64.urlsafe_b64encode(sealed).decode()}"

    def decrypt(self, encrypted_text: str) -> str:
        """Raise ValueError when the key is gone or the text was changed."""
        key_id, _, encoded = encrypted_text.partition("$")
        sealed = base64.urlsafe_b64decode(encoded)
        for key in keyring.hash_keys():
            if key.id == key_id:
                with suppress(InvalidTag):
                    return AESGCM(key.derive("mfa")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
        raise ValueError("encrypted with another key")

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the host of ISSUER_URL; fido2 accepts plain http on localhost only."""
        return {"id": urlsplit(settings.ISSUER_URL).hostname or "", "name": settings.PORTAL_NAME}


# ---- Codes --------------------------------------------------------------------------------------------------


def use_code(user: User, code: str) -> Authenticator | None:
    """Return the authenticator of a TOTP or recovery code, and use the code up; None if it is wrong or used."""
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user, type__in=[Type.TOTP, Type.RECOVERY_CODES])
        for authenticator in rows.order_by("-type"):
            use = use_totp if authenticator.type == Type.TOTP else use_recovery_code
            if use(authenticator, code):
                authenticator.save(update_fields=["data"])
                return authenticator
    return None


def use_totp(authenticator: Authenticator, code: str) -> bool:
    """Return whether the code is right and newer than the last one used (RFC 6238 §5.2).

    The counter is stored with the secret: allauth remembers used codes in the cache, for less time than a code works.
    """
    try:
        secret = FactorAdapter().decrypt(authenticator.data["secret"])
    except ValueError:  # Its key has been removed. A recovery code may still work.
        return False
    counter = matching_counter(secret, code)
    if counter is None or counter <= authenticator.data.get("last_counter", -1):
        return False
    authenticator.data["last_counter"] = counter
    return True


def matching_counter(secret: str, code: str) -> int | None:
    """Return the time step that the code belongs to, within MFA_TOTP_TOLERANCE steps of now."""
    matching = (
        counter
        for counter in yield_hotp_counters_from_time()
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter)))
    )
    return next(matching, None)


def use_recovery_code(authenticator: Authenticator, code: str) -> bool:
    matching = set(authenticator.data["hashes"]) & set(hashes_of(authenticator.user_id, code))
    authenticator.data["hashes"] = [each for each in authenticator.data["hashes"] if each not in matching]
    return bool(matching)


def hashes_of(user_id: int, code: str) -> Iterator[str]:
    """Yield the hashes that a recovery code may be stored as: one per key, the current key first."""
    text = f"recovery:{user_id}:{''.join(code.casefold().replace('-', '').split())}"
    current = keyring.hash_key()
    yield current.hash(text)
    yield from (key.hash(text) for key in keyring.hash_keys() if key != current)


def new_recovery_codes(user: User) -> list[str]:
    """Replace the user's recovery codes; return the plaintexts, which are not stored."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    data = {"hashes": [next(hashes_of(user.pk, code)) for code in codes]}
    Authenticator.objects.update_or_create(
        user=user, type=Type.RECOVERY_CODES, defaults={"data": data, "created_at": timezone.now()}
    )
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def first_recovery_codes(user: User) -> list[str]:
    """Return new recovery codes for the first factor; an empty list if the user has codes already.

    Call it in the transaction that adds the factor. Of two first factors at the same time one gets codes.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).exists():
        return []
    return new_recovery_codes(user)


def add_totp(user: User, secret: str, code: str) -> list[str]:
    """Store a confirmed secret in place of the present one; return recovery codes if it is the first factor."""
    data = {"secret": FactorAdapter().encrypt(secret), "last_counter": matching_counter(secret, code)}
    Authenticator.objects.update_or_create(
        user=user, type=Type.TOTP, defaults={"data": data, "created_at": timezone.now(), "last_used_at": None}
    )
    return first_recovery_codes(user)


# ---- QR code ------------------------------------------------------------------------------------------------


def qr_code(text: str) -> dict[str, Any]:
    """Return the side of the QR code in modules, and its dark modules as an SVG path."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    matrix = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    return {"size": len(matrix), "view": len(matrix) + 8, "path": path}
