"""How long `up --prepare` takes from the version before, with so many ended exports.

`python -m tests.deploy.measure_prepare 100000`, on a new database of TEST_DATABASE_URL's server. Prints seconds on the
clock and of processor time.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psycopg

from tests.deploy.versions import migrate_as, unpack_previous
from tests.helpers.processes import ROOT, environment
from tests.helpers.roles import TABLES
from tests.helpers.servers import DATABASE, database_at

EXPORTS: Final = """
    INSERT INTO exports_export (team_id, project_id, user_id, trigger, type, format, options, options_key, status, step,
        provider_status, messages, error_code, error_message, error_action, remote_id, created_at,
        finished_at, deadline_at, fence, may_ask_again, baseline, memo, encrypted_link, search_attempts,
        consecutive_failures, unreadable_answers, polls, crash_count, refetches, largest_part_bytes, late_answers,
        needed_bytes, last_error_code, reserved, polls_alone, wake_requested, wait_note)
    SELECT t.id, p.id, u.id, 'api', 'orders', 'csv', '{}', 'k', 'canceled', 'none', '', '[]', '', '', '', 'r' || n,
        now(), now(), now(), 3, true, '{"last": 1}', '{}', '', 0, 0, 0, 5, 0, 0, 0, 0, 0, '', false, false, false, ''
    FROM generate_series(1, %s) n, exports_team t, exports_user u, exports_project p
"""
OWNED: Final = f"""
    INSERT INTO exports_credential (team_id, provider, name, origin, created_at, encrypted_secrets, dialect,
        encrypted_grant, last_error)
    SELECT id, '{TABLES}', 'one', '', now(), '{{}}', '', '', '' FROM exports_team;
    INSERT INTO exports_project (team_id, credential_id, remote_id, name, created_at)
    SELECT team_id, id, '1', 'one', now() FROM exports_credential
"""  # noqa: S608 - the slug of a provider


def main(exports: int) -> None:
    """Measures once."""
    with tempfile.TemporaryDirectory() as folder, database_at(DATABASE) as address:
        env = environment(DATA_DIR=f"{folder}/data", DATABASE_URL=address, DJANGO_SETTINGS_MODULE="portal.settings")
        before = unpack_previous(Path(folder) / "before")
        migrate_as(before, env)
        with psycopg.connect(address) as database:
            database.execute(OWNED)
            database.execute(EXPORTS, [exports])
        for name in ("first", "again"):
            began, used = time.monotonic(), os.times()
            subprocess.run([sys.executable, "manage.py", "up", "--prepare"], cwd=ROOT, env=env, check=True)
            ended = os.times()
            processor = ended.children_user + ended.children_system - used.children_user - used.children_system
            print(f"{exports} exports, {name}: {time.monotonic() - began:.1f} s, {processor:.1f} s of processor time")


if __name__ == "__main__":
    main(int(sys.argv[1]))
