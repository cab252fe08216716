"""Every message is lost while a thousand exports are reserved: each is taken up again, and none is asked for twice."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.helpers.broker_queues import PREFIX_VARIABLE, empty_queues
from tests.helpers.installation import Installation, installation, wait_for
from tests.helpers.roles import TABLES
from tests.helpers.servers import DATABASE, servers_environment
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(300)]

RUNNING, NEW = range(1_001, 1_901), range(2_001, 2_101)
# Copies an export, which waits, under the numbers above: jobs that run, and requests of a project each.
COPY_SQL = """
    INSERT INTO exports_{table} ({columns}) SELECT {values} FROM exports_{table}
    CROSS JOIN generate_series({first}, {last}) AS number WHERE exports_{table}.id = {like}
"""


@pytest.fixture
def provider() -> Iterator[StubServer]:
    """Answers as the provider: the jobs of `RUNNING` run, and each project of `NEW` takes requests."""
    with run_stub_server() as stub:
        for number in (*RUNNING, *NEW):
            project = 4001 if number in RUNNING else number
            job = {"id": number, "project_id": project, "type": "orders", "format": "csv", "status": "processing"}
            stub.on(f"GET /v1/exports/{number}", Reply(body=job))
            stub.on(f"GET /v1/projects/{project}/exports", Reply(body={"exports": [], "meta": {}}))
            stub.on(f"POST /v1/projects/{project}/exports", Reply(201, body=job))
        yield stub


@pytest.fixture(params=["redis", "rabbitmq"])
def portal(
    request: pytest.FixtureRequest, tmp_path: Path, provider: StubServer, prepared: Path
) -> Iterator[Installation]:
    with (
        servers_environment(request.param, DATABASE) as environment,
        installation(tmp_path, provider.host, prepared, **environment) as started,
    ):
        started.start_web()
        yield started


def copy(database: psycopg.Connection, table: str, like: int, numbers: range, **values: str) -> None:
    """Copies a row; `values` are SQL, in which `number` is the number of the copy."""
    rows = database.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [f"exports_{table}"]
    )
    names = [name for (name,) in rows]
    chosen = {"id": "number", **values}
    statement = COPY_SQL.format(
        table=table,
        columns=", ".join(f'"{name}"' for name in names),
        values=", ".join(chosen.get(name, f'"{name}"') for name in names),
        first=numbers[0],
        last=numbers[-1],
        like=like,
    )
    database.execute(statement.encode())


def fill(portal: Installation, database: psycopg.Connection, origin: str) -> None:
    """A thousand exports that are due, and one more, canceled, of which they are copies."""
    project = portal.project(TABLES, origin, "4001")
    like = portal.ask(project, "orders", format="csv")
    copy(database, "project", project, NEW, remote_id="number::text")
    running = {"status": "'processing'", "step": "'poll'", "remote_id": "number::text", "next_step_at": "now()"}
    copy(database, "export", like, RUNNING, **running, submitted_at="now()", started_at="now()")
    copy(database, "export", like, NEW, project_id="number", next_step_at="now()")
    assert portal.api("POST", f"/exports/{like}/cancel").status_code == 200


def reserve_all(portal: Installation, database: psycopg.Connection) -> None:
    """Has the dispatcher publish messages for a node that does not exist."""
    code = (
        "from exports.models import Heartbeat\n"
        "from exports.queue import capacity, dispatcher, messages\n"
        "Heartbeat.record('worker:none', queues=list(capacity.QUEUES), slots=2000)\n"
        "for _ in range(3): dispatcher.dispatch(messages.publish)\n"
        "Heartbeat.objects.all().delete()\n"
    )
    done = portal.manage("shell", "-c", code)
    assert done.returncode == 0, done.stderr
    row = database.execute("SELECT count(*) FROM exports_export WHERE reserved AND held_until > now()").fetchone()
    assert row == (1000,)


def test_each_is_taken_up_again(portal: Installation, provider: StubServer) -> None:
    with psycopg.connect(portal.environment["DATABASE_URL"], autocommit=True) as database:
        fill(portal, database, provider.origin)
        reserve_all(portal, database)
        assert provider.requests == []
        empty_queues(portal.environment["CELERY_BROKER_URL"], portal.environment[PREFIX_VARIABLE])
        portal.start_worker()

        def requests_by_path() -> Counter[str]:
            return Counter(f"{one.method} {one.path.partition('?')[0]}" for one in list(provider.requests))

        def missing() -> set[str]:
            polls = {f"GET /v1/exports/{number}" for number in RUNNING}
            return (polls | {f"POST /v1/projects/{number}/exports" for number in NEW}) - set(requests_by_path())

        wait_for(lambda: not missing(), 120, lambda: f"{len(missing())} were not taken up: {sorted(missing())[:5]}")
        assert {path for path, count in requests_by_path().items() if path.startswith("POST") and count > 1} == set()
        crashed = database.execute("SELECT count(*) FROM exports_export WHERE crash_count > 1").fetchone()
        assert crashed == (0,), "a reservation that ran out is no crash"
