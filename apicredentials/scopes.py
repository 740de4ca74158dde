"""Rights of the Retailer API: the table that pages, server and metadata are made from.

A scope is `<resource>:read` or `<resource>:manage`; manage includes read. A set of rights is stored *closed* (with
`orders:manage` it contains `orders:read`), in the order of the table, separated by spaces (RFC 6749 §3.3).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError

# The scope that existing clients request and get: all rights of the credential.
RETAILER = "RETAILER"
# The scope that existing third parties request: the rights that the seller selects, and a refresh token.
OFFLINE_ACCESS = "offline_access"


@dataclass(frozen=True)
class Resource:
    """A part of the Retailer API with its own rights."""

    group: str
    name: str
    label: str
    description: str
    levels: tuple[str, ...]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scope names of this resource, the smallest right first."""
        return tuple(f"{self.name}:{level}" for level in self.levels)


LEVEL_LABELS = {"read": "Lezen", "manage": "Lezen en beheren"}

_READ, _MANAGE, _BOTH = ("read",), ("manage",), ("read", "manage")

RESOURCES: tuple[Resource, ...] = (
    Resource("Assortiment", "economic-operators", "Marktdeelnemers", "De maker of importeur van een product.", _BOTH),
    Resource("Assortiment", "commissions", "Commissies", "Wat een verkoop je aan commissie kost.", _READ),
    Resource("Assortiment", "offers", "Aanbod", "Je prijzen, voorraden en levertijden.", _BOTH),
    Resource("Assortiment", "product-content", "Productinformatie", "Titels, teksten en beelden.", _BOTH),
    Resource("Assortiment", "promotions", "Promoties", "Acties waaraan je producten meedoen.", _READ),
    Resource("Logistiek", "inventory", "Voorraad bij ons", "Wat er van jou in onze magazijnen ligt.", _READ),
    Resource("Logistiek", "orders", "Bestellingen", "Wat klanten kopen, met hun adres.", _BOTH),
    Resource("Logistiek", "replenishments", "Aanleveringen", "Zendingen van jou naar onze magazijnen.", _BOTH),
    Resource("Logistiek", "returns", "Retouren", "Wat klanten terugsturen en hoe je dat afhandelt.", _BOTH),
    Resource("Logistiek", "shipping-labels", "Verzendlabels", "Labels voor pakketten aan klanten.", _BOTH),
    Resource("Logistiek", "shipments", "Zendingen", "Wat je hebt verzonden.", _BOTH),
    Resource("Logistiek", "transports", "Transport", "Vervoerder en track-en-trace van een zending.", _MANAGE),
    Resource("Financieel", "invoices", "Facturen", "Wat je ontvangt en betaalt.", _READ),
    Resource("Inzichten", "products", "Producten", "De catalogus: producten, categorieën en prijzen.", _READ),
    Resource("Inzichten", "insights", "Prestaties", "Bezoeken, zoekvragen en prestatiecijfers.", _READ),
    Resource("Inzichten", "retailer-info", "Verkopersgegevens", "Je naam, nummers en registratie.", _READ),
    Resource("Abonnementen", "subscriptions", "Meldingen", "Berichten die wij naar een systeem sturen.", _BOTH),
)  # fmt: skip

BY_NAME = {resource.name: resource for resource in RESOURCES}
ALL: tuple[str, ...] = tuple(scope for resource in RESOURCES for scope in resource.scopes)
_POSITION = {scope: position for position, scope in enumerate(ALL)}


@dataclass(frozen=True)
class Label:
    """A scope as sellers read it: "Bestellingen: Lezen en beheren"."""

    resource: Resource
    level: str

    def __str__(self) -> str:
        return f"{self.resource.label}: {self.level}"


def label(scope: str) -> Label:
    """Return the label of a known scope."""
    name, _, level = scope.partition(":")
    return Label(BY_NAME[name], LEVEL_LABELS[level])


def labels(scopes: Iterable[str]) -> list[Label]:
    """Return the labels of `scopes`, one per resource: "Lezen en beheren" includes "Lezen"."""
    return [label(scope) for scope in highest(scopes)]


def close(scopes: Iterable[str]) -> list[str]:
    """Return the known scopes with all that they include, in the order of the table."""
    asked = {scope for scope in scopes if scope in _POSITION}
    included = {scope.replace(":manage", ":read") for scope in asked}
    return sorted((asked | included) & _POSITION.keys(), key=_POSITION.__getitem__)


def clean(names: Iterable[str]) -> list[str]:
    """Return the closed set of these scopes; raise ValidationError if one does not exist."""
    names = list(names)
    if unknown := [name for name in names if name not in _POSITION]:
        raise ValidationError(f"Dit recht bestaat niet: {unknown[0][:100]!r}.", code="invalid_choice")
    return close(names)


def join(scopes: Iterable[str]) -> str:
    """Return the closed set of rights as it is stored and sent."""
    return " ".join(close(scopes))


def highest(scopes: Iterable[str]) -> list[str]:
    """Return `scopes` without those that another one includes, for display."""
    closed = close(scopes)
    return [scope for scope in closed if scope.endswith(":manage") or scope.replace(":read", ":manage") not in closed]
