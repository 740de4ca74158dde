"""The credentials of a seller as API Instellingen lists them: found, ordered and drawn in a fixed number of queries."""

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Min
from django.utils import timezone
from django.utils.html import escape

from accounts.models import Seller
from apicredentials.forms import CredentialSearchForm
from apicredentials.models import ClientCredential, ClientSecret
from apicredentials.models.clients import RESTORE_WINDOW
from apicredentials.models.credentials import is_unused, state_of
from apicredentials.moments import days_until
from apicredentials.templatetags.credential_tags import act_address, full_day, short_moment

# How many credentials the list of attention names; the search finds the others.
MOST = 10

State = ClientCredential.State


class Facts(NamedTuple):
    """The columns that a row shows, or that decide its place and state. A tuple costs a tenth of a model."""

    pk: int
    client_id: str
    name: str
    folded_name: str
    deleted_at: dt.datetime | None
    paused_at: dt.datetime | None
    leaked_at: dt.datetime | None
    shown_at: dt.datetime | None
    used_at: dt.datetime | None
    ends_at: dt.datetime | None
    secrets: int
    ending_secrets: int

    @property
    def state(self) -> State:
        """The same as `ClientCredential.state`."""
        works = self.secrets > self.ending_secrets or (self.ends_at is not None and self.ends_at > timezone.now())
        return state_of(self, is_revealed=bool(self.secrets), works=works)

    @property
    def restorable_until(self) -> dt.datetime | None:
        """The same as `ClientCredential.restorable_until`: rows that cannot be put back are not read."""
        return self.deleted_at and self.deleted_at + RESTORE_WINDOW

    @property
    def days_to_restore(self) -> int | None:
        return days_until(self.restorable_until) if self.restorable_until else None


@dataclass
class CredentialList:
    """The result of a search: a page of rows, a page of deleted ones, and what asks for attention."""

    seller: Seller
    search: CredentialSearchForm
    new: str
    page_size: int

    @cached_property
    def facts(self) -> list[Facts]:
        """Every credential of the seller that is present or can be put back."""
        rows = ClientCredential.objects.filter(seller=self.seller).present_or_restorable()
        columns = ("pk", "client_id", "name", "folded_name", "deleted_at", "paused_at", "leaked_at")
        secrets = {
            "shown_at": Min("secrets__created_at"),
            "used_at": Max("secrets__last_used_at"),
            "ends_at": Max("secrets__ends_at"),
            "number": Count("secrets"),
            "ending": Count("secrets__ends_at"),
        }
        rows = rows.order_by("-deleted_at", "folded_name", "pk").values_list(*columns).annotate(**secrets)
        return [Facts(*row) for row in rows]

    @cached_property
    def present(self) -> list[tuple[Facts, State, bool]]:
        """Those not deleted, with their state and whether they need attention."""
        states = [(each, each.state) for each in self.facts if each.deleted_at is None]
        return [(each, state, needs_attention(each, state)) for each, state in states]

    def load(self, page: str | None, deleted: str | None) -> dict[str, Any]:
        """Return the context of the page: the pages of these numbers, or the nearest ones."""
        attention = [facts for facts, _, needs_attention in self.present if needs_attention]
        self.search.show_counts(
            Counter(state.value for _, state, _ in self.present)
            | {"": len(self.present), self.search.ATTENTION: len(attention)}
        )
        found = [entry for entry in self.present if self.search.finds(*entry)]
        # The one that was just made comes first, whatever its name.
        found.sort(key=lambda entry: (entry[0].client_id != self.new, not entry[2]))
        gone = [facts for facts in self.facts if facts.deleted_at and self.search.names(facts)]
        credentials = self.paged([facts for facts, _, _ in found], page)
        rows = self.rows_of([*credentials, *attention[:MOST]])
        credentials.object_list = [rows[facts.pk] for facts in credentials]
        return {
            "credentials": credentials,
            "deleted_credentials": self.paged(gone, deleted),
            "attention": [rows[facts.pk] for facts in attention[:MOST]],
            "more_attention": len(attention[MOST:]),
        }

    def paged(self, facts: list[Facts], number: str | None) -> Page:
        """Return the page of that number, or the nearest one."""
        return Paginator(facts, self.page_size).get_page(number)

    def rows_of(self, credentials: list[Facts]) -> dict[int, dict[str, Any]]:
        """Return what the templates draw of these credentials, by their keys."""
        secrets = defaultdict(list)
        for secret in ClientSecret.objects.filter(client__in={facts.pk for facts in credentials}):
            secrets[secret.client_id].append(secret)
        return {facts.pk: row_of(facts, secrets[facts.pk], self.new) for facts in credentials}


