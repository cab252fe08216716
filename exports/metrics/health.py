"""Checks everything that the portal depends on, each within a bounded time: for `/readyz` and `manage.py doctor`."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db import DatabaseError, InterfaceError, connections

from exports.metrics import health_checks
from exports.metrics.health_checks import CheckFailed

# How long a caller waits. Checks that have their own limit end before.
WAIT_SECONDS: Final = 5.0
Checks = Mapping[str, Callable[[], str]]

# What needs the database is checked on one connection, one after the other; what the others need, side by side.
DATABASE_CHECKS: Final[Checks] = {
    "database": health_checks.database,
    "migrations": health_checks.migrations,
    "keys": health_checks.some_keys,
    "worker": health_checks.worker,
    "beat": health_checks.beat,
}
READY: Final = (DATABASE_CHECKS, {"storage": health_checks.storage}, {"broker": health_checks.broker})
ALL: Final = (
    {**DATABASE_CHECKS, "keys": health_checks.keys, "providers": health_checks.providers, "clock": health_checks.clock},
    {"mode": health_checks.mode, "broker": health_checks.broker},
    {"storage": health_checks.storage},
    {"disk": health_checks.disk},
    {"egress": health_checks.egress},
    {"mail": health_checks.mail},
)
# Without these a web process answers nothing, so it takes no requests. Without the others work waits, and pages go on.
NEEDED_TO_BE_READY: Final = frozenset({"database", "migrations", "keys", "storage"})


@dataclass(frozen=True)
class CheckResult:
    """`detail`: words about what is well, or what is wrong and what to do about it. No secrets."""

    name: str
    ok: bool
    detail: str


@dataclass
class _Round:
    """Checks that run in a thread of their own. One that hangs leaves the results of those before it."""

    checks: Checks
    results: dict[str, CheckResult] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        try:
            for name, check in self.checks.items():
                self.results[name] = _run(name, check)
        finally:
            # The connection is this thread's own.
            connections.close_all()
            self.done.set()

    def result_of(self, name: str) -> CheckResult:
        if (result := self.results.get(name)) is not None:
            return result
        seconds = time.monotonic() - self.since
        return CheckResult(name, False, f"No answer for {seconds:.0f} s: check that it runs and can be reached.")


_rounds: dict[int, _Round] = {}
_lock = threading.Lock()


def run_checks(groups: Iterable[Checks], seconds: float = WAIT_SECONDS) -> list[CheckResult]:
    """Runs the checks of each group one after the other, the groups side by side. Returns after `seconds` at most.

    A group that still hangs from an earlier call is not begun again, so there is never more than one thread for each.
    """
    rounds = [_begin(checks) for checks in groups]
    ends = time.monotonic() + seconds
    for one in rounds:
        one.done.wait(max(ends - time.monotonic(), 0.0))
    return [one.result_of(name) for one in rounds for name in one.checks]


def is_ready(results: Iterable[CheckResult]) -> bool:
    """Whether a process may be sent requests."""
    return all(result.ok for result in results if result.name in NEEDED_TO_BE_READY)


def _begin(checks: Checks) -> _Round:
    with _lock:
        one = _rounds.get(id(checks))
        if one is None or one.done.is_set():
            one = _rounds[id(checks)] = _Round(checks)
            threading.Thread(target=one.run, name="health", daemon=True).start()
        return one


def _run(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(name, True, check())
    except CheckFailed as failure:
        return CheckResult(name, False, str(failure))
    except (DatabaseError, InterfaceError):
        return CheckResult(name, False, "Unknown: first see to the database.")
    except Exception as error:
        # A check that breaks says so; the others go on.
        return CheckResult(name, False, f"The check itself failed ({type(error).__name__}).")
