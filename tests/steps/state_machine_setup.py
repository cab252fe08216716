"""The setting of `state_machine`: the cast, a clock that moves only when it is shifted, the scripted provider."""

import shutil
from datetime import UTC, datetime
from typing import Final

import pytest
import time_machine
from django.conf import settings

from exports import clock
from exports.credentials import service
from exports.providers import registry
from exports.queue import circuit_breaker
from exports.steps import file_source
from tests.helpers.cast import Cast
from tests.steps.scripted_provider import ScriptedProvider, open_link

START_TIME: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class StateMachineSetup:
    """What all runs share: the cast, the clock and the provider. `rare_events_seen`: the rare events of all runs."""

    def __init__(self, cast: Cast, time: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cast, self.time = cast, time
        self.provider = ScriptedProvider()
        self.rare_events_seen: set[str] = set()
        monkeypatch.setitem(registry.PROVIDERS, ScriptedProvider.slug, self.provider)
        monkeypatch.setattr(clock, "monotonic", lambda: clock.now().timestamp())
        monkeypatch.setattr(file_source, "open_url", lambda *given, **more: open_link(self.provider))
        credential = service.create_credential(
            cast.team,
            cast.owner.user,
            provider=ScriptedProvider.slug,
            name="scripted",
            secrets={"token": "a-token-of-nobody"},
        )
        self.projects = [cast.project("scripted", remote_id=name, credential=credential) for name in ("one", "two")]

    def reset(self) -> None:
        """Restores the state before the first event."""
        self.provider.__init__()  # type: ignore[misc]
        circuit_breaker._unanswered.clear()
        self.time.move_to(START_TIME, tick=False)
        for folder in ("parts", "files"):
            shutil.rmtree(settings.DATA_DIR / folder, ignore_errors=True)
