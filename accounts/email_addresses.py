"""E-mail addresses: one stored spelling per mailbox, and finding an account by what somebody typed."""

import re
import unicodedata
from typing import Any

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import models

from apicredentials.names import has_invisible, without_invisible

MAXIMUM_LENGTH = 254
MAXIMUM_LOCAL_LENGTH = 64  # RFC 5321 §4.5.3.1.1

# A dot-atom (RFC 5322 §3.2.3). Quoted local parts are refused: few mail programs can write to them.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
# Names of the machine itself (RFC 6761 §6.3); "localhost" and IP addresses have no top-level domain.
_THIS_MACHINE = re.compile(r"(.+\.)?(localhost|localdomain)")
_domain_is_valid = EmailValidator(allowlist=[]).domain_regex.match


def clean_email_address(text: str) -> str:
    """Return the address trimmed, with its domain in ASCII; raise ValidationError with a code.

    The domain is converted by IDNA 2008: Python's own codec (IDNA 2003) turns faß.example into fass.example, which
    may be somebody else's.
    """
    address = unicodedata.normalize("NFKC", text).strip()
    if has_invisible(address):
        raise ValidationError(
            "Dit e-mailadres bevat een onzichtbaar teken. Typ het adres opnieuw, zonder te plakken.", code="invisible"
        )
    local, at, domain = address.rpartition("@")
    try:
        domain = idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        domain = ""
    if not (at and _LOCAL_PART.fullmatch(local) and _domain_is_valid(domain)) or _THIS_MACHINE.fullmatch(domain):
        raise ValidationError("Vul een geldig e-mailadres in, zoals techniek@jouwbedrijf.nl.", code="invalid")
    if len(local) > MAXIMUM_LOCAL_LENGTH or len(f"{local}@{domain}") > MAXIMUM_LENGTH:
        raise ValidationError("Dit e-mailadres is te lang. Gebruik een korter adres.", code="max_length")
    return f"{local}@{domain}"


def account_address(text: str) -> str:
    """Return the spelling under which the account of this address is stored, without invisible characters.

    An address that today's rules refuse is only put in lower case: its account may be older than the rules.
    """
    text = without_invisible(text)
    try:
        return clean_email_address(text).lower()
    except ValidationError:
        return text.strip().lower()


class EmailAddressFormField(forms.EmailField):
    """An address to store; cleans to its stored spelling."""

    default_validators = []  # noqa: RUF012

    def clean(self, value: Any) -> str:
        address: str = super().clean(value)
        return clean_email_address(address) if address else ""


class NewAccountAddressField(EmailAddressFormField):
    """An address for an account, which is stored in lower case."""

    def __init__(self, help_text: str, *, autocomplete: str) -> None:
        super().__init__(
            label="E-mailadres",
            help_text=help_text,
            error_messages={"required": "Vul een e-mailadres in."},
            widget=forms.EmailInput({"autocomplete": autocomplete}),
        )

    def clean(self, value: Any) -> str:
        return super().clean(value).lower()


class EmailAddressField(models.EmailField):
    """A column with an address; `full_clean` replaces it by its stored spelling."""

    default_validators = []  # noqa: RUF012

    def clean(self, value: Any, model_instance: models.Model | None) -> str:
        address: str = super().clean(value, model_instance)
        return clean_email_address(address) if address else ""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": EmailAddressFormField, **kwargs})

    def deconstruct(self) -> Any:
        """Call it an EmailField in migrations: the column is the same."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs
