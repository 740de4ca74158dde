"""The search of the admin's start page: the results of the command `explain`, with links."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from accounts.models import Seller, User
from apicredentials.keys import secret_format
from apicredentials.lookups import Match, look_up
from apicredentials.models import Activity, ClientCredential, ThirdPartyAuthorization
from portal.attention import may_view

MAXIMUM_FOUND = 100


class WhatField(forms.CharField):
    """The text that an operator was given; if it contains a secret, only the secret."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        secret = secret_format.PATTERN.search(text)
        return secret[0] if secret else text


class SearchForm(forms.Form):
    what = WhatField(
        label="Zoek een verkoper, gebruiker, client of autorisatie",
        max_length=500,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off", "size": 40}),
        help_text="Naam of nummer van een verkoper, e-mailadres, Client ID, id van een autorisatie, of de laatste vier "
        "tekens van een secret. Of plak een heel secret: we zoeken op de hash.",
        error_messages={"required": "Vul in wat je zoekt."},
    )

    @property
    def is_secret(self) -> bool:
        return secret_format.PATTERN.fullmatch(self.cleaned_data["what"]) is not None


@dataclass(frozen=True)
class Result:
    """A match with its links, for the page."""

    match: Match
    kind: str
    address: str
    state: str
    cause: str
    activities: list[Activity]

    @property
    def is_client(self) -> bool:
        """True for an object that software uses."""
        return self.match.kind not in {"seller", "user"}


def search(site: AdminSite, request: HttpRequest, what: str) -> list[Result]:
    """Return the matches whose pages this operator may open, with log rows only for those who may read the log.

    Matches with recent problems or log rows come first.
    """
    may_read_log = may_view(site, request, Activity)
    found = [match for match in look_up(what, at_most=MAXIMUM_FOUND) if may_view(site, request, type(match.subject))]
    found.sort(key=lambda match: not (match.problems or match.activity))
    return [result_of(match, with_log=may_read_log) for match in found]


def result_of(match: Match, *, with_log: bool) -> Result:
    options = match.subject._meta
    return Result(
        match=match,
        kind=capfirst(str(options.verbose_name)),
        address=reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[match.subject.pk]),
        state=state_of(match),
        cause=match.subject.cause_sentence if isinstance(match.subject, ThirdPartyAuthorization) else "",
        activities=match.activity if with_log else [],
    )


def state_of(match: Match) -> str:
    """Return the state in Dutch."""
    match match.subject:
        case Seller():
            return "Open" if match.state == "open" else "Gesloten"
        case User():
            return "Actief" if match.state == "active" else "Uitgeschakeld"
        case ClientCredential():
            return match.subject.state.label
        case ThirdPartyAuthorization():
            return match.subject.state_label
    if match.state == "active":
        return "Actief"
    return "Stilgezet: het secret is gelekt" if match.cause == "secret_leaked" else "Stilgezet"
