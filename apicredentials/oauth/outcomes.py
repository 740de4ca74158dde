"""Counting the outcome of token requests, for the seller and for the throttle."""

from apicredentials.models.usage import ProblemCause, Use
from apicredentials.oauth import counting
from apicredentials.oauth.throttle import TooManyFailures, count_failure
from apicredentials.oauth.token_requests import MachineRequest


def count_token(request: MachineRequest, subject: str) -> None:
    """Count a token issued to a client (by its client_id) or for an authorisation (by its uid)."""
    counting.count(subject, Use.TOKEN_REQUEST, address=request.address, agent=request.agent)


def count_problem(request: MachineRequest, subject: str, cause: ProblemCause, right: str = "") -> None:
    """Count a refusal for the seller only."""
    counting.count(subject, cause, right=right, address=request.address, agent=request.agent)


def count_failed(request: MachineRequest, client_id: str, subject: str, cause: ProblemCause | None) -> None:
    """Count a refusal for the throttle and, if it has a cause, for the seller.

    Raises TooManyFailures. Then that is counted instead of the cause, because it is what the client reads.
    """
    try:
        count_failure(request.address, client_id)
    except TooManyFailures:
        count_problem(request, subject, ProblemCause.TOO_MANY_ATTEMPTS)
        raise
    if cause:
        count_problem(request, subject, cause)
