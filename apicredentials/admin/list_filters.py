"""Filters of the lists in the admin."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apicredentials.models import ClientCredential
from apicredentials.models.credential_filters import idle, in_state, never_used, secret_older_than, used_lately


class ChoiceFilter(SimpleListFilter):
    """A filter whose choices are conditions."""

    # The label and the condition of each choice, by the value in the query string.
    conditions: ClassVar[dict[str, tuple[str, Callable[[], Q]]]]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        _, condition = self.conditions.get(self.value() or "", ("", Q))
        return queryset.filter(condition())


class CredentialStateFilter(ChoiceFilter):
    title = "toestand"
    parameter_name = "state"
    conditions: ClassVar = {state.value: (state.label, partial(in_state, state)) for state in ClientCredential.State}


class SecretAgeFilter(ChoiceFilter):
    title = "oudste secret dat werkt"
    parameter_name = "secret_age"
    conditions: ClassVar = {
        "90d": ("Ouder dan 90 dagen", lambda: secret_older_than(dt.timedelta(days=90))),
        "365d": ("Ouder dan een jaar", lambda: secret_older_than(dt.timedelta(days=365))),
    }


class CredentialUseFilter(ChoiceFilter):
    title = "laatst gebruikt"
    parameter_name = "use"
    conditions: ClassVar = {
        "used": ("Minder dan 90 dagen geleden", used_lately),
        "idle": ("Langer dan 90 dagen geleden", idle),
        "never": ("Nooit", never_used),
    }
