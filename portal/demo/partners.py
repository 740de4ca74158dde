"""The example party, and third parties in every state and with every cause."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from django.db.models import F

from accounts.models import Actor, Membership, Seller, User
from apicredentials import names, scopes
from apicredentials.models import Activity, ThirdParty, ThirdPartyAuthorization, ThirdPartyLogo
from apicredentials.models.states import REMOVALS, Cause
from apicredentials.moments import one_year_after
from portal.demo import people
from portal.demo.history import END_OF_DAY, ago, log
from portal.demo.shops import OPERATOR

PARTY_NAME = "Orderwijs"
PARTY_CONTACT = "hulp@orderwijs.example"
LOGO = Path(__file__).with_name("orderwijs.png")
# The rights of software that handles orders.
PARTY_RIGHTS = (
    "offers:read",
    "inventory:read",
    "orders:manage",
    "returns:manage",
    "shipping-labels:manage",
    "shipments:manage",
    "transports:manage",
    "retailer-info:read",
)
Kind, Level = Activity.Kind, ThirdParty.Level


@dataclass(frozen=True)
class Partner:
    """A party that got access `days` ago, and how its access ended `ended` days ago."""

    name: str
    days: float
    level: str = ""
    does: str = ""
    cause: Cause | None = None
    ended: float | None = None
    used: bool = True
    giver: people.Person = people.EMPLOYEE


REPLAYED = Cause.REFRESH_TOKEN_REPLAYED
PARTNERS = (
    Partner("Voorraadmeester", 120, Level.SILVER, "Houdt je voorraad op al je verkoopkanalen gelijk."),
    Partner("Prijswijzer", 330, Level.GOLD, "Stelt je prijzen bij, binnen de grenzen die je kiest."),
    Partner("Labelprint", 371, Level.BRONZE, "Drukt verzendlabels af op je eigen printer."),
    Partner("Oude Kassa", 398, cause=Cause.YEAR_OVER, ended=33),
    Partner("Retourhulp", 250, cause=Cause.REMOVED_BY_SELLER, ended=80),
    Partner("Snelkoppel", 190, cause=Cause.REMOVED_BY_OPERATOR, ended=100),
    Partner("Bezorgplan", 160, Level.SILVER, "Plant de bezorging van grote pakketten.", REPLAYED, 6),
    Partner("Factuurflits", 29, cause=Cause.CODE_REPLAYED, ended=28, used=False),
    Partner("Marktmeter", 220, cause=Cause.ENDED_BY_PARTY, ended=18),
    Partner("Advertentiehuis", 300, cause=Cause.MEMBER_LEFT, ended=25, giver=people.LEFT),
    Partner("Reviewradar", 140, Level.BRONZE, "Verzamelt wat klanten van je vinden.", giver=people.SWITCHED_OFF),
    Partner("Dashboardje", 110),
    Partner("Koppelkampioen", 75),
)


def register_example(redirect_uri: str) -> tuple[str, str]:
    """Return the example party's client id and secret.

    The secret is new in each run, because the plaintext of the previous one is not stored.
    """
    party = ThirdParty.objects.present().filter(folded_name=names.fold(PARTY_NAME)).first()
    if party is None:
        party = ThirdParty(
            name=PARTY_NAME,
            contact_email=PARTY_CONTACT,
            level=Level.GOLD,
            description="Verwerkt je bestellingen en retouren vanuit één scherm.",
            start_url=urljoin(redirect_uri, "/"),
            is_listed=True,
            redirect_uris=redirect_uri,
            scope=scopes.join(PARTY_RIGHTS),
        )
        party.register(by=OPERATOR)
        ThirdPartyLogo.set_for(party, LOGO.read_bytes(), by=OPERATOR)
        return party.client_id, party.reveal(by=OPERATOR)
    party.redirect_uris, party.start_url = redirect_uri, urljoin(redirect_uri, "/")
    party.save(update_fields=["redirect_uris", "start_url"])
    return party.client_id, party.rotate(overlap=dt.timedelta(0), by=OPERATOR)


def make_partners(seller: Seller, closed: Seller) -> None:
    """Give the parties access to a seller, end some authorisations, and suspend some parties or deactivate people."""
    for person in (people.LEFT, people.SWITCHED_OFF):
        Membership.objects.create(seller=seller, user=people.make_user(person), role=Membership.Role.TECHNICAL)
    for partner in PARTNERS:
        connect(seller, register(partner), partner)
    connect(closed, ThirdParty.objects.get(name="Voorraadmeester"), Partner("Voorraadmeester", 100))
    note_the_year_over(seller)
    let_a_member_leave(seller)
    switch_a_user_off(seller)
    suspend(seller, "Dashboardje", ago(5, 15, 45), "Verdachte aanroepen, in onderzoek.")
    suspend(seller, "Koppelkampioen", ago(1, 8, 30), "Secret gevonden op een forum.", leaked=True)
    end_use(seller)


def register(partner: Partner) -> ThirdParty:
    """Register a party, before its first consent."""
    address = f"https://{partner.name.lower().replace(' ', '-')}.example/"
    party = ThirdParty(
        name=partner.name,
        contact_email=f"hulp@{address.split('/')[2]}",
        level=partner.level,
        description=partner.does,
        start_url=address if partner.level else "",
        is_listed=bool(partner.level),
        redirect_uris=f"{address}terug",
        scope=scopes.join(PARTY_RIGHTS),
    )
    party.save()
    at = ago(399, 9)
    ThirdParty.objects.filter(pk=party.pk).update(created=at)
    log(Kind.CLIENT_REGISTERED, party.name, at, by=OPERATOR, target=party.client_id)
    return party


def connect(seller: Seller, party: ThirdParty, partner: Partner) -> None:
    """Record a consent of the past, and its end if it has one."""
    giver, granted_at = people.user(partner.giver), ago(partner.days, 13, 25)
    ended_at = None if partner.ended is None else ago(partner.ended, *END_OF_DAY)
    authorization = ThirdPartyAuthorization.objects.create(
        seller=seller,
        third_party=party,
        scope=party.scope,
        granted_by=giver,
        granted_at=granted_at,
        expires_at=one_year_after(granted_at),
        ended_at=ended_at,
        end_cause=partner.cause or "",
        ended_by=ender(partner.cause).name if partner.cause else "",
        last_used_at=(ended_at or ago(0.01)) - dt.timedelta(minutes=2) if partner.used else None,
    )
    end = authorization.expires_at.isoformat()
    by = Actor(user=giver)
    details = {"scope": authorization.scope, "expires_at": end}
    log_about(authorization, Kind.PARTY_AUTHORIZED, granted_at, by, **details)
    if partner.cause and ended_at and partner.cause != Cause.YEAR_OVER:
        log_end(authorization, partner.cause, ended_at)


def ender(cause: Cause) -> Actor:
    match cause:
        case Cause.REMOVED_BY_SELLER:
            return Actor(user=people.user(people.EMPLOYEE))
        case Cause.REMOVED_BY_OPERATOR:
            return Actor(user=people.user(people.ADMINISTRATOR), reason="Klacht van klanten over dubbele zendingen")
    return Actor.machine()


def log_end(authorization: ThirdPartyAuthorization, cause: Cause, at: dt.datetime) -> None:
    kind = Kind.PARTY_REVOKED if cause in REMOVALS else Kind.PARTY_STOPPED
    details = {} if cause in REMOVALS else {"cause": cause.value, "giver": str(authorization.granted_by)}
    log_about(authorization, kind, at, ender(cause), **details)


def log_about(
    consent: ThirdPartyAuthorization, kind: Activity.Kind, at: dt.datetime, by: Actor, **details: str
) -> None:
    name, seller = consent.third_party.name, consent.seller
    log(kind, name, at, by=by, seller=seller, target=consent.uid, details=details)


def note_the_year_over(seller: Seller) -> None:
    """Write the rows that send_notices would have written at the end of the year."""
    for authorization in ThirdPartyAuthorization.objects.filter(seller=seller, expires_at__lt=ago(0)).with_parties():
        details = {"authorization": authorization.uid, "expires_at": authorization.expires_at.isoformat()}
        at = authorization.expires_at + dt.timedelta(minutes=3)
        log_about(authorization, Kind.PARTY_EXPIRED, at, Actor.machine(), **details)
    over = ThirdPartyAuthorization.objects.filter(seller=seller, end_cause=Cause.YEAR_OVER)
    over.update(ended_at=F("expires_at"))


def end_use(seller: Seller) -> None:
    """Move the last use of each party without access to before the end of its access."""
    for authorization in ThirdPartyAuthorization.objects.filter(seller=seller).with_parties():
        since, used_at = authorization.state_since, authorization.last_used_at
        if since and used_at and used_at > since:
            authorization.last_used_at = since - dt.timedelta(minutes=2)
            authorization.save(update_fields=["last_used_at"])


def let_a_member_leave(seller: Seller) -> None:
    leaver = people.user(people.LEFT)
    Membership.objects.filter(user=leaver).delete()
    by = Actor(user=people.user(people.OWNER))
    details = {"stopped": "Advertentiehuis"}
    log(Kind.MEMBER_REMOVED, str(leaver), ago(25.001), by=by, seller=seller, details=details)


def switch_a_user_off(seller: Seller) -> None:
    at, by = ago(9, 9, 50), Actor(user=people.user(people.ADMINISTRATOR), reason="Op verzoek van de eigenaar")
    User.objects.filter(email=people.SWITCHED_OFF.email).update(is_active=False, deactivated_at=at)
    log(Kind.USER_SWITCHED_OFF, people.SWITCHED_OFF.name, at, by=by, seller=seller)
    stopped = ThirdPartyAuthorization.objects.get(seller=seller, third_party__name="Reviewradar")
    details = {"cause": Cause.USER_OFF.value, "giver": people.SWITCHED_OFF.name}
    log_about(stopped, Kind.PARTY_STOPPED, at, by, **details)


def suspend(seller: Seller, name: str, at: dt.datetime, reason: str, *, leaked: bool = False) -> None:
    """Suspend a party for all sellers."""
    party = ThirdParty.objects.get(name=name)
    ThirdParty.objects.filter(pk=party.pk).update(paused_at=at, leaked_at=at if leaked else None)
    kind = Kind.PARTY_SECRET_LEAKED if leaked else Kind.PARTY_SUSPENDED
    by = Actor(user=people.user(people.ADMINISTRATOR), reason=reason)
    stopped = party.authorizations.get(seller=seller)
    log_about(stopped, kind, at, by, expires_at=stopped.expires_at.isoformat())
    log(Kind.LEAK_REPORTED if leaked else kind, name, at, by=by, target=party.client_id)
