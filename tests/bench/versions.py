"""The versions of the portal that are measured: this tree, and an older commit beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Version:
    """A source tree and how its worker is started.

    `celery_runs_steps`: whether Celery's pool runs the steps. In commits before that, threads of the portal's own did,
    as many as WORKER_CONCURRENCY said, and Celery's two threads only took hints.
    """

    name: str
    root: Path
    celery_runs_steps: bool = True

    def pool_arguments(self, slots: int) -> list[str]:
        """The worker's `-P` and `-c`; `slots` is the size of a prefork pool."""
        return ["-P", "prefork", "-c", str(slots)] if self.celery_runs_steps else ["-P", "threads", "-c", "2"]


CURRENT: Final = Version("portal", ROOT)
