"""`create_credential`: a credential of a seller, with its first secret."""

import pytest

from accounts.models import Seller
from apicredentials import scopes
from apicredentials.keys import secret_format
from apicredentials.models import Activity, ClientCredential, ClientSecret
from tests.commands.conftest import Done, Manage
from tests.factories import ClientCredentialFactory, SellerFactory
from tests.logged import listening
from tests.oauth.flow import Software

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    return SellerFactory()


def create(manage: Manage, seller: Seller, *arguments: str, name: str = "Magazijn") -> Done:
    return manage("create_credential", "--seller", seller.retailer_id, "--name", name, *arguments)


def test_prints_working_client_id_and_secret(manage: Manage, seller: Seller) -> None:
    answer = create(manage, seller, "--json").json
    credential = ClientCredential.objects.for_seller(seller).get()
    secret = answer.pop("client_secret")
    assert answer == {"client_id": credential.client_id, "name": "Magazijn", "scopes": list(scopes.ALL)}
    assert Software(credential.client_id, secret).token(grant_type="client_credentials").status_code == 200


def test_without_json_prints_lines(manage: Manage, seller: Seller) -> None:
    lines = dict(line.split(": ") for line in create(manage, seller, "--scope", "orders:manage").out.splitlines())
    assert secret_format.is_well_formed(lines.pop("client_secret"))
    client_id = ClientCredential.objects.get().client_id
    assert lines == {"client_id": client_id, "name": "Magazijn", "scopes": "orders:read orders:manage"}


def test_secret_is_printed_once_and_not_stored(manage: Manage, seller: Seller) -> None:
    with listening(everything=True) as log:
        done = create(manage, seller, "--json")
    secret = done.json["client_secret"]
    assert done.out.count(secret) == 1
    assert secret not in log.getvalue()
    kept = ClientSecret.objects.values().get()
    assert secret not in str(kept)
    assert kept["hint"] == secret[-4:]


def test_credential_gets_the_named_rights_and_those_they_include(manage: Manage, seller: Seller) -> None:
    answer = create(manage, seller, "--scope", "orders:manage", "--scope", "invoices:read", "--json").json
    assert answer["scopes"] == ["orders:read", "orders:manage", "invoices:read"]
    assert ClientCredential.objects.get().rights == answer["scopes"]


def test_log_has_operator_and_reason(manage: Manage, seller: Seller) -> None:
    create(manage, seller, "--reason", "Gevraagd per telefoon")
    assert set(seller.activities.values_list("kind", "subject", "actor_name", "reason")) == {
        (Activity.Kind.CREDENTIAL_CREATED, "Magazijn", "Operator van de marktplaats", "Gevraagd per telefoon"),
        (Activity.Kind.SECRET_REVEALED, "Magazijn", "Operator van de marktplaats", "Gevraagd per telefoon"),
    }


def test_no_credential_is_created_if_its_secret_fails(
    manage: Manage, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> str:
        raise OSError("no random numbers")

    monkeypatch.setattr(secret_format, "generate", fail)
    with pytest.raises(OSError, match="no random numbers"):
        create(manage, seller)
    assert not ClientCredential.objects.exists()
    assert not Activity.objects.exists()


# ---- Invalid input ----------------------------------------------------------------------------------------


def test_unknown_seller_is_refused(manage: Manage) -> None:
    done = manage("create_credential", "--seller", "1", "--name", "Magazijn")
    assert done.complaint == "There is no seller '1'."


@pytest.mark.parametrize(
    "scope", ["orders:reed", "orders", "RETAILER", "offline_access", "", "orders:read orders:manage"]
)
def test_unknown_right_is_refused(manage: Manage, seller: Seller, scope: str) -> None:
    complaint = create(manage, seller, "--scope", "orders:read", "--scope", scope).complaint
    assert complaint == f"Dit recht bestaat niet: {scope!r}."
    assert not ClientCredential.objects.exists()


def test_name_in_use_is_refused_ignoring_case(manage: Manage, seller: Seller) -> None:
    ClientCredentialFactory(seller=seller, name="magazijn")
    assert "met deze naam" in create(manage, seller).complaint
    assert ClientCredential.objects.count() == 1


@pytest.mark.parametrize("name", ["", " ", "Maga\u200bzijn", "a" * 101])
def test_invalid_name_is_refused(manage: Manage, seller: Seller, name: str) -> None:
    assert create(manage, seller, name=name).complaint
    assert not ClientCredential.objects.exists()


@pytest.mark.parametrize("reason", ["a" * 501, "twee\nregels"])
def test_invalid_reason_is_refused(manage: Manage, seller: Seller, reason: str) -> None:
    assert "--reason" in create(manage, seller, "--reason", reason).complaint
    assert not ClientCredential.objects.exists()
