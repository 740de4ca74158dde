"""The models registered in `/beheer/`, and the address of the page that changes a row."""

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

REGISTERED = admin.site._registry


def change(model: type[Model], row: Model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
