"""Celery's own command line against an installation: what an operator would type."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from celery import Celery

from tests.helpers.broker_queues import PREFIX_VARIABLE
from tests.helpers.installation import ROOT, Installation


def celery(portal: Installation, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs `celery -A portal …` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "portal", *arguments],
        cwd=ROOT,
        env=portal.environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def inspect(portal: Installation, what: str) -> dict[str, Any]:
    """What `celery inspect …` asks and the nodes reply, by node, over the portal's broker; empty when none replies.

    From this process: the command line would load all of the portal for each question.
    """
    prefix = portal.environment.get(PREFIX_VARIABLE, "portal")
    address = portal.environment.get("CELERY_BROKER_URL", "spool://localhost")
    options: dict[str, Any] = {"global_keyprefix": f"{prefix}:"} if address.startswith("redis") else {}
    if address.startswith("spool"):
        options = {"folder": str(portal.folder / "var" / "broker")}
    asking = Celery("asking", broker=address, set_as_current=False)
    asking.conf.update(control_exchange=prefix, broker_transport_options=options)
    try:
        return getattr(asking.control.inspect(timeout=2.0), what)() or {}
    finally:
        asking.close()


class EventDump:
    """`celery events --dump` in the background, as a monitor would listen."""

    def __init__(self, portal: Installation) -> None:
        self.process = portal.start("celery", "-A", "portal", "events", "--dump")
        self.log = max(portal.folder.glob("celery-*.log"), key=lambda path: int(path.stem.rpartition("-")[2]))

    def lines(self) -> list[str]:
        """Everything it has printed."""
        return Path(self.log).read_text(errors="replace").splitlines()

    def received(self) -> Counter[tuple[str, str]]:
        """How many tasks were received, by node and task."""
        found: Counter[tuple[str, str]] = Counter()
        for line in self.lines():
            head, _, rest = line.partition(" task received: ")
            if rest:
                found[head.split(" ")[0], rest.split("(")[0]] += 1
        return found
