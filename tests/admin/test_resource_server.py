"""`/beheer/apicredentials/resourceserver/`: APIs that may introspect tokens."""

import pytest
from django.test import Client
from django.urls import reverse

from apicredentials.models import ResourceServer
from tests.admin.clients import address, errors, press, send
from tests.factories import ResourceServerFactory, ThirdPartyFactory
from tests.oauth.flow import Software

pytestmark = pytest.mark.django_db


def test_resource_server_is_registered_with_a_name_only(operator: Client) -> None:
    answer = send(operator, reverse("admin:apicredentials_resourceserver_add"), name=" Retailer API ", scope="x")
    server = ResourceServer.objects.get()
    assert answer["Location"] == address(server)
    assert (server.name, server.scope, server.authorization_grant_type) == ("Retailer API", "", "none")
    secret = press(operator, server, "secret")
    assert Software(server.client_id, secret).post("/introspect", token="x").json() == {"active": False}


def test_name_in_use_is_refused(operator: Client) -> None:
    ThirdPartyFactory(name="Orderwijs")
    where = reverse("admin:apicredentials_resourceserver_add")
    assert errors(send(operator, where, name="orderwijs")) == {"name": ["unique"]}


def test_resource_server_cannot_be_changed(operator: Client) -> None:
    server = ResourceServerFactory(name="Retailer API")
    assert operator.post(address(server), {"name": "X"}).status_code == 403
    assert ResourceServer.objects.get().name == "Retailer API"
