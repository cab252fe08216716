"""A provider whose job is done, and the host of its file, on a real socket: what the host answers is the test's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_django.fixtures import Settings

from exports.models import Export
from tests.helpers.cast import Cast
from tests.helpers.processes import ROOT
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.run_exports import request_export, run_to_end
from tests.helpers.sample import Sample
from tests.helpers.samples import SAMPLES
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer, run_stub_server

FIELD: Final = ROOT / "tests" / "field"
ROLES: Final = {"csv": TABLES, "xlsx": TABLES, "zip": ARCHIVES, "mp4": VIDEOS}
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
        return self.sample.poll

    @property
    def sample(self) -> Sample:
        return SAMPLES[ROLES[self.format]]

    def job(self, link: str = "") -> Reply:
        """The provider's answer about its job: done, with this link."""
        fields = {"format": self.format} if self.sample.names_jobs else {}
        return Reply(body=self.sample.done(link or self.link, **fields))

    def request(self) -> Export:
        """An export that watches the job."""
        role = ROLES[self.format]
        project = self.cast.project(role, self.stub.origin)
        type_ = role.provider.kinds[0].type
        return request_export(project, self.cast.member, type_, self.format, adopt=self.sample.remote_id)

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
        for route, body in host.sample.before.items():
            stub.on(route, Reply(body=body))
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
