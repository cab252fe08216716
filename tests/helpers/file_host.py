"""A provider whose job is done, and the host of its file, on a real socket: what the host answers is the test's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_django.fixtures import Settings

from exports.models import Export
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.processes import ROOT
from tests.helpers.run_exports import request_export, run_to_end
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer, run_stub_server

FIELD: Final = ROOT / "tests" / "field"
KINDS: Final = {
    "csv": ("ulule", "orders"),
    "xlsx": ("ulule", "orders"),
    "zip": ("playcanvas", "archive"),
    "mp4": ("aistudios", "video"),
}
FileReply = Reply | Callable[[ReceivedRequest], Reply]


@dataclass
class FileHost:
    """A stub server that is both. `job_route`: where the job's status is asked for."""

    stub: StubServer
    cast: Cast
    format: str

    @property
    def link(self) -> str:
        return f"{self.stub.origin}/file.{self.format}"

    @property
    def file_route(self) -> str:
        return f"GET /file.{self.format}"

    @property
    def job_route(self) -> str:
        return {
            "ulule": "GET /v1/exports/7",
            "playcanvas": "GET /api/jobs/7",
            "aistudios": f"GET /api/odin/v3/editor/progress/{PROJECTS['aistudios']}",
        }[KINDS[self.format][0]]

    def job(self, link: str = "") -> Reply:
        """The provider's answer about its job: done, with this link."""
        link = link or self.link
        provider = KINDS[self.format][0]
        if provider == "playcanvas":
            return Reply(body={"id": 7, "status": "complete", "data": {"url": link}})
        if provider == "ulule":
            row: dict[str, Any] = {"id": 7, "project_id": 4001, "type": "orders", "format": self.format}
            return Reply(body={**row, "status": "succeeded", "url": link})
        data = {"projectId": PROJECTS["aistudios"], "progress": 100, "state": "finish", "downloadUrl": link}
        return Reply(body={"success": True, "data": data})

    def request(self) -> Export:
        """An export that watches the job."""
        provider, type_ = KINDS[self.format]
        project = self.cast.project(provider, self.stub.origin)
        adopt = PROJECTS[provider] if provider == "aistudios" else "7"
        return request_export(project, self.cast.member, type_, self.format, adopt=adopt)

    def fetch(self, *replies: FileReply, seconds: float = 40) -> Export:
        """Fetches the file, for which the host gives these answers in turn, the last one again and again."""
        self.stub.on(self.file_route, *replies)
        return run_to_end(self.request(), seconds=seconds)


@contextmanager
def run_file_host(cast: Cast, settings: Settings, format_: str) -> Iterator[FileHost]:
    """The host, with a job that is done."""
    with run_stub_server() as stub:
        settings.PRIVATE_HOSTS = (stub.host,)
        host = FileHost(stub, cast, format_)
        stub.on(host.job_route, host.job())
        token = {"success": True, "data": {"token": "a-token-of-the-stub"}}
        stub.on("POST /api/odin/v3/auth/token", Reply(body=token))
        yield host


def recorded_reply(name: str) -> Reply:
    """The answer in a file of tests/field, whose head stands before its body."""
    head, _, body = (FIELD / name).read_bytes().partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    for name_ in ("Content-Length", "Connection"):
        headers.pop(name_, None)
    return Reply(int(status.split()[1]), body, headers)


def file_reply(path: Path, content_type: str = "application/octet-stream") -> Reply:
    """A 200 with the bytes of a file."""
    return Reply(200, path.read_bytes(), {"Content-Type": content_type})