def needs_attention(facts: Facts, state: State) -> bool:
    """Return whether the seller should act: the credential is leaked, or active but unused."""
    return state == State.LEAKED or (state == State.ACTIVE and is_unused(facts.shown_at, facts.used_at))


def row_of(credential: Facts | ClientCredential, secrets: list[ClientSecret], new: str = "") -> dict[str, Any]:
    """Return what the templates draw of one credential. `secrets` are all it has, the newest last.

    The id, the name and the addresses are escaped here, because a row has them many times.
    """
    live = [secret for secret in secrets if secret.is_live]
    newest = secrets[-1] if secrets else None
    shown_at = min((secret.created_at for secret in secrets), default=None)
    used_at = max((secret.last_used_at for secret in secrets if secret.last_used_at), default=None)
    state = state_of(credential, is_revealed=bool(secrets), works=bool(live))
    unused = state == State.ACTIVE and is_unused(shown_at, used_at)
    tag, label = tag_of(state, is_unused=unused, used_at=used_at)
    step = step_of(state, is_paused=credential.paused_at is not None, live=len(live))
    row = {
        "id": escape(credential.client_id),
        "name": escape(credential.name),
        "is_new": credential.client_id == new,
        "state": state.value,
        "tag": tag,
        "label": label,
        "used_at": used_at,
        "used": short_moment(used_at),
        "shown_at": shown_at,
        "newest": newest,
        "newest_on": full_day(newest.created_at) if newest else "",
        "works": bool(live),
        "leaked_at": credential.leaked_at,
        "page": escape(act_address("credential", credential.client_id)),
        "step": step,
        "step_label": "Hervatten" if step == "credential-resume" else "Nieuw secret",
        "step_page": escape(act_address(step, credential.client_id)) if step else "",
        "deletion_page": escape(act_address("credential-delete", credential.client_id)),
        "why": why_of(state, is_unused=unused, used_at=used_at, live=len(live)),
    }
    if len(live) > 1 and newest:
        old = live[0]
        row |= {"old": old, "old_in": days_until(old.ends_at) if old.ends_at else 0, "safe": old.is_safe_to_end(newest)}
    return row


def tag_of(state: State, *, is_unused: bool, used_at: dt.datetime | None) -> tuple[str, str]:
    """Return the style of the tag and its words."""
    if is_unused:
        return "warning", "90 dagen niet gebruikt" if used_at else "Nog nooit gebruikt"
    styles = {State.ACTIVE: "ok", State.PAUSED: "pause", State.LEAKED: "danger"}
    return styles.get(state, "plain"), str(state.label)


def step_of(state: State, *, is_paused: bool, live: int) -> str:
    """Return the act that the row offers beside Verwijderen. With two live secrets none: a new one would end both."""
    if state == State.WITHOUT_SECRET:
        return "credential-reveal"
    if is_paused and (state != State.LEAKED or live):
        return "credential-resume"
    return "" if live > 1 else "credential-rotate"


def why_of(state: State, *, is_unused: bool, used_at: dt.datetime | None, live: int) -> str:
    """Return which explanation the row has below it, or ''."""
    if state == State.LEAKED:
        return "leaked"
    if is_unused:
        return "idle" if used_at else "unused"
    return "two" if live > 1 and state == State.ACTIVE else ""
