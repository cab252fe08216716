"""Two versions of the portal on one database: this one, and the one before as the clone's history has it."""

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pytest

from tests.helpers.prepared_portal import SCRIPT
from tests.helpers.processes import ROOT


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else b""


def _commit(name: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()


def previous_commit() -> str:
    """The version before: PREVIOUS_VERSION, else the newest tag, else the commit before the newest migration.

    Skips the test where the history is not there.
    """
    newest = max((ROOT / "exports" / "migrations").glob("[0-9]*.py")).relative_to(ROOT)
    tag = _git("describe", "--tags", "--abbrev=0", "HEAD^").decode().strip()
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest)).decode().strip()
    for name in (os.environ.get("PREVIOUS_VERSION", ""), tag, f"{added or 'HEAD'}^"):
        if name and (commit := _commit(name)):
            return commit
    pytest.skip("The clone has no history, so the version before is not known: it was not run.")


def unpack_previous(folder: Path) -> Path:
    """The tree of the version before, in a folder."""
    with tarfile.open(fileobj=BytesIO(_git("archive", previous_commit()))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def migrate_as(root: Path, environment: Mapping[str, str]) -> str:
    """Migrates an empty database as that version does, and makes a team with an owner; the owner's token."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "migrate", "--verbosity", "0"],
        cwd=root, env={**environment, "PYTHONPATH": str(root)}, input="a long enough one\n",
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("token ")[2].strip()


class Part:
    """One process of the portal, which can be restarted as another version of itself."""

    def __init__(self, folder: Path, environment: dict[str, str], *arguments: str) -> None:
        self.arguments, self.environment = arguments, environment
        self.log = folder / f"{arguments[0]}-{id(self)}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.root = ROOT

    def start(self, root: Path) -> None:
        self.root = root
        environment = {**self.environment, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=root, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def stop(self, seconds: float = 60) -> None:
        """Stops it in order, as a restart does. A beat of the version before that does not end is killed."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                # It can lock itself out of the database where the signal comes during a query. systemd kills it, too.
                if self.root == ROOT or "beat" not in self.arguments:
                    raise
                self.kill()
            self.process = None

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


def output_of(parts: Sequence[Part]) -> str:
    """What the parts printed."""
    return "\n".join(f"--- {part.arguments}\n{part.log.read_text(errors='replace')[-2000:]}" for part in parts)
