"""Starts real processes for tests, and waits for them."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    """The environment for a program of ours, without what the test run itself has set for the portal."""
    ours = {"DJANGO_SETTINGS_MODULE", "DATA_DIR", "DATABASE_URL", "CELERY_BROKER_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


class Program:
    """A running Python program whose output goes to a file."""

    def __init__(self, log: Path, *arguments: str, env: Mapping[str, str], cwd: Path = ROOT) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], env=env, cwd=cwd, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        """All it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str, seconds: float = 60) -> str:
        """Wait until it has printed the words; AssertionError when it ends or takes longer."""
        wait_until(lambda: words in self.output() or self.process.poll() is not None, seconds, self.output)
        assert words in self.output(), self.output()
        return self.output()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, seconds: float = 30) -> int:
        """Wait for its end; returns the exit code."""
        return self.process.wait(timeout=seconds)

    def descendants(self) -> list[psutil.Process]:
        """Everything that it has started, directly or not."""
        return psutil.Process(self.pid).children(recursive=True)

    def descendant(self, words: str) -> psutil.Process:
        """The first descendant with the words in its command line."""
        for found in self.descendants():
            with contextlib.suppress(psutil.NoSuchProcess):
                if words in " ".join(found.cmdline()):
                    return found
        raise AssertionError(f"no process with {words!r} below {self.pid}")

    def destroy(self) -> None:
        """Kill it and everything below it, for the end of a test."""
        if self.process.poll() is None:
            for found in [psutil.Process(self.pid), *self.descendants()]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    found.kill()
            self.process.wait(timeout=10)


def wait_until(true: Callable[[], object], seconds: float = 60, story: Callable[[], str] = str) -> None:
    """Wait until the condition holds; AssertionError with the story when it takes longer."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {story()}"
        time.sleep(0.05)


def all_ended(processes: list[psutil.Process]) -> bool:
    """Whether none of these processes runs any more (a zombie does not)."""
    return not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
