"""`manage.py doctor` says on the line `storage` what a bucket refuses, and never the keys."""

import subprocess
import sys
from pathlib import Path

import pytest

from exports.storage.bucket.bucket import Bucket
from tests.helpers.object_store import KEYS, READER, ObjectStore
from tests.helpers.prepared_portal import copy_prepared
from tests.helpers.processes import ROOT, environment


def storage_line(data: Path, **variables: str) -> str:
    """Its line, and all that it prints has neither key."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "doctor"],
        env=environment(DATA_DIR=str(data), **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    said = ended.stdout + ended.stderr
    for keys in (KEYS, READER):
        assert keys.secret not in said
        assert keys.id not in said
    [line] = [line for line in said.splitlines() if "storage" in line.split()[:2]]
    return line


@pytest.mark.slow(seconds=6)
def test_the_line_says_what_to_do(bucket: Bucket, store: ObjectStore, tmp_path: Path, prepared: Path) -> None:
    data = tmp_path / "data"
    copy_prepared(prepared, data)
    variables = {**store.environment, "STORAGE_URL": bucket.address.text}
    good = storage_line(data, **variables)
    assert good.startswith("ok")
    assert bucket.identity in good
    reader = {"AWS_ACCESS_KEY_ID": READER.id, "AWS_SECRET_ACCESS_KEY": READER.secret}
    refused = storage_line(data, **{**variables, **reader})
    assert refused.startswith("FAIL")
    assert "operators must grant them" in refused
