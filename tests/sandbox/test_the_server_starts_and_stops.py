"""The server of the stand-ins: starting, stopping, ports, the state file, and what the package may import."""

import ast
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

import exports.sandbox
from exports.sandbox.server import Sandbox
from tests.helpers.roles import CHANGING, TABLES
from tests.sandbox.provider_clients import TIMEOUT_SECONDS, Client

Make = Callable[[str], Client]
ROOT = Path(__file__).parents[2]
ORDERS = {"format": "csv", "type": "orders"}
KEY = {"Authorization": "APIKey sandbox-key"}


def test_one_provider_can_be_alone_at_the_root_of_a_port() -> None:
    with Sandbox(time_scale=0.01, limits="off", alone={TABLES: 0, CHANGING: 0}) as sandbox:
        own = sandbox.own_origin(TABLES)
        job = requests.post(
            f"{own}/v1/projects/4001/exports", json=ORDERS, headers=KEY, timeout=TIMEOUT_SECONDS
        ).json()["id"]
        time.sleep(0.15)
        link = requests.get(f"{own}/v1/exports/{job}", headers=KEY, timeout=TIMEOUT_SECONDS).json()["url"]
        assert link.startswith(own + "/files/")
        assert requests.get(link, timeout=TIMEOUT_SECONDS).status_code == 200
        shared = requests.get(f"{sandbox.origin(TABLES)}/v1/exports/{job}", headers=KEY, timeout=TIMEOUT_SECONDS)
        assert shared.json()["status"] == "succeeded"
        assert requests.get(f"{own}/api/v1/requester", timeout=TIMEOUT_SECONDS).status_code == 404


def test_a_connection_is_kept_for_many_requests(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=TIMEOUT_SECONDS)
    connection.connect()
    own = connection.sock
    for _ in range(20):
        connection.request("GET", f"/{TABLES}/v1/me", headers=KEY)
        assert connection.getresponse().read()
    assert connection.sock is own
    connection.close()


def test_many_threads_make_exactly_their_jobs(sandbox: Sandbox) -> None:
    def run() -> None:
        with requests.Session() as http_session:
            for _ in range(20):
                url = sandbox.origin(TABLES) + "/v1/projects/4001/exports"
                assert http_session.post(url, json=ORDERS, headers=KEY, timeout=TIMEOUT_SECONDS).status_code == 201

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = sandbox.ledger()["submissions"]
    assert (sandbox.jobs(TABLES, "4001"), len({entry["id"] for entry in entries})) == (160, 160)


def test_stopping_does_not_wait_for_a_slow_answer() -> None:
    sandbox = Sandbox().start()
    sandbox.fault(provider=TABLES, on="auth", fault="slow", seconds=60)
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=TIMEOUT_SECONDS)
    connection.request("GET", f"/{TABLES}/v1/me", headers=KEY)
    time.sleep(0.1)
    started = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - started < 20
    connection.close()


def test_jobs_archived_projects_and_links_outlive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    token = {"Authorization": "OAuth sandbox-token"}
    with Sandbox(time_scale=0.01, state_file=state) as sandbox:
        job = requests.post(
            f"{sandbox.origin(TABLES)}/v1/projects/4001/exports", json=ORDERS, headers=KEY, timeout=5
        ).json()
        requests.post(f"{sandbox.origin(CHANGING)}/api/v1/projects/10/archive", headers=token, timeout=TIMEOUT_SECONDS)
        time.sleep(0.3)
        link = requests.get(
            f"{sandbox.origin(TABLES)}/v1/exports/{job['id']}", headers=KEY, timeout=TIMEOUT_SECONDS
        ).json()["url"]
    assert state.stat().st_mode & 0o777 == 0o600
    with Sandbox(time_scale=0.01, state_file=state, port=int(link.split(":")[2].split("/")[0])) as sandbox:
        assert requests.get(link, timeout=TIMEOUT_SECONDS).status_code == 200
        seen = requests.get(
            f"{sandbox.origin(TABLES)}/v1/exports/{job['id']}", headers=KEY, timeout=TIMEOUT_SECONDS
        ).json()
        assert seen["status"] == "succeeded"
        project = requests.get(
            f"{sandbox.origin(CHANGING)}/api/v1/projects/10", headers=token, timeout=TIMEOUT_SECONDS
        ).json()
        assert project["status"] == "ARCHIVED"
        fresh = requests.post(
            f"{sandbox.origin(TABLES)}/v1/projects/4001/exports", json=ORDERS, headers=KEY, timeout=5
        ).json()
        assert fresh["id"] > job["id"]


@pytest.mark.parametrize("content", ["", "[]", '{"jobs": 1}'])
def test_a_state_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    state = tmp_path / "state.json"
    state.write_text(content)
    with pytest.raises(ValueError, match=r"."):
        Sandbox(state_file=state).start()


def serve(*options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "exports.sandbox", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_and_exits_with_0_on_a_signal(number: signal.Signals) -> None:
    with serve("--port", "0", f"--{TABLES}-port", "0") as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("Stand-in providers (not the real services) on http://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(TIMEOUT_SECONDS) == 0


def test_a_taken_port_is_exit_code_3_and_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, serve("--port", str(taken.getsockname()[1])) as process:
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, told.count("\n")) == (3, 1)
    assert told.startswith("A port is taken")


def test_a_wrong_option_is_exit_code_2_and_a_sentence() -> None:
    with serve("--limits", "many") as process:
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, told) == (2, "Wrong option: limits must be published, off or a factor, not 'many'.\n")


def test_the_package_imports_only_itself_the_list_of_services_and_the_standard_library() -> None:
    own = ("exports.sandbox.", "exports.shipped.")
    for path in Path(exports.sandbox.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert not node.level, path.name
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith(own), path.name


def test_malformed_requests_do_not_disturb_the_server(sandbox: Sandbox) -> None:
    wrong_length = f"POST /{TABLES}/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n".encode()
    for raw in (b"nonsense\r\n\r\n", wrong_length, b"GET"):
        with socket.create_connection(("127.0.0.1", sandbox.port), timeout=TIMEOUT_SECONDS) as plain:
            plain.sendall(raw)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(1000):
                pass
    answer = requests.post(
        sandbox.origin(TABLES) + "/v1/projects/4001/exports", data=b"[1", headers=KEY, timeout=TIMEOUT_SECONDS
    )
    assert (answer.status_code, json.loads(answer.content)[0]["classification"]) == (400, "DeserializationError")
