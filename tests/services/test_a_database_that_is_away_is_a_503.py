"""While another program holds the database, or it is away: writes are refused soon, reads go on, and so do exports."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from psycopg import sql

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, wait_for
from tests.helpers.prepared_portal import OWNER
from tests.helpers.roles import TABLES
from tests.helpers.servers import DATABASE, connect_as_admin

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=60), pytest.mark.timeout(240)]
HELD_SECONDS = 30.0
# The portal waits five seconds; the rest is for a busy machine.
SOON = 8.0


def sign_in(portal: Installation, browser: requests.Session) -> requests.Response:
    """Signs in; the page that comes then."""
    address = f"http://127.0.0.1:{portal.port}/sign-in/"
    browser.get(address, timeout=30)
    page = browser.get(address, timeout=30).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    form = {"username": OWNER, "password": "a long enough one", "csrfmiddlewaretoken": token[1]}
    return browser.post(address, form, timeout=30)


def make_token(portal: Installation, browser: requests.Session) -> requests.Response:
    """Fills in a form of a page that needs to write."""
    address = f"http://127.0.0.1:{portal.port}/profile/"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(address, timeout=30).text)
    assert token is not None
    form = {"team": "1", "name": "For a script", "scope": "write", "days": "", "csrfmiddlewaretoken": token[1]}
    return browser.post(f"{address}tokens", form, timeout=30)


def assert_unavailable(answer: requests.Response, kind: str) -> None:
    assert answer.status_code == 503, answer.text
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Content-Type"].startswith(kind)
    assert "The database is busy" in answer.text.replace("&#x27;", "'")
    assert answer.elapsed.total_seconds() < SOON


@contextmanager
def held_by_another_program(portal: Installation) -> Iterator[None]:
    """Another program holds the SQLite database, as a backup may."""
    other = sqlite3.connect(portal.folder / "var" / "portal.sqlite3", timeout=30, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


def test_sqlite_is_held_for_half_a_minute(embedded: Installation, own_sandbox: Sandbox) -> None:
    embedded.start_web()
    embedded.start_worker()
    browser = requests.Session()
    assert "Sign in" not in sign_in(embedded, browser).text
    projects = {
        "4001": embedded.project(TABLES, own_sandbox.origin(TABLES), "4001"),
        "4003": embedded.project(TABLES, own_sandbox.origin(TABLES), "4003"),
        "4005": embedded.project(TABLES, own_sandbox.origin(TABLES), "4005"),
    }
    # One is answered while the database is held, one is polled; a third one is asked for meanwhile.
    own_sandbox.fault(provider=TABLES, project="4003", on="submit", fault="slow", seconds=3, times=1)
    numbers = [embedded.ask(projects["4001"], "orders"), embedded.ask(projects["4003"], "orders")]
    wait_for(lambda: own_sandbox.jobs(TABLES, "4001") == 1, 30, embedded.logs)
    with held_by_another_program(embedded):
        begun = time.monotonic()
        for path in ("/exports", f"/exports/{numbers[0]}", "/projects", "/me"):
            answer = embedded.api("GET", path)
            assert answer.status_code == 200, answer.text
            assert answer.elapsed.total_seconds() < 3
        for path in ("/t/real-team/", "/t/real-team/exports/", f"/t/real-team/exports/{numbers[0]}/"):
            page = browser.get(f"http://127.0.0.1:{embedded.port}{path}", timeout=30)
            assert page.status_code == 200
        body = {"type": "orders"}
        assert_unavailable(
            embedded.api("POST", f"/projects/{projects['4005']}/exports", body), "application/problem+json"
        )
        assert_unavailable(embedded.api("POST", f"/exports/{numbers[0]}/cancel"), "application/problem+json")
        assert_unavailable(make_token(embedded, browser), "text/html")
        assert_unavailable(sign_in(embedded, requests.Session()), "text/html")
        time.sleep(max(0.0, HELD_SECONDS - (time.monotonic() - begun)))
    numbers.append(embedded.ask(projects["4005"], "orders"))
    for number in numbers:
        assert embedded.wait_until_ended(number)["status"] == "succeeded"
    assert [own_sandbox.jobs(TABLES, project) for project in projects] == [1, 1, 1]


def test_postgresql_is_away_for_a_while(on_redis: Installation, own_sandbox: Sandbox) -> None:
    browser = requests.Session()
    assert "Sign in" not in sign_in(on_redis, browser).text
    project = on_redis.project(TABLES, own_sandbox.origin(TABLES), "4001")
    name = urlsplit(on_redis.environment["DATABASE_URL"]).path.strip("/")
    with connect_as_admin(DATABASE) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        try:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            for method, path in (("POST", f"/projects/{project}/exports"), ("GET", "/exports")):
                body = {"type": "orders"} if method == "POST" else None
                assert_unavailable(on_redis.api(method, path, body), "application/problem+json")
            page = browser.get(f"http://127.0.0.1:{on_redis.port}/t/real-team/", timeout=30)
            assert_unavailable(page, "text/html")
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
    assert on_redis.api("GET", "/exports").status_code == 200
    on_redis.start_worker()
    assert on_redis.wait_until_ended(on_redis.ask(project, "orders"))["status"] == "succeeded"
