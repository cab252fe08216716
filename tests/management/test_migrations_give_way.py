"""While a page reads a table, a migration of it waits a moment, lets others read meanwhile, and begins again."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.helpers.processes import ROOT, environment
from tests.helpers.servers import DATABASE, database_at

BEFORE = "0021_columns_of_accounts"
# Pages give up after 4 s.
LONGEST_READ_SECONDS = 3.5


def waits_for_the_table(database: "psycopg.Connection[tuple[object, ...]]") -> bool:
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'exports_team'::regclass"
    return database.execute(waiting).fetchone() is not None


@pytest.mark.services
@pytest.mark.slow(seconds=30)
@pytest.mark.timeout(300)
def test_a_migration_that_finds_its_table_in_use_lets_others_read_and_begins_again(tmp_path: Path) -> None:
    with database_at(DATABASE) as address:
        env = environment(DATA_DIR=str(tmp_path), DATABASE_URL=address)
        migrate = [sys.executable, "manage.py", "migrate", "exports", BEFORE, "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=env, check=True, timeout=200)
        with psycopg.connect(address) as page, psycopg.connect(address, autocommit=True) as other:
            page.execute("SELECT count(*) FROM exports_team")
            command = [sys.executable, "manage.py", "up", "--prepare"]
            prepare = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
            seen, reads, ends = 0, list[float](), time.monotonic() + 120
            while seen < 3 and prepare.poll() is None and time.monotonic() < ends:
                waited = waits_for_the_table(other)
                began = time.monotonic()
                other.execute("SELECT count(*) FROM exports_team")
                reads += [time.monotonic() - began] * waited
                seen += waited
            assert prepare.poll() is None
            page.commit()
        assert prepare.communicate(timeout=120)[0].startswith("database:")
        assert prepare.returncode == 0
        assert len(reads) >= 3
        assert max(reads) < LONGEST_READ_SECONDS
