"""The rights of the Retailer API."""

import re
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apicredentials import scopes
from apicredentials.scopes import ALL, close, highest, join

some = st.lists(st.sampled_from(ALL), max_size=40)
some_or_strange = st.lists(st.one_of(st.sampled_from(ALL), st.text(max_size=20)), max_size=40)

# The product's table of rights.
TABLE = """
economic-operators r/m, commissions r, offers r/m, product-content r/m, promotions r,
inventory r, orders r/m, replenishments r/m, returns r/m, shipping-labels r/m, shipments r/m, transports m,
invoices r, products r, insights r, retailer-info r, subscriptions r/m
"""


def test_rights_are_those_of_the_product() -> None:
    expected = [
        f"{name}:{level}"
        for name, levels in re.findall(r"([a-z-]+) (r/m|r|m)\b", TABLE)
        for level, letter in (("read", "r"), ("manage", "m"))
        if letter in levels.split("/")
    ]
    assert list(ALL) == expected
    assert len(scopes.RESOURCES) == 17


def test_every_right_is_a_scope_token() -> None:
    """RFC 6749 §3.3."""
    assert all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", scope) for scope in ALL)
    assert len(set(ALL)) == len(ALL)


def test_every_right_has_a_label_and_a_sentence() -> None:
    assert str(scopes.label("orders:manage")) == "Bestellingen: Lezen en beheren"
    for resource in scopes.RESOURCES:
        assert resource.label[0].isupper()
        assert resource.description.endswith(".")
        assert all(str(scopes.label(scope)).startswith(resource.label) for scope in resource.scopes)


def test_groups_are_those_of_the_product_in_its_order() -> None:
    groups = [group for group, _ in groupby(scopes.RESOURCES, key=lambda resource: resource.group)]
    assert groups == ["Assortiment", "Logistiek", "Financieel", "Inzichten", "Abonnementen"]


def test_special_scopes_are_not_rights() -> None:
    assert not {scopes.RETAILER, scopes.OFFLINE_ACCESS} & set(ALL)


# ---- Closed sets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "closed"),
    [
        ([], []),
        (["orders:manage"], ["orders:read", "orders:manage"]),
        (["orders:read"], ["orders:read"]),
        (["transports:manage"], ["transports:manage"]),
        (["orders:read", "commissions:read"], ["commissions:read", "orders:read"]),
        (["orders:delete", "RETAILER", "offline_access", "", "x"], []),
        (["transports:read", "invoices:manage"], []),
    ],
)
def test_manage_includes_read_if_the_resource_has_read(given_: list[str], closed: list[str]) -> None:
    assert close(given_) == closed


@given(some_or_strange)
def test_closing_is_idempotent(rights: list[str]) -> None:
    assert close(close(rights)) == close(rights)


@given(some_or_strange)
def test_closed_set_is_known_ordered_and_unique(rights: list[str]) -> None:
    closed = close(rights)
    assert [scope for scope in ALL if scope in closed] == closed


@given(some)
def test_closing_adds_only_read_to_manage(rights: list[str]) -> None:
    closed = set(close(rights))
    assert set(rights) <= closed
    assert all(
        added.endswith(":read") and added.replace(":read", ":manage") in rights for added in closed - set(rights)
    )


@given(some, some)
def test_closing_is_monotonic(one: list[str], more: list[str]) -> None:
    assert set(close(one)) <= set(close(one + more))


@given(some)
def test_order_of_requested_rights_does_not_matter(rights: list[str]) -> None:
    assert join(reversed(rights)) == join(rights) == " ".join(close(rights))


@given(some)
def test_highest_is_the_smallest_set_that_closes_to_the_same(rights: list[str]) -> None:
    assert close(highest(rights)) == close(rights)
    assert all(close([each for each in highest(rights) if each != one]) != close(rights) for one in highest(rights))
