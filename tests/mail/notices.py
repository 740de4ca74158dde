"""Runs of `send_notices`, and the subjects of the mails that they send."""

import datetime as dt
import json
from collections import Counter
from io import StringIO

from django.core import mail
from django.core.management import call_command

from tests.mail.conftest import CONTACT, OWNER

DAY = dt.timedelta(days=1)
WEEK = 7 * DAY


def send_notices(*arguments: str) -> dict[str, int]:
    out = StringIO()
    call_command("send_notices", "--json", *arguments, stdout=out)
    answer: dict[str, int] = json.loads(out.getvalue())
    return answer


def subjects_sent() -> list[str]:
    """Run `send_notices` and return the subjects mailed to the owner; the contact must get the same mails."""
    send_notices()
    subjects = [str(message.subject) for message in mail.outbox if message.to == [OWNER]]
    assert Counter(subjects) == Counter(str(message.subject) for message in mail.outbox if message.to == [CONTACT])
    mail.outbox.clear()
    return subjects
