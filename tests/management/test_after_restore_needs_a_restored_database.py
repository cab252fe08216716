"""`after_restore` without the settings of the portal that was restored prepares no database of its own."""

import subprocess
import sys
from pathlib import Path

from tests.helpers.processes import ROOT, environment


def test_no_database_is_made(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "after_restore"],
        cwd=ROOT,
        env=environment(DATA_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: There is no database at ")
    assert not list(tmp_path.glob("*.sqlite3*"))
