"""PortalAdmin: base class of all pages in the admin."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import DataError
from django.http import HttpRequest


class PortalAdmin(ModelAdmin):
    """A model in the admin, whose list survives any query string."""

    # Count the rows once, not a second time without the filters.
    show_full_result_count = False
    view_on_site = False  # some models have get_absolute_url() from a library, whose addresses do not exist here

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Drop filters with a number that no date or column can hold.

        Django catches these errors while it parses the filters, but not while it makes dates of them (?at__year=9999)
        or counts the rows (?at__year__gt=99999).
        """
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            raise IncorrectLookupParameters from error
