"""An older commit of the portal, measured in the same run with its own code and in a database of its own.

Its files come from `git archive` into a temporary folder, so nothing of the repository changes. What measures it (the
stand-in provider, the meters, the counter of statements) is this tree's; what is measured is all its own: migrations,
models, settings, worker and beat. It runs with the packages that this program runs with.
"""

import atexit
import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from tests.bench.versions import ROOT, Version

# What this tree's bench runs inside the older one, see their docstrings.
INSTRUMENTS: Final = ("seed_version.py", "statement_counter.py")
COUNTING: Final = "\nfrom tests.bench import statement_counter\n\nstatement_counter.install()\n"
OWN_THREADS: Final = "exports/engine/crew.py"
_chosen: list[Version] = []


def choose(commit: str) -> None:
    """Unpacks the commit and has the parts `polls` and `short_exports` measure it too.

    SystemExit with a sentence when there is no such commit here, or it has no bench.
    """
    _chosen[:] = [unpack(commit)]


def chosen() -> Version | None:
    """The version to compare with; None where none was asked for."""
    return _chosen[0] if _chosen else None


def unpack(commit: str) -> Version:
    """The commit in a temporary folder, which is removed when the program ends."""
    archive = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        raise SystemExit(f"git has no files of {commit}: {archive.stderr.decode(errors='replace').strip()}")
    folder = Path(tempfile.mkdtemp(prefix="portal-bench-landed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    bench = folder / "tests" / "bench"
    if not (bench / "settings.py").exists():
        raise SystemExit(f"The commit {commit} has no tests/bench/settings.py, so it cannot be measured.")
    for name in INSTRUMENTS:
        shutil.copy(ROOT / "tests" / "bench" / name, bench / name)
    settings = (bench / "settings.py").read_text()
    if "statement_counter" not in settings:
        (bench / "settings.py").write_text(settings + COUNTING)
    return Version(commit[:12], folder, celery_runs_steps=not (folder / OWN_THREADS).exists())
