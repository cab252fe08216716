"""What the events of `events` happen in: the cast, a clock that stands still until told, and the scripted provider."""

import shutil
from datetime import UTC, datetime
from typing import Final

import pytest
import time_machine
from django.conf import settings

from exports.engine import clock, keep, outage
from exports.engine import fetch as fetching
from exports.providers import registry
from tests.cast import Cast
from tests.engine.scripted import Script, open_link

BEGIN: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class World:
    """What stays the same from one order of events to the next: the cast, a clock that stands still, the provider."""

    def __init__(self, cast: Cast, time: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cast, self.time = cast, time
        self.script = Script()
        self.reached: set[str] = set()
        monkeypatch.setitem(registry.PROVIDERS, Script.slug, self.script)
        monkeypatch.setattr(clock, "ticks", lambda: clock.now().timestamp())
        monkeypatch.setattr(fetching, "open_link", lambda *given: open_link(self.script))
        credential = keep.create_credential(
            cast.team, cast.owner.user, provider=Script.slug, name="scripted", secrets={"token": "a-token-of-nobody"}
        )
        self.projects = [cast.project("scripted", remote_id=name, credential=credential) for name in ("one", "two")]

    def begin(self) -> None:
        """Everything as it was before the first event."""
        self.script.__init__()  # type: ignore[misc]
        outage._silent.clear()
        self.time.move_to(BEGIN, tick=False)
        for folder in ("parts", "files"):
            shutil.rmtree(settings.DATA_DIR / folder, ignore_errors=True)
