"""Clients on bad lines, twice as many as there are threads: other pages go on, and they get all they asked for."""

import hashlib
import sqlite3
import time
from pathlib import Path

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation
from tests.helpers.nginx import nginx
from tests.helpers.roles import ARCHIVES
from tests.helpers.slow_clients import get_request, reading_slowly, unfinished

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=30), pytest.mark.timeout(240)]

FILE_BYTES = 20_000_000
# The test's portal has four threads.
CLIENTS = 8
# Pages take some 15 ms; the portal's own bound on any wait is seconds.
SOON = 2.0


@pytest.fixture
def portal_with_file(embedded: Installation, own_sandbox: Sandbox) -> Installation:
    """A portal that keeps one large file, of export 1."""
    embedded.start_web()
    keep_large_file(embedded, own_sandbox)
    return embedded


def keep_large_file(portal: Installation, own_sandbox: Sandbox, name: str = "") -> int:
    """Has a large file fetched; the number of its export. `name`: what it is called on the disk instead."""
    own_sandbox.settings(file_bytes=FILE_BYTES)
    worker = portal.start_worker()
    number = portal.ask(portal.project(ARCHIVES, own_sandbox.origin(ARCHIVES), "100001"), "archive")
    assert portal.wait_until_ended(number)["status"] == "succeeded"
    portal.kill(worker)
    if name:
        path = next((portal.folder / "var" / "files").rglob("*.zip"))
        path.rename(path.with_name(name))
        with sqlite3.connect(portal.folder / "var" / "portal.sqlite3") as database:
            database.execute("UPDATE exports_file SET path = rtrim(path, replace(path, '/', '')) || ?", [name])
        database.close()
    return number


def assert_pages_come(address: str, token: str) -> None:
    for _ in range(12):
        begun = time.monotonic()
        answer = requests.get(f"{address}/api/v1/exports", headers={"Authorization": f"Bearer {token}"}, timeout=20)
        assert answer.status_code == 200
        assert time.monotonic() - begun < SOON


def test_slow_downloads_leave_their_threads(portal_with_file: Installation) -> None:
    address = f"http://127.0.0.1:{portal_with_file.port}"
    with reading_slowly(address, "/api/v1/exports/1/file", portal_with_file.token, CLIENTS, 10_000) as readers:
        time.sleep(1)
        assert_pages_come(address, portal_with_file.token)
        # They are still under way, and are not starved either.
        assert all(0 < reader.read < FILE_BYTES for reader in readers)


def test_slow_downloads_through_nginx_use_no_thread(tmp_path: Path, own_sandbox: Sandbox, prepared: Path) -> None:
    private = f"127.0.0.1:{own_sandbox.port}"
    with installation(tmp_path, private, prepared, X_ACCEL_LOCATION="/kept/") as portal:
        portal.start_web()
        keep_large_file(portal, own_sandbox)
        with (
            nginx(tmp_path, portal.port, portal.folder / "var") as address,
            reading_slowly(address, "/api/v1/exports/1/file", portal.token, CLIENTS, 10_000),
        ):
            assert_pages_come(address, portal.token)


def test_a_slow_client_gets_the_whole_file_right(portal_with_file: Installation) -> None:
    number = 1
    wanted = portal_with_file.export(number)["file"]
    found = hashlib.sha256()
    with portal_with_file.api("GET", f"/exports/{number}/file", stream=True) as answer:
        for count, piece in enumerate(answer.iter_content(256 * 1024)):
            found.update(piece)
            time.sleep(0.1 if count < 20 else 0)
    assert found.hexdigest() == wanted["sha256"]


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /hea",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Header: 1",
        b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 900000\r\n\r\nusername=a",
        b"POST /hooks/1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ],
    ids=["nothing", "half a line", "half a head", "half a form", "half a chunk"],
)
def test_requests_that_never_end_leave_their_threads(embedded: Installation, beginning: bytes) -> None:
    embedded.start_web()
    address = f"http://127.0.0.1:{embedded.port}"
    with unfinished(address, [beginning] * CLIENTS):
        time.sleep(0.3)
        assert_pages_come(address, embedded.token)


def test_answers_that_nobody_takes_leave_their_threads(embedded: Installation) -> None:
    embedded.start_web()
    address = f"http://127.0.0.1:{embedded.port}"
    # Far more than the buffers between hold.
    requests_of_one = get_request(address, "/static/exports/pieces.css", embedded.token) * 200
    with unfinished(address, [requests_of_one] * CLIENTS):
        time.sleep(1)
        assert_pages_come(address, embedded.token)


def test_a_client_that_sends_slowly_is_answered(embedded: Installation) -> None:
    embedded.start_web()
    address = f"http://127.0.0.1:{embedded.port}"
    request = get_request(address, "/api/v1/me", embedded.token)
    with unfinished(address, [request[:10]]) as (connection,):
        for at in range(10, len(request), 30):
            time.sleep(0.1)
            connection.sendall(request[at : at + 30])
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_slow_clients_do_not_keep_a_portal_from_stopping(embedded: Installation) -> None:
    embedded.start_web()
    web = embedded.web
    assert web is not None
    with unfinished(f"http://127.0.0.1:{embedded.port}", [b"GET /hea"] * CLIENTS):
        time.sleep(0.3)
        web.send_signal(15)
        assert web.wait(45) == 0
