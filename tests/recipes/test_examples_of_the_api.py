"""The calls that docs/using.md shows work as they stand there, but for the address and the numbers."""

import json
from pathlib import Path

import pytest

from tests.helpers.documented_blocks import blocks_of, need_programs, run_shell
from tests.helpers.installation import Installation
from tests.helpers.processes import ROOT


@pytest.mark.slow(seconds=15)
def test_the_documented_calls_run_show_and_download_an_export(
    portal: Installation, environment: dict[str, str], tmp_path: Path
) -> None:
    need_programs("curl")
    (block,) = (block for block in blocks_of(ROOT / "docs" / "using.md") if block.attributes.get("run") == "api")
    text = block.text.replace("http://127.0.0.1:8000", environment["PORTAL"])
    create, show, download = text.replace("/projects/4/", f"/projects/{environment['PROJECT']}/").split("\ncurl")
    created = json.loads(run_shell(create, tmp_path, environment).stdout)
    portal.wait_until_ended(created["id"])
    shown = json.loads(run_shell(f"curl{show}".replace("/17", f"/{created['id']}"), tmp_path, environment).stdout)
    assert (shown["id"], shown["status"]) == (created["id"], "succeeded")
    done = run_shell(f"curl{download}".replace("/17", f"/{created['id']}"), tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / shown["file"]["name"]).stat().st_size == shown["file"]["size"]
