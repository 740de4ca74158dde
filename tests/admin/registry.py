"""Pages of `/beheer/`: the registered models, the page of a row, and the search of the start page."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.journeys.pages import Page

if TYPE_CHECKING:
    from tests.people import Response

REGISTERED = admin.site._registry
START = "/beheer/"


def change(model: type[Model], row: Model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])


def search(operator: Client, what: str) -> "Response":
    """Fill in the search field of the start page, and press the button."""
    form = Page(operator.get(START).content.decode(), START).form("Zoeken")
    assert form.method == "post"
    (label,) = form.fields
    return operator.post(form.address, form.fill(**{label: what}))
