"""Checks everything the portal depends on, and says what to do about what fails."""

import sys
from typing import Any, Final

from exports.management.translated_command import TranslatedCommand
from exports.metrics import health
from exports.sentences import translated

# In the order in which one sees to them.
ORDER: Final = (
    *("database", "migrations", "mode", "broker", "worker", "beat"),
    *("storage", "disk", "keys", "clock", "egress", "providers", "mail"),
)
WAIT_SECONDS: Final = 15.0


class Command(TranslatedCommand):
    """Exit codes: 0 all well, 1 something is not."""

    help = (
        "Checks database, migrations, broker, worker, beat, storage, disk, keys, clock, the way out, providers, "
        "and mail."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012

    def handle(self, *args: Any, **options: Any) -> None:
        results = health.run_checks(health.ALL, WAIT_SECONDS)
        for result in sorted(results, key=lambda result: ORDER.index(result.name)):
            mark = "ok" if result.ok else "FAIL"
            if result.detail:
                self.stdout.write(f"{mark:<4}  {result.name:<10}  {translated(result.detail)}")
        self.stdout.flush()
        sys.exit(0 if all(result.ok for result in results) else 1)
