"""A stand-in for PlayCanvas that is fast enough to be no part of what is measured. A process of its own.

    python -m tests.bench.fake_playcanvas PORT [CERTIFICATE]

It keeps the times at which each job was asked for. Jobs that it made itself are done at the first look, as are those
named as `finished`; all others run for ever. `POST /control` sets things, `GET /control` tells what happened.
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
FIRST_MADE: Final = 1_000_000_000
BORN: Final = "2026-01-01T00:00:00.000Z"


class World:
    """What the stand-in knows."""

    def __init__(self) -> None:
        self.delay = 0.1
        self.link = ""
        self.finished: list[str] = []
        self.forever = False
        self.call_count = 0
        self.asked: dict[str, list[float]] = defaultdict(list)
        self.answered: dict[str, float] = {}
        self.submitted: dict[str, float] = {}
        self.hooks: dict[str, str] = {}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("project.json", '{"name": "Bench"}')
        self.zip = packed.getvalue()

    def set(self, said: dict[str, Any]) -> None:
        """`delay` seconds, `link`, `finished` jobs, `forever` (made ones run on); `reset` forgets the times."""
        if said.pop("reset", False):
            self.asked.clear()
            self.answered.clear()
            self.submitted.clear()
        for name, value in said.items():
            setattr(self, name, value)

    def told(self) -> bytes:
        """What happened: times are seconds since 1970."""
        told = {name: getattr(self, name) for name in ("asked", "answered", "submitted", "hooks", "made")}
        return json.dumps(told).encode()

    def poll(self, job: str) -> bytes:
        """The state of a job."""
        self.asked[job].append(time.time())
        over = job in self.finished or (not self.forever and int(job) >= FIRST_MADE)
        data = {"url": self.link.replace("JOB", job)} if over else {}
        return _job(int(job), "complete" if over else "running", data)

    def submit(self, project: str, body: bytes) -> bytes:
        """Makes a job."""
        job = FIRST_MADE + self.call_count
        self.call_count += 1
        self.submitted[project] = time.time()
        self.hooks[str(job)] = str((json.loads(body) if body.strip() else {}).get("hook", ""))
        return _job(job, "running", {})


def _job(job: int, status: str, data: dict[str, str]) -> bytes:
    shape = {"id": job, "status": status, "messages": [], "created_at": BORN, "modified_at": BORN, "data": data}
    return json.dumps(shape).encode()


class Server(asyncio.Protocol):
    """Keep-alive HTTP/1.1 as clients of ours speak it: no pipelining, bodies with a length."""

    def __init__(self, world: World) -> None:
        self.state = world
        self.raw = b""
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
            method, path, _ = head.split(b" ", 2)
            self._answer(method.decode(), path.decode(), body)

    def _answer(self, method: str, path: str, body: bytes) -> None:
        world, status, kind = self.state, "200 OK", "application/json"
        if path.startswith("/api/jobs/"):
            job = path[10:]
            answer = world.poll(job)
            asyncio.get_running_loop().call_later(world.delay, self._poll_answered, job, answer)
            return
        if method == "POST" and path.startswith("/api/projects/"):
            answer, status = world.submit(path.split("/")[3], body), "201 Created"
        elif path == "/control":
            if method == "POST":
                world.set(json.loads(body))
            answer = world.told() if method == "GET" else b"{}"
        elif path.startswith("/files/"):
            answer, kind = world.zip, "application/zip"
        else:
            answer, status = b'{"error": "there is nothing here"}', "404 Not Found"
        self._write(status, kind, answer)

    def _poll_answered(self, job: str, answer: bytes) -> None:
        self.state.answered[job] = time.time()
        self._write("200 OK", "application/json", answer)

    def _write(self, status: str, kind: str, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(HEAD.format(status=status, kind=kind, length=len(answer)).encode() + answer)


async def serve(port: int, certificate: str) -> None:
    """Serves until it is killed."""
    secure = None
    if certificate:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(certificate)
    world = World()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(world), "127.0.0.1", port, ssl=secure, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
