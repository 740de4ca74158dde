"""Explains an id, number, address, hint or secret that an operator was given."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apicredentials.lookups import Match, look_up
from apicredentials.management.base import PortalCommand, standard_input
from apicredentials.models import Activity
from apicredentials.models.usage import ProblemGroup
from apicredentials.moments import moment


class Command(PortalCommand):
    help = (
        "Explain a Client ID, seller number, e-mail address, last four characters of a secret, part of a shop's name, "
        "or a secret on standard input: what it is, whose, its state and why, when it was last used, and the problems "
        "and the log of the last 48 hours. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", metavar="WHAT", help="What to explain; - reads it from standard input.")

    def act(self, *, what: str, **options: Any) -> dict[str, Any]:
        if what == "-":
            what = standard_input().readline().strip("\ufeff \t\r\n")
        matches = look_up(what)
        if not matches and not options["json"]:
            raise CommandError("Nothing fits that.")
        return {"matches": [describe(match) for match in matches] if options["json"] else matches}

    def lines(self, data: dict[str, Any]) -> Iterable[str]:
        for match in data["matches"]:
            yield from lines_about(match)


def lines_about(match: Match) -> Iterator[str]:
    """Yield the lines about a match; the advice is in Dutch, as shown to the seller."""
    whose = f" of seller {match.seller}" if match.seller and match.kind != "seller" else ""
    yield f"{match.kind} {match.id} '{match.name}'{whose}"
    since = f" since {moment(match.since)}" if match.since else ""
    yield f"  state: {match.state}{f' ({match.cause})' if match.cause else ''}{since}"
    if match.remedy:
        yield f"  remedy: {match.remedy}"
    yield f"  last used: {moment(match.last_used_at) if match.last_used_at else 'never'}"
    for problem in match.problems:
        last = " ".join(filter(None, [moment(problem.last_at), problem.address, problem.agent]))
        yield f"  problem: {problem.cause}, {problem.count} times, last {last}"
        yield f"    remedy: {problem.sentence} {problem.remedy}"
    for row in match.activity:
        reason = f", reason: {row.reason}" if row.reason else ""
        yield f"  log: {moment(row.at)} {row.get_kind_display()} by {row.actor_name}{reason}"


def describe(match: Match) -> dict[str, Any]:
    return {
        "kind": match.kind,
        "id": match.id,
        "name": match.name,
        "seller": match.seller,
        "state": match.state,
        "cause": match.cause,
        "since": match.since,
        "last_used_at": match.last_used_at,
        "problems": [describe_problem(problem) for problem in match.problems],
        "activity": [describe_activity(row) for row in match.activity],
    }


def describe_problem(problem: ProblemGroup) -> dict[str, Any]:
    return {
        "cause": problem.cause.value,
        "first_at": problem.first_at,
        "last_at": problem.last_at,
        "count": problem.count,
        "address": problem.address,
        "agent": problem.agent,
    }


def describe_activity(row: Activity) -> dict[str, Any]:
    return {"at": row.at, "what": row.get_kind_display(), "by": row.actor_name, "reason": row.reason}
