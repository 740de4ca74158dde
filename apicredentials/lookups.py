"""Look-up of sellers, users, clients and authorisations by any identifier that an operator was given."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched, islice
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.email_addresses import account_address
from accounts.models import Seller, User
from apicredentials import names
from apicredentials.keys import secret_format
from apicredentials.keys.hash_keys import digest
from apicredentials.models import Activity, ClientCredential, ClientSecret, ThirdParty
from apicredentials.models.authorizations import ThirdPartyAuthorization
from apicredentials.models.leak_reports import find_secrets
from apicredentials.models.usage import ProblemGroup, Usage, grouped
from apicredentials.oauth.authentication import CLIENT_ID

# Problems and log rows of this period are shown.
PERIOD = dt.timedelta(hours=48)
# A hint or a part of a name may match many rows; a longer list would not help.
MAXIMUM_FOUND = 50
# Log rows per match, the newest first.
MAXIMUM_ACTIVITIES = 20
BATCH_SIZE = 500

type Subject = Seller | User | ClientCredential | ThirdParty | ThirdPartyAuthorization


@dataclass
class Match:
    """One row that was found: its kind, owner, state and cause, and the problems and log rows of PERIOD.

    `remedy` is the next step for the seller, in Dutch; empty when it works.
    """

    subject: Subject
    kind: str
    id: str
    name: str
    seller: str | None
    state: str
    cause: str | None
    since: dt.datetime | None
    last_used_at: dt.datetime | None
    remedy: str = ""
    problems: list[ProblemGroup] = field(default_factory=list)
    activity: list[Activity] = field(default_factory=list)


def look_up(what: str, *, at_most: int | None = None) -> list[Match]:
    """Return the matches of a Client ID, authorisation id, seller number, address, hint, secret or part of a name.

    A seller or an address also returns the seller's users, credentials and authorisations; a party also returns its
    authorisations. A secret is hashed before the query.
    """
    subjects = dict.fromkeys(islice(find(what.strip()), at_most))
    matches = {subject: match_of(subject) for subject in subjects}
    add_problems(matches)
    add_activity(matches)
    return list(matches.values())


def find(what: str) -> Iterator[Subject]:
    """Yield the rows that `what` identifies, each followed by the rows that belong to it."""
    if secret_format.is_well_formed(what):
        yield from clients_of(find_secrets([digest(what)]))
    elif CLIENT_ID.fullmatch(what.lower()):
        yield from by_id(what.lower())
    elif "@" in what:
        yield from by_address(what)
    elif what:
        yield from by_number_or_name(what)


def by_id(uid: str) -> Iterator[Subject]:
    yield from ClientCredential.objects.filter(client_id=uid).select_related("seller").prefetch_related("secrets")
    for party in ThirdParty.objects.filter(client_id=uid).prefetch_related("secrets"):
        yield party
        yield from ThirdPartyAuthorization.objects.filter(third_party=party).with_parties()
    yield from ThirdPartyAuthorization.objects.filter(uid=uid).with_parties()


def by_address(address: str) -> Iterator[Subject]:
    address = account_address(address)
    users = User.objects.filter(email=address)
    yield from users
    sellers = Q(memberships__user__in=users) | Q(technical_contact__email__iexact=address)
    yield from with_belongings(Seller.objects.filter(sellers).distinct())


def by_number_or_name(what: str) -> Iterator[Subject]:
    name = Q(display_name__icontains=what) | Q(company_name__icontains=what)
    yield from with_belongings(Seller.objects.filter(Q(retailer_id=what) | name)[:MAXIMUM_FOUND])
    yield from ThirdParty.objects.filter(folded_name__contains=names.fold(what)).prefetch_related("secrets")
    if len(what) == 4:
        yield from clients_of(ClientSecret.objects.filter(hint=what).select_related("client")[:MAXIMUM_FOUND])


def with_belongings(sellers: Iterable[Seller]) -> Iterator[Subject]:
    for seller in sellers:
        yield seller
        yield from User.objects.filter(memberships__seller=seller)
        credentials = ClientCredential.objects.filter(seller=seller).select_related("seller")
        yield from credentials.prefetch_related("secrets")
        yield from ThirdPartyAuthorization.objects.for_seller(seller).with_parties()


def clients_of(secrets: Iterable[ClientSecret]) -> Iterator[Subject]:
    for secret in secrets:
        yield from by_id(secret.client.client_id)


# ---- Descriptions of the rows -------------------------------------------------------------------------------


def match_of(subject: Subject) -> Match:
    """Return the match of a row, without its problems and log rows."""
    match subject:
        case Seller():
            state = "open" if subject.is_open else "closed"
            number, name = subject.retailer_id, subject.display_name
            return Match(subject, "seller", number, name, number, state, None, subject.closed_at, None)
        case User():
            state = "active" if subject.is_active else "off"
            return Match(subject, "user", subject.email, str(subject), None, state, None, subject.deactivated_at, None)
        case ClientCredential():
            return of_credential(subject)
        case ThirdParty():
            return of_party(subject)
    return of_authorization(subject)


def of_credential(credential: ClientCredential) -> Match:
    seller = credential.seller.retailer_id if credential.seller else None
    states = ClientCredential.State
    since = {
        states.PAUSED: credential.paused_at,
        states.LEAKED: credential.leaked_at,
        states.DELETED: credential.deleted_at,
    }
    state, used_at = credential.state, credential.last_used_at
    number, name = credential.client_id, credential.name
    return Match(credential, "credential", number, name, seller, state, None, since.get(state), used_at)


def of_party(party: ThirdParty) -> Match:
    state = "suspended" if party.paused_at else "active"
    cause = ("secret_leaked" if party.is_stopped_by_leak else "suspended") if party.paused_at else None
    since = party.leaked_at if party.is_stopped_by_leak else party.paused_at
    return Match(party, "third_party", party.client_id, party.name, None, state, cause, since, party.last_used_at)


def of_authorization(authorization: ThirdPartyAuthorization) -> Match:
    return Match(
        subject=authorization,
        kind="authorization",
        id=authorization.uid,
        name=authorization.third_party.name,
        seller=authorization.seller.retailer_id,
        state=authorization.state,
        cause=authorization.cause,
        since=authorization.state_since,
        last_used_at=authorization.last_used_at,
        remedy=authorization.remedy,
    )


def add_problems(matches: dict[Subject, Match]) -> None:
    """Add the refusals of PERIOD, in a query per BATCH_SIZE matches."""
    for some in batched((match for match in matches.values() if match.kind not in {"seller", "user"}), BATCH_SIZE):
        rows: dict[str, list[Usage]] = {}
        refused = Usage.objects.refused().since(timezone.now() - PERIOD)
        for row in refused.filter(subject__in=[match.id for match in some]):
            rows.setdefault(row.subject, []).append(row)
        for match in some:
            match.problems = grouped(rows.get(match.id, []))


def add_activity(matches: dict[Subject, Match]) -> None:
    """Add the log of PERIOD: every row of a seller or user; of any other object the rows with it as `target`."""
    recent = Activity.objects.filter(at__gte=timezone.now() - PERIOD)
    by_target: dict[str, Match] = {}
    for subject, match in matches.items():
        if isinstance(subject, Seller):
            match.activity = list(recent.filter(seller=subject)[:MAXIMUM_ACTIVITIES])
        elif isinstance(subject, User):
            match.activity = list(recent.filter(user=subject)[:MAXIMUM_ACTIVITIES])
        else:
            by_target[match.id] = match
    for some in batched(by_target, BATCH_SIZE):
        for row in recent.filter(target__in=[UUID(uid) for uid in some]):
            found = by_target[str(row.target)].activity
            if len(found) < MAXIMUM_ACTIVITIES:
                found.append(row)
