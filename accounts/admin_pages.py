"""PortalAdmin: base class of all pages in the admin."""

import datetime as dt
from itertools import islice
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import ForeignKey, Max, Min, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import smart_split, unescape_string_literal

# Rows that a list counts and pages through. Search, filters and dates reach the others.
MOST_COUNTED = 10_000
# Rows that a search looks up first. When more match, they are so common that the list finds them.
MOST_FOUND = 500
# Words of a search.
MOST_WORDS = 20


class AtLeast(int):
    """A number of rows that was not counted to the end."""

    def __str__(self) -> str:
        return f"meer dan {int(self)}"


class BoundedPaginator(Paginator):
    """Counts at most MOST_COUNTED rows: counting a whole table reads all of it for every page of the list."""

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        counted = self.object_list.order_by()[: MOST_COUNTED + 1].count()
        return counted if counted <= MOST_COUNTED else AtLeast(MOST_COUNTED)


class PortalChangeList(ChangeList):
    """A list whose date hierarchy reads the first and the last date of the table from an index, and no other rows."""

    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset(*args, **kwargs)
        # Both are for Django's template tag, which would read all filtered rows. The first and the last row that match
        # a search can be anywhere in the table.
        queryset.aggregate = self.model._default_manager.aggregate  # type: ignore[method-assign]
        queryset.datetimes = self.periods  # type: ignore[method-assign, assignment]
        return queryset

    def periods(self, name: str, kind: str) -> list[dt.date]:
        """Return the first day of each year, month or day (`kind`) in the chosen period, also of those without rows."""
        first, last = self.model._default_manager.aggregate(first=Min(name), last=Max(name)).values()
        if first is None:
            return []
        start, end = timezone.localdate(first), timezone.localdate(last)
        fixed = {"year": {"month": 1, "day": 1}, "month": {"day": 1}, "day": {}}[kind]
        days = (start + dt.timedelta(number) for number in range((end - start).days + 1))
        chosen = {
            part: int(self.params[f"{name}__{part}"]) for part in ("year", "month") if f"{name}__{part}" in self.params
        }
        matching = (day for day in days if all(getattr(day, part) == number for part, number in chosen.items()))
        return list(dict.fromkeys(day.replace(**fixed) for day in matching))


class PortalAdmin(ModelAdmin):
    """A model in the admin, whose list survives any query string and any number of rows."""

    # Count the rows once, not a second time without the filters.
    show_full_result_count = False
    paginator = BoundedPaginator
    view_on_site = False  # some models have get_absolute_url() from a library, whose addresses do not exist here

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PortalChangeList

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Drop filters with a number that no date or column can hold.

        Django catches these errors while it parses the filters, but not while it makes dates of them (?at__year=9999)
        or counts the rows (?at__year__gt=99999).
        """
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            raise IncorrectLookupParameters from error

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Require that each word is part of one of `search_fields` (^: begins one), as Django does, but with indexes.

        PostgreSQL uses no index for an OR over two tables. So look up the matching rows of other tables first. Words
        after MOST_WORDS are ignored, because each costs queries.
        """
        for word in islice(smart_split(search_term), MOST_WORDS):
            if word[0] in "\"'" and word[0] == word[-1]:
                word = unescape_string_literal(word)  # noqa: PLW2901
            found = Q()
            for field in self.get_search_fields(request):
                lookup = "istartswith" if field.startswith("^") else "icontains"
                found |= contains(self.model, field.removeprefix("^"), word, lookup)
            queryset = queryset.filter(as_keys(self.model, found))
        return queryset, False


def as_keys(model: type[Model], condition: Q) -> Q:
    """Return the keys of the rows that match, if they are few: a list uses a condition twice, to count and to show."""
    keys = list(model._default_manager.filter(condition).order_by().values_list("pk", flat=True)[: MOST_FOUND + 1])
    return condition if len(keys) > MOST_FOUND else Q(pk__in=keys)


def contains(model: type[Model], path: str, word: str, lookup: str = "icontains") -> Q:
    """Return the condition that a field of this model, or of one that it refers to, matches the word."""
    name, _, rest = path.partition("__")
    condition = Q((f"{path}__{lookup}", word))
    if not rest:
        return condition
    field = model._meta.get_field(name)
    assert isinstance(field, ForeignKey)
    related = field.related_model._default_manager.filter(**{f"{rest}__{lookup}": word}).order_by()
    keys = list(related.values_list("pk", flat=True)[: MOST_FOUND + 1])
    return condition if len(keys) > MOST_FOUND else Q((f"{name}__in", keys))
