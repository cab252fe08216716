"""`manage.py up --host ::1` and `--host ::`: it serves there, and says an address that browsers take."""

import socket
import urllib.request
from pathlib import Path

import pytest

from tests.management.test_up_starts_and_stops_the_portal import Up, data, port, ready, ready_data, up

__all__ = ["data", "port", "ready_data", "up"]

pytestmark = pytest.mark.slow(seconds=20)


@pytest.mark.parametrize(("host", "reached"), [("::1", ["[::1]"]), ("::", ["[::1]", "127.0.0.1"])])
def test_it_serves_on_ipv6(up: Up, port: int, ready_data: Path, host: str, reached: list[str]) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("This machine has no IPv6.")
    program = up("--host", host)
    ready(program)
    assert f"ready: http://[::1]:{port}/" in program.output()
    assert program.descendant("gunicorn").environ()["LISTENING_URL"] == f"http://[::1]:{port}"
    for address in reached:
        with urllib.request.urlopen(f"http://{address}:{port}/sign-in/", timeout=15) as answer:
            assert answer.status == 200
