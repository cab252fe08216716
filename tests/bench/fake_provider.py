"""A stand-in that is fast enough to be no part of what is measured. A process of its own.

    python -m tests.bench.fake_provider PORT [CERTIFICATE]

It keeps the times at which each job was polled. Jobs that were submitted to it are done at the first poll, as are those
listed in `finished`; all others run for ever. `POST /control` sets options, `GET /control` returns the times.
"""

import asyncio
import io
import json
import ssl
import sys
import time
import zipfile
from collections import defaultdict
from typing import Any, Final

HEAD: Final = "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
FIRST_SUBMITTED: Final = 1_000_000_000
CREATED_AT: Final = "2026-01-01T00:00:00.000Z"


class State:
    """The options and the times. Times are seconds since 1970."""

    def __init__(self) -> None:
        self.delay = 0.1
        self.link = ""
        self.finished: list[str] = []
        self.forever = False
        self.job_count = 0
        self.polled: dict[str, list[float]] = defaultdict(list)
        self.submitted: dict[str, float] = {}
        self.webhooks: dict[str, str] = {}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("project.json", '{"name": "Bench"}')
        self.zip = packed.getvalue()

    def set(self, options: dict[str, Any]) -> None:
        """`delay` seconds, `link`, `finished` jobs, `forever` (submitted ones run on); `reset` forgets the times."""
        if options.pop("reset", False):
            self.polled.clear()
            self.submitted.clear()
        for name, value in options.items():
            setattr(self, name, value)

    def report(self) -> bytes:
        """Times of polls by job, of submits by project, and the webhook address of each job that was submitted."""
        return json.dumps({name: getattr(self, name) for name in ("polled", "submitted", "webhooks")}).encode()

    def poll(self, job: str) -> bytes:
        """The job as JSON."""
        self.polled[job].append(time.time())
        over = job in self.finished or (not self.forever and int(job) >= FIRST_SUBMITTED)
        data = {"url": self.link.replace("JOB", job)} if over else {}
        return _job(int(job), "complete" if over else "running", data)

    def submit(self, project: str, body: bytes) -> bytes:
        """A new job; returns it as JSON."""
        job = FIRST_SUBMITTED + self.job_count
        self.job_count += 1
        self.submitted[project] = time.time()
        self.webhooks[str(job)] = str((json.loads(body) if body.strip() else {}).get("hook", ""))
        return _job(job, "running", {})


def _job(job: int, status: str, data: dict[str, str]) -> bytes:
    shape = {
        "id": job,
        "status": status,
        "messages": [],
        "created_at": CREATED_AT,
        "modified_at": CREATED_AT,
        "data": data,
    }
    return json.dumps(shape).encode()


class Server(asyncio.Protocol):
    """Keep-alive HTTP/1.1 as clients of ours speak it: no pipelining, bodies with a length.

    It closes where it is asked to (RFC 9112 §9.6).
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.raw = b""
        self.closes = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.raw += data
        while (end := self.raw.find(b"\r\n\r\n")) >= 0:
            head = self.raw[:end]
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.raw) < end + 4 + length:
                return
            body, self.raw = self.raw[end + 4 : end + 4 + length], self.raw[end + 4 + length :]
            self.closes = b"\r\nconnection: close" in head.lower()
            method, path, _ = head.split(b" ", 2)
            self._answer(method.decode(), path.decode(), body)

    def _answer(self, method: str, path: str, body: bytes) -> None:
        state, status, kind = self.state, "200 OK", "application/json"
        if path.startswith("/api/jobs/"):
            answer = state.poll(path[10:])
            asyncio.get_running_loop().call_later(state.delay, self._write, status, kind, answer)
            return
        if method == "POST" and path.startswith("/api/projects/"):
            answer, status = state.submit(path.split("/")[3], body), "201 Created"
        elif path == "/control":
            if method == "POST":
                state.set(json.loads(body))
            answer = state.report() if method == "GET" else b"{}"
        elif path.startswith("/files/"):
            answer, kind = state.zip, "application/zip"
        else:
            answer, status = b'{"error": "there is nothing here"}', "404 Not Found"
        self._write(status, kind, answer)

    def _write(self, status: str, kind: str, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(HEAD.format(status=status, kind=kind, length=len(answer)).encode() + answer)
            if self.closes:
                self.transport.close()  # when all is written


async def serve(port: int, certificate: str) -> None:
    """Serves until it is killed."""
    secure = None
    if certificate:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(certificate)
    state = State()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(state), "127.0.0.1", port, ssl=secure, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
