"""A stand-in whose files are downloaded with the credential has all common faults, and those of such downloads."""

from collections.abc import Iterator

import pytest
import requests

from exports.sandbox.blob import Blob
from exports.sandbox.declaration import Declaration, DemoExport
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.server import Sandbox
from exports.sandbox.zips import build_zip_of
from tests.helpers.roles import ARCHIVES

TIMEOUT_SECONDS = 30.0
AUTHORISED = {"Authorization": "Bearer sandbox-token"}


class Depot(Service):
    """A service with two ways to a file: from its API, or by a redirect to a storage."""

    declaration = Declaration(
        slug="depot",
        label="Depot",
        secrets={"token": "sandbox-token"},
        credentials_text="token `sandbox-token`",
        project_id="1",
        project_name="First",
        exports=(DemoExport("archive", "zip"),),
        fault_project_id="9{:02}",
        content_types={"zip": "application/zip"},
        authorised_downloads=True,
    )

    def build_routes(self) -> None:
        self.route("POST", "/projects/{project}/export", "submit", self.export)
        self.route("GET", "/projects/{project}/jobs/{job}/file", "file", self.download, self.by_job)
        self.route("GET", "/projects/{project}/jobs/{job}/archive", "file", self.redirect_to_storage, self.by_job)

    def authenticate(self, call: Request) -> str | Response:
        token = call.header("Authorization").removeprefix("Bearer ")
        return token if self.accepts("token", token) else self.error_response(401)

    def error_response(self, status: int, message: str = "") -> Response:
        return json_response({"error": message or status}, status)

    def job_not_found(self) -> Response:
        return self.error_response(404)

    def export(self, call: Request) -> Response:
        job = self.make_job(call, call.path_parameters["project"], "archive", "zip", {}, share=0.0)
        return json_response({"id": job.id}, 201)

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        return iter((("1", "well-behaved"),))

    def file_name(self, job: Job) -> str:
        return "file.zip"

    def content(self, job: Job, version: int) -> Blob:
        return build_zip_of([("README.txt", b"Made by a stand-in.")], 4000, job.id, b"0123456789")


@pytest.fixture
def depot() -> Iterator[Sandbox]:
    with Sandbox(limits="off", stand_ins=(Depot,)) as sandbox:
        yield sandbox


def link(depot: Sandbox, route: str = "file", number: int | None = None) -> str:
    """The address of a new job's file, of the well-behaved project or of the fault project with this number."""
    project = "1" if number is None else Depot.declaration.fault_project(number)
    address = f"{depot.origin('depot')}/projects/{project}"
    made = requests.post(f"{address}/export", headers=AUTHORISED, timeout=TIMEOUT_SECONDS)
    return f"{address}/jobs/{made.json()['id']}/{route}"


def get(url: str, **more: str) -> requests.Response:
    return requests.get(url, headers=more, timeout=TIMEOUT_SECONDS, allow_redirects=False)


def test_a_file_is_sent_only_with_the_credential(depot: Sandbox) -> None:
    address = link(depot)
    assert get(address).status_code == 401
    answer = get(address, **AUTHORISED)
    assert (answer.status_code, answer.content[:2]) == (200, b"PK")
    assert get(address, Range="bytes=10-19", **AUTHORISED).status_code == 206
    assert depot.ledger()["credential_leaks"] == []


def test_a_credential_at_the_storage_is_a_leak(depot: Sandbox) -> None:
    answer = get(link(depot, "archive"), **AUTHORISED)
    assert answer.status_code == 302
    storage = answer.headers["Location"]
    assert not storage.startswith(depot.origin("depot") + "/")
    assert get(storage).content[:2] == b"PK"
    assert depot.ledger()["credential_leaks"] == []
    assert get(storage, **AUTHORISED).status_code == 200
    assert [leak["carried"] for leak in depot.ledger()["credential_leaks"]] == [["Authorization"]]


@pytest.mark.parametrize("route", ["file", "archive"])
def test_a_download_can_be_refused(depot: Sandbox, route: str) -> None:
    for _ in range(3):
        assert get(link(depot, route, 72), **AUTHORISED).status_code == 401


def test_a_download_can_lead_to_another_place(depot: Sandbox) -> None:
    storage = get(link(depot, number=71), **AUTHORISED).headers["Location"]
    assert not storage.startswith(depot.origin("depot") + "/")
    assert get(storage).content[:2] == b"PK"
    depot.fault(on="file", fault="redirect_elsewhere", location="https://another.example/file")
    assert get(link(depot), **AUTHORISED).headers["Location"] == "https://another.example/file"


def test_a_download_that_was_refused_for_good_works_again_at_once(depot: Sandbox) -> None:
    address = link(depot, number=58)
    assert [get(address, **AUTHORISED).status_code for _ in range(2)] == [410, 200]


def test_it_is_served_with_all_common_faults(depot: Sandbox) -> None:
    page = requests.get(depot.address, timeout=TIMEOUT_SECONDS).text
    rows = list(fault_projects(Depot.declaration))
    assert len(rows) > 60
    assert all(f"<code>{Depot.declaration.fault_project(row.number)}</code>" in page for row in rows)
    assert ARCHIVES.label not in page
    truncated = link(depot, number=51)
    with pytest.raises(OSError, match="IncompleteRead"):
        get(truncated, **AUTHORISED)
