"""No response reveals by its work whether an address has an account.

The tests count password hashes and queries, because durations depend on the machine.
"""

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.security import sign_in_views
from portal.settings import PASSWORD_HASHERS
from tests.accounts.factors import SECURITY
from tests.factories import SellerFactory, UserFactory
from tests.people import sign_in, signed_in

pytestmark = pytest.mark.django_db

UNKNOWN = "niemand@winkel.example"
WRONG = "een-verkeerd-wachtwoord"
DECOMPOSED = "cafe\u0301-met-vis-77"  # compared in two spellings

type Hashes = list[tuple[int, int, int]]


@pytest.fixture
def hashes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Hashes:
    """The parameters of every password hash that is computed with the hashers of production."""
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    computed: Hashes = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def count_encode(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        computed.append((self.time_cost, self.memory_cost, self.parallelism))
        return encode(self, password, salt)

    def count_verify(self: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        used = self.decode(encoded)
        computed.append((used["time_cost"], used["memory_cost"], used["parallelism"]))
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", count_encode)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", count_verify)
    return computed


def known_addresses() -> list[str]:
    """Return the address of an account of each kind."""
    with_factor = UserFactory()
    Authenticator.objects.create(user=with_factor, type=Authenticator.Type.TOTP, data={})
    users = [UserFactory(), UserFactory(is_active=False), UserFactory(password=None), with_factor]
    return [user.email for user in users]


def queries_of(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


@pytest.mark.parametrize("password", [WRONG, DECOMPOSED])
def test_wrong_password_takes_the_same_hashes_and_queries_for_every_address(hashes: Hashes, password: str) -> None:
    work = {}
    for email in [UNKNOWN, *known_addresses()]:
        hashes.clear()
        queries = queries_of(lambda email=email: sign_in(Client(), email, password))  # type: ignore[misc]
        work[email] = (queries, *hashes)
    assert set(work.values()) == {work[UNKNOWN]}
    assert len(work[UNKNOWN]) > 1


def test_password_reset_takes_the_same_work_before_its_response(
    hashes: Hashes, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = {}
    for email in [UNKNOWN, *known_addresses()]:
        hashes.clear()
        with CaptureQueriesContext(connection) as queries, monkeypatch.context() as patch:
            # Called when the response has been sent.
            patch.setattr(sign_in_views, "save_in_context", lambda *_: work.update({email: len(queries)}))  # noqa: B023
            Client().post("/wachtwoord/vergeten/", {"email": email})
    assert len(work) == 5
    assert set(work.values()) == {work[UNKNOWN]}
    assert not hashes
    assert not mail.outbox


@pytest.mark.parametrize(
    ("address", "fields"),
    [("/instellingen/medewerkers/uitnodigen/", {"role": "technical"}), (f"{SECURITY}gegevens/", {"name": "Sanne"})],
)
def test_invitation_and_new_address_take_the_same_queries_for_every_address(
    address: str, fields: dict[str, str]
) -> None:
    work = {}
    for email in [UNKNOWN, *known_addresses()]:
        browser = signed_in(SellerFactory().members.get())
        work[email] = queries_of(lambda: browser.post(address, {"email": email} | fields))  # noqa: B023
    assert set(work.values()) == {work[UNKNOWN]}
    assert work[UNKNOWN] > 5
