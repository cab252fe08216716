"""A stub provider with recorded answers on a real socket, an export of it, and a clock that is moved."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from exports import clock
from exports.models import Export
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.run_exports import request_export
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer, run_stub_server
from tests.helpers.time_travel import TimeTravel, time_travel

FOLDER = Path(__file__).parent
TYPES = {"playcanvas": "archive", "aistudios": "video", "toloka": "archive", "ulule": "orders"}
SUBMIT = {
    "playcanvas": "POST /api/projects/100001/export",
    "aistudios": "POST /api/odin/v3/editor/project/export",
    "toloka": "POST /api/v1/projects/10/archive",
    "ulule": "POST /v1/projects/4001/exports",
}
LIST = {"toloka": "GET /api/v1/operations", "ulule": "GET /v1/projects/4001/exports"}
POLL = {
    "playcanvas": "GET /api/jobs/501",
    "aistudios": f"GET /api/odin/v3/editor/progress/{PROJECTS['aistudios']}",
    "toloka": "GET /api/v1/operations/501",
    "ulule": "GET /v1/exports/501",
}
CSV = b"order.id,order.total\n1,10\n"


def recorded(name: str) -> Reply:
    """The very bytes of an answer in the field."""
    return Reply(raw=(FOLDER / name).read_bytes())


def a_zip() -> bytes:
    """A small archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("project.json", "{}")
    return stream.getvalue()


class Field:
    """One provider whose answers are set, and the portal's exports of it."""

    def __init__(self, server: StubServer, cast: Cast, time: TimeTravel) -> None:
        self.server, self.cast, self.time = server, cast, time
        server.on("GET /file.zip", Reply(body=a_zip(), headers={"Content-Type": "application/zip"}))
        server.on("GET /file.csv", Reply(body=CSV, headers={"Content-Type": "text/csv"}))
        server.on("POST /api/odin/v3/auth/token", Reply(body={"success": True, "data": {"token": "a.b.c"}}))
        project = {"_id": PROJECTS["aistudios"], "state": "draft", "progress": 0}
        server.on(
            f"GET /api/odin/v3/editor/project/{PROJECTS['aistudios']}",
            Reply(body={"success": True, "data": {"project": project}}),
        )
        server.on("GET /api/v1/projects/10", Reply(body={"id": "10", "status": "ACTIVE"}))
        server.on(LIST["toloka"], Reply(body={"items": [], "has_more": False}))
        server.on(LIST["ulule"], Reply(body={"exports": [], "meta": {"next": None}}))

    def ask(self, provider: str) -> Export:
        """An export of this provider, as a person asks for it."""
        project = self.cast.project(provider, self.server.origin)
        return request_export(project, self.cast.member, TYPES[provider])

    def run(self, provider: str, minutes: float = 40.0) -> Export:
        """Asks for an export, and takes its steps at their times until it ends."""
        return self.time.run(self.ask(provider), minutes)

    def requests(self, provider: str) -> int:
        """How often the provider was asked for a job."""
        return len(self.server.requests_to(SUBMIT[provider]))

    def polls(self, provider: str) -> int:
        """How often the provider was asked how its job is."""
        return len(self.server.requests_to(POLL[provider]))

    def for_seconds(self, seconds: float, first: Reply, then: Reply) -> Callable[[ReceivedRequest], Reply]:
        """An answer that is another one once so many seconds have passed since it was first given."""
        begun: list[Any] = []

        def answer(request: ReceivedRequest) -> Reply:
            begun.append(clock.now())
            return first if (clock.now() - begun[0]).total_seconds() < seconds else then

        return answer

    def job(self, provider: str, done: bool = True, **more: Any) -> dict[str, Any]:
        """The job 501 as this provider shows it."""
        if provider == "playcanvas":
            data = {"url": f"{self.server.origin}/file.zip"} if done else {}
            return {"id": 501, "status": "complete" if done else "running", "messages": [], "data": data, **more}
        if provider == "toloka":
            parameters = {"project_id": "10"}
            word = "SUCCESS" if done else "RUNNING"
            return {"id": "501", "type": "PROJECT.ARCHIVE", "status": word, "parameters": parameters, **more}
        if provider == "ulule":
            fields: dict[str, Any] = {"id": 501, "project_id": 4001, "type": "orders", "format": "csv"}
            url = f"{self.server.origin}/file.csv" if done else None
            return {**fields, "status": "succeeded" if done else "processing", "url": url, **more}
        return {"success": True, "data": {"progress": 40, **more}}


@pytest.fixture
def field(cast: Cast, settings: Settings) -> Iterator[Field]:
    with run_stub_server() as server, time_travel() as time:
        settings.PRIVATE_HOSTS = (server.host,)
        yield Field(server, cast, time)
