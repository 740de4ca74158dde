"""Operators' commands and an operator's browser, for journeys over both."""

from tests.admin.conftest import operator
from tests.commands.conftest import manage

__all__ = ["manage", "operator"]
