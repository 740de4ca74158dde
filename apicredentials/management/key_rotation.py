"""Base class of the commands that rotate keys."""

import datetime as dt
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import Actor
from apicredentials.keys import keyring
from apicredentials.management.base import PortalCommand


class KeyRotationCommand(PortalCommand):
    """Adds a key that comes into use after every process has had time to load it."""

    setting: str
    starts_after_seconds: int
    needed_seconds: float

    def new_entry(self, starts_at: int, **options: Any) -> str:
        """Return a new key in the notation of the setting."""
        raise NotImplementedError

    def act(self, *, by: Actor, **options: Any) -> dict[str, Any]:
        starts_at = int(time.time()) + self.starts_after_seconds
        entry = self.new_entry(starts_at, **options)
        try:
            text = keyring.rotate(self.setting, entry, needed_seconds=self.needed_seconds)
        except OSError as error:
            raise CommandError(f"{self.setting}_FILE: {error.strerror}: {error.filename!r}.") from error
        path = getattr(settings, f"{self.setting}_FILE")
        return {
            "key_id": entry.partition("@")[0],
            "starts_at": dt.datetime.fromtimestamp(starts_at, dt.UTC),
            "file": path or None,
            "environment": None if path else f"{self.setting}={text}",
        }

    def lines(self, data: dict[str, Any]) -> Iterable[str]:
        moment = timezone.localtime(data["starts_at"]).strftime("%Y-%m-%d %H:%M:%S %Z")
        if data["file"]:
            return [f"{data['key_id']} is in {data['file']} and is used from {moment}."]
        return [
            f"# Put this line in the environment, and restart every process before {moment}:",
            data["environment"],
        ]
