"""The stand-in of AI Studios sends webhooks to the address that a client gave."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.roles import VIDEOS
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, TIMEOUT_SECONDS, Client, download

Make = Callable[[str], Client]


@pytest.fixture
def inbox() -> Iterator[tuple[str, "queue.Queue[dict[str, Any]]"]]:
    got: queue.Queue[dict[str, Any]] = queue.Queue()

    class Inbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))) | {"path": self.path})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Inbox)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook/secret", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_hints_come_while_the_export_runs_and_the_last_one_has_the_link(
    client: Make, sandbox: Sandbox, inbox: tuple[str, "queue.Queue[dict[str, Any]]"]
) -> None:
    url, got = inbox
    client(VIDEOS).start(webhookUrl=url)
    hints = [got.get(timeout=TIMEOUT_SECONDS) for _ in range(4)]
    assert [hint["progress"] for hint in hints] == [25, 50, 75, 100]
    assert {hint["path"] for hint in hints} == {"/hook/secret"}
    assert len({hint["backendTaskId"] for hint in hints}) == 1
    assert "download_url" not in hints[0]
    assert hints[3]["credit"] == 1
    assert download(hints[3]["download_url"]).status_code == 200
    assert HEALTHY_PROJECTS[VIDEOS] not in str(hints[:3])


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/nobody", "ftp://127.0.0.1/", "nonsense", "http://[broken"])
def test_an_address_that_does_not_answer_changes_nothing(client: Make, sandbox: Sandbox, url: str) -> None:
    assert client(VIDEOS).link(webhookUrl=url)
