"""A client of Toloka, and operations, projects and pools as the documents show them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from exports.providers.contract import Job
from exports.providers.toloka import Toloka
from exports.transport.client import Client
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer

API = "/api/v1"
ARCHIVE = f"POST {API}/projects/10/archive"
PROJECT = f"GET {API}/projects/10"
OPERATIONS = f"GET {API}/operations"
OPERATION = f"GET {API}/operations/57068577e4b0bf7b07a0256f"
POOLS = f"GET {API}/pools"
TRAININGS = f"GET {API}/trainings"
ASSIGNMENTS = f"GET {API}/assignments"
ID = "57068577e4b0bf7b07a0256f"


def operation(status: str = "PENDING", **more: Any) -> dict[str, Any]:
    """The seed's own sample, with another status."""
    return {
        "id": ID,
        "type": "PROJECT.ARCHIVE",
        "status": status,
        "submitted": "2016-04-07T16:06:15.902",
        "parameters": {"project_id": "10"},
        **more,
    }


def error(code: str, message: str = "It cannot be done", **more: Any) -> dict[str, Any]:
    """The body of an error."""
    return {"request_id": "req-1", "code": code, "message": message, **more}


def items(*rows: Mapping[str, Any], more: bool = False) -> Reply:
    """One page of a list."""
    return Reply(body={"items": list(rows), "has_more": more})


def pool(id_: int | str, status: str, name: str = "", project: int | str = "10") -> dict[str, Any]:
    return {"id": id_, "project_id": project, "private_name": name or f"Pool {id_}", "status": status}


def project(status: str = "ACTIVE") -> Reply:
    return Reply(body={"id": "10", "public_name": "Street signs", "status": status})


def job(**more: Any) -> Job:
    return Job(**{"project": "10", "type": "archive", "format": "none", **more})


class Pools:
    """Pools and trainings that are archived when they are asked to be."""

    def __init__(self, stub: StubServer, pools: Mapping[str, str], trainings: Mapping[str, str]) -> None:
        self.stub = stub
        self.status = {"pools": dict(pools), "trainings": dict(trainings)}
        self.answers: dict[str, Reply] = {}
        for name in self.status:
            stub.on(f"GET {API}/{name}", self.listed)
            for id_ in self.status[name]:
                stub.on(f"POST {API}/{name}/{id_}/archive", self.archive)
        stub.on(PROJECT, project())
        stub.on(OPERATIONS, items())

    def listed(self, request: ReceivedRequest) -> Reply:
        name = request.path.partition("?")[0].rpartition("/")[2]
        return items(*(pool(id_, status) for id_, status in self.status[name].items()))

    def archive(self, request: ReceivedRequest) -> Reply:
        id_ = request.path.split("/")[-2]
        self.stub.on(f"GET {API}/operations/op-{id_}", Reply(body={"id": f"op-{id_}", "status": "RUNNING"}))
        return self.answers.get(id_) or Reply(202, {"id": f"op-{id_}", "type": "POOL.ARCHIVE", "status": "PENDING"})

    def finish(self, *ids: str) -> None:
        """Their operations are over."""
        for statuses in self.status.values():
            statuses.update({id_: "ARCHIVED" for id_ in ids if id_ in statuses})

    def requests(self) -> list[str]:
        """Which were asked to be archived, in order."""
        return [one.path.split("/")[-2] for one in self.stub.requests if one.method == "POST"]


@pytest.fixture
def toloka() -> Toloka:
    return Toloka()


@pytest.fixture
def client(connect: Callable[..., Client], toloka: Toloka) -> Client:
    return connect(toloka, {"token": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
