"""A seller with an owner and a technical contact, and a mail server."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Actor, Seller
from tests.factories import SellerFactory, TechnicalContactFactory
from tests.mail.smtp_server import Behaviour, smtp_server

OWNER = "eigenaar@winkel.example"
CONTACT = "techniek@winkel.example"

type Commit = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def seller(db: None) -> Seller:
    """A seller whose owner and contact read mail at OWNER and CONTACT."""
    seller = SellerFactory(display_name="Appels", owner__user__email=OWNER)
    TechnicalContactFactory(seller=seller, email=CONTACT)
    return seller


@pytest.fixture
def by(seller: Seller) -> Actor:
    """The seller's owner, at a known address."""
    return Actor(user=seller.members.get(), address="203.0.113.7")


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Commit) -> Callable[[], AbstractContextManager[Any]]:
    """Let a block end as a transaction does, with what waits for its commit: `with commit(): …`."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def smtp(settings: Settings) -> Iterator[Behaviour]:
    """A mail server, and mail that goes there."""
    with smtp_server() as server:
        settings.MAILERS = {
            "default": {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "OPTIONS": {"host": "127.0.0.1", "port": server.port, "timeout": 2},
            }
        }
        yield server
