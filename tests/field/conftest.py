"""A stub provider with recorded answers on a real socket, an export of it, and a clock that is moved."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from exports import clock, formats
from exports.models import Export
from exports.providers.registry import PROVIDERS
from exports.sandbox.video import build_mp4
from tests.helpers.cast import Cast
from tests.helpers.run_exports import request_export
from tests.helpers.samples import SAMPLES
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer, run_stub_server
from tests.helpers.time_travel import TimeTravel, time_travel

FOLDER = Path(__file__).parent
SUBMIT = {slug: sample.submit for slug, sample in SAMPLES.items()}
LIST = {slug: sample.list for slug, sample in SAMPLES.items() if sample.list}
POLL = {slug: sample.poll for slug, sample in SAMPLES.items()}
EVERY = tuple(SAMPLES)
WITH_FILES = tuple(slug for slug in SAMPLES if PROVIDERS[slug].kinds[0].has_file)
NAMING_JOBS = tuple(slug for slug, sample in SAMPLES.items() if sample.names_jobs)
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
        blob = build_mp4(1, None)
        film = b"".join(blob.chunks(0, blob.size))
        server.on("GET /file.mp4", Reply(body=film, headers={"Content-Type": "video/mp4"}))
        for slug, sample in SAMPLES.items():
            if sample.file:
                format_ = PROVIDERS[slug].kinds[0].formats[0]
                headers = {"Content-Type": formats.content_type(format_)}
                server.on(f"GET /file.{format_}", Reply(body=sample.file, headers=headers))
            if sample.file_path:
                server.on(f"GET {sample.file_path}", *server.replies[f"GET {self._path(slug)}"])
            self._give_link(slug, self.link(slug))
            for route, body in sample.before.items():
                server.on(route, Reply(body=body))
            if sample.list:
                server.on(sample.list, Reply(body=sample.listed()))

    def ask(self, provider: str) -> Export:
        """An export of this provider, as a person asks for it."""
        project = self.cast.project(provider, self.server.origin)
        return request_export(project, self.cast.member, PROVIDERS[provider].kinds[0].type)

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

    def link(self, provider: str) -> str:
        """Where the file of the provider's job lies."""
        return self.server.origin + (SAMPLES[provider].file_path or self._path(provider))

    def _path(self, provider: str) -> str:
        return f"/file.{PROVIDERS[provider].kinds[0].formats[0]}"

    def job(self, provider: str, **more: Any) -> dict[str, Any]:
        """The provider's job, done, with its file."""
        self._give_link(provider, self.link(provider))
        body: dict[str, Any] = SAMPLES[provider].done(self.link(provider), **more)
        return body

    def job_without_link(self, provider: str) -> dict[str, Any]:
        """The provider's job, done, and no link to its file."""
        self._give_link(provider, "")
        body: dict[str, Any] = SAMPLES[provider].done("")
        return body

    def _give_link(self, provider: str, link: str) -> None:
        """Sets the answer that tells the link, where that is not the poll's."""
        if route := SAMPLES[provider].link:
            self.server.on(route, Reply(body=SAMPLES[provider].linked(link)))

    def accepted(self, provider: str, **more: Any) -> Reply:
        """The provider's acceptance of a request for a job."""
        return Reply(201, SAMPLES[provider].accepted(**more))


@pytest.fixture
def field(cast: Cast, settings: Settings) -> Iterator[Field]:
    with run_stub_server() as server, time_travel() as time:
        settings.PRIVATE_HOSTS = (server.host,)
        yield Field(server, cast, time)
