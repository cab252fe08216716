"""A machine without /usr/share/zoneinfo, as small images are: time zones come from the package tzdata."""

import subprocess
import sys

from tests.helpers.processes import ROOT, environment

SCRIPT = """
import zoneinfo
assert not zoneinfo.TZPATH
import django
django.setup()
from datetime import datetime, timezone
from exports.web.time_zone_field import *
summer = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
print(summer.astimezone(zoneinfo.ZoneInfo("Europe/Paris")).hour, "America/New_York" in zoneinfo.available_timezones())
"""


def test_time_zones_are_known(tmp_path: object) -> None:
    env = environment(DATA_DIR=str(tmp_path), PYTHONTZPATH="", DJANGO_SETTINGS_MODULE="portal.settings")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "14 True"), done.stderr
