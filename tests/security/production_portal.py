"""A running portal as in production, behind a proxy that ends TLS, with data in it, and raw requests to it."""

import contextlib
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings

from exports.models import Export, File, Token, User
from exports.queue import inbound_webhooks
from tests.helpers import factories, page_routes
from tests.helpers.cast import Cast, make_cast
from tests.helpers.installation import wait_for
from tests.helpers.processes import ROOT
from tests.helpers.roles import VIDEOS
from tests.helpers.stub_server import free_port

HOST: Final = "portal.example.org"
# Without these tables a page and a call of the API break.
DROPPED_TABLES: Final = ("exports_alert", "exports_idempotencykey")


@dataclass
class Portal:
    """Where it listens, what is in it, and the owner's session and token."""

    port: int
    cast: Cast
    numbers: page_routes.ObjectIds
    video: int
    session: str
    staff: str
    token: str
    mark: str
    log: Path
    http: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str, *, who: str = "", secure: bool = True, **more: Any) -> requests.Response:
        """An answer as the proxy gets it; `who` is a session. Redirects are not followed."""
        headers = {
            "Host": HOST,
            "Connection": "close",
            **({"X-Forwarded-Proto": "https"} if secure else {}),
            **more.pop("headers", {}),
        }
        if who:
            headers["Cookie"] = f"__Host-session={who}"
        address = f"http://127.0.0.1:{self.port}{path}"
        request = requests.Request(method, address, headers=headers, **more).prepare()
        request.url = address  # as it is: what requests would tidy up is what is asked for
        answer = self.http.send(request, allow_redirects=False, timeout=20)
        self.http.cookies.clear()
        return answer

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        """An answer of the API."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.ask(method, f"/api/v1{path}", headers=headers, **more)

    def raw(self, text: str) -> "RawResponse":
        """The answer to these very bytes; lines end with \\n here."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        with contextlib.closing(sock):
            sock.sendall(text.replace("\n", "\r\n").encode("latin-1"))
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            return RawResponse(answer.status, dict(answer.headers), answer.read().decode())


@dataclass(frozen=True)
class RawResponse:
    """An answer to bytes."""

    status: int
    headers: Mapping[str, str]
    text: str


@contextlib.contextmanager
def running_portal(folder: Path, blocker: Any) -> Iterator[Portal]:
    """Fills the test database, takes it along as a file, and starts gunicorn over it."""
    if connection.vendor != "sqlite":
        pytest.skip("The database is taken along as a file.")
    data = folder / "var"
    data.mkdir(mode=0o700)
    ours = override_settings(DATA_DIR=data, CREDENTIAL_KEYS=("a sealing key",), CREDENTIAL_KEYS_FILE=None)
    with blocker.unblock(), ours:
        portal = _fill(folder / "web.log")
        with sqlite3.connect(data / "portal.sqlite3") as copy:
            connection.ensure_connection()
            connection.connection.backup(copy)
            for table in DROPPED_TABLES:
                copy.execute(f"DROP TABLE {table}")
        copy.close()
        call_command("flush", interactive=False, verbosity=0)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",  # the portal's own, with quick passwords
        "DATA_DIR": str(data),
        "PUBLIC_URL": f"https://{HOST}",
        "PROXY_SSL_HEADER": "X-Forwarded-Proto",
        "SECRET_KEY": settings.SECRET_KEY,
        "CREDENTIAL_KEYS": "a sealing key",
    }
    config = "python:exports.supervisor.gunicorn_config"
    arguments = ["-b", f"127.0.0.1:{portal.port}", "--threads", "4", "--no-control-socket", "--config", config]
    with portal.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments, "portal.wsgi"],
            cwd=ROOT,
            env={**kept, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(lambda: _answers(portal), 60, portal.log.read_text)
        yield portal
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _fill(log: Path) -> Portal:
    cast = make_cast()
    numbers = page_routes.create_sample_data(cast)
    video = factories.succeeded_export(cast, "video.mp4", project=cast.project(VIDEOS))
    Export.objects.filter(pk=video.pk).update(format="mp4")
    File.objects.filter(export__pk=numbers["good"]).update(name='"é\r\n<b>.html')
    owner, staff = _session(cast.owner.user), _session(factories.staff_user())
    mark = inbound_webhooks.url_signature(int(numbers["open"]))
    return Portal(free_port(), cast, numbers, video.pk, owner, staff, Token.issue(cast.owner), mark, log)


def _session(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _answers(portal: Portal) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return portal.ask("GET", "/healthz").status_code == 200
    return False
