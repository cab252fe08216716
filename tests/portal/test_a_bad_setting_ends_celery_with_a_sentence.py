"""`celery -A portal …` says in one sentence what is wrong in the environment, without a traceback or a secret."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT, environment


@pytest.mark.parametrize("url", ["http://example.org", "redis://:hidden@host:99999/0", "redis://a;amqp://b"])
def test_a_broker_that_cannot_be_used_is_named(tmp_path: Path, url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "portal", "worker"],
        cwd=ROOT,
        env=environment(DATA_DIR=str(tmp_path), CELERY_BROKER_URL=url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("CELERY_BROKER_URL cannot be read: give redis://")
    assert "Traceback" not in ended.stderr
    assert "hidden" not in ended.stderr
