"""The list above API Instellingen of what the seller should look at."""

from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime

from apicredentials.models import ThirdPartyAuthorization
from apicredentials.models.states import State


@dataclass(frozen=True)
class Attention:
    """One line: the id of its row, its state, and what to do."""

    row: str
    level: str
    state: str
    name: str
    what: str


def of_credential(row: dict[str, Any]) -> Attention:
    """Return the line of a credential that needs attention, from its row (`credential_list.row_of`)."""
    if row["why"] == "leaked":
        what = "zet het nieuwe secret in je software en hervat" if row["works"] else "maak een nieuw secret"
    elif row["why"] == "unused":
        what = "gebruik of verwijder het secret"
    else:
        what = "verwijder wat je niet meer nodig hebt"
    return Attention(f"c-{row['id']}", row["tag"], row["label"], row["name"], what)


def of_authorization(authorization: ThirdPartyAuthorization) -> Attention | None:
    """Return the line of a party, or None when there is nothing to do."""
    what = ""
    if authorization.can_be_taken_over:
        what = "neem de toestemming over"
    elif authorization.state == State.STOPPED:
        what = "koppel opnieuw"
    elif authorization.state == State.EXPIRED:
        what = "verleng, of koppel later opnieuw"
    elif authorization.is_ending_soon:
        what = f"verleng vóór {date_format(localtime(authorization.expires_at), 'j F')}"
    if not what:
        return None
    level = "warning" if authorization.is_active else "danger"
    name = authorization.third_party.name
    return Attention(f"p-{authorization.uid}", level, authorization.state_label, name, what)
