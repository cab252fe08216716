"""The stand-ins go on with the jobs of a state file that an earlier version wrote, so a demo survives an upgrade."""

import json
from pathlib import Path

from exports.sandbox.registry import STAND_INS
from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES


def test_a_job_is_known_by_the_former_names_of_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "stand-ins.json"
    with Sandbox(time_scale=1.0, limits="off") as before:
        before.state.save(path)
    kept = json.loads(path.read_text())
    kept["jobs"]["jobs"] = [
        {
            "provider": ARCHIVES,
            "project": "100001",
            "id": "359850564",
            "kind": "archive",
            "format": "zip",
            "options": {},
            "made_at": 1795985058.5,
            "seconds": 10.0,
            "file_bytes": None,
            "ending": "truncated",
            "twist": {"bytes": 10},
            "rule": 0,
            "extra": {},
        }
    ]
    path.write_text(json.dumps(kept))
    with Sandbox(time_scale=1.0, limits="off") as after:
        after.state.load(path)
        [job] = after.state.jobs.snapshot()["jobs"]
    assert (job["id"], job["fault_details"]) == ("359850564", {"bytes": 10})


def test_a_stand_in_may_have_come_since_or_gone(tmp_path: Path) -> None:
    path = tmp_path / "stand-ins.json"
    with Sandbox(limits="off", stand_ins=STAND_INS[:2]) as before:
        before.state.save(path)
    with Sandbox(limits="off", stand_ins=STAND_INS[1:], state_file=path) as after:
        assert list(after.state.services) == [one.declaration.slug for one in STAND_INS[1:]]
