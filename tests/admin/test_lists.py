"""Lists in `/beheer/`: filters by date."""

import pytest
from django.db.models import DateField, Model
from django.test import Client
from django.urls import reverse

from tests.admin.registry import REGISTERED

DATES = [(model, field.name) for model in REGISTERED for field in model._meta.fields if isinstance(field, DateField)]
NO_DATE = [
    "{0}__year=9999",
    "{0}__year=1",
    "{0}__year=0",
    "{0}__year=-1",
    "{0}__year=99999999999999999999",
    "{0}__year=x",
    "{0}__year=9999&{0}__month=12",
    "{0}__year=9999&{0}__month=12&{0}__day=31",
    "{0}__year=1&{0}__month=1&{0}__day=1",
    "{0}__year=2026&{0}__month=13",
    "{0}__year=2026&{0}__month=2&{0}__day=30",
    "{0}__year=2026&{0}__day=99999999999999999999",
    "{0}__month=99999999999999999999",
    "{0}__day=99999999999999999999",
    "{0}__day__in=1,99999999999999999999",
    "{0}__year__gt=99999",
    "{0}__year__lte=0",
    "{0}__year__in=99999999999999999999",
    "{0}__iso_year=99999",
    "{0}__week=99999999999999999999",
    "{0}__gte=99999-01-01",
    "{0}__gte=0001-01-01",
    "{0}__lt=9999-12-31 23:59:59",
    "{0}__date=0001-01-01",
]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("model", "field"), DATES)
def test_a_number_that_no_date_can_be_does_not_break_a_list(operator: Client, model: type[Model], field: str) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for query in NO_DATE:
        answer = operator.get(f"{address}?{query.format(field)}", follow=True)
        assert answer.status_code == 200, query
        assert "changelist" in answer.content.decode(), query
