"""A client of GitLab, and the replies that most tests share (docs.gitlab.com/api/project_import_export)."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.contract import Job
from exports.providers.gitlab import GitLab
from exports.transport.client import Client
from tests.helpers.stub_server import Reply, StubServer

EXPORT = "/api/v4/projects/5/export"
SECRETS = {"token": "glpat-not-a-real-token"}
ACCEPTED = Reply(202, {"message": "202 Accepted"})


def shown(word: str, **fields: Any) -> Reply:
    """The status of a project's export, as documented; `created_at` is the project's own."""
    body = {
        "id": 5,
        "description": "Itaque perspiciatis minima aspernatur corporis consequatur.",
        "name": "Gitlab Test",
        "name_with_namespace": "Gitlab Org / Gitlab Test",
        "path": "gitlab-test",
        "path_with_namespace": "gitlab-org/gitlab-test",
        "created_at": "2017-08-29T04:36:44.383Z",
        "export_status": word,
    }
    return Reply(body={**body, **fields})


def job(**fields: Any) -> Job:
    """An export of the one project."""
    return Job(**{"project": "5", "type": "archive", "format": "tar.gz", "baseline": {"status": "none"}, **fields})


@pytest.fixture
def gitlab() -> GitLab:
    return GitLab()


@pytest.fixture
def client(connect: Callable[..., Client], gitlab: GitLab, stub: StubServer) -> Client:
    stub.on(f"GET {EXPORT}", shown("none"))
    return connect(gitlab, SECRETS)
