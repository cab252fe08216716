"""A client of GitHub, and replies as its documents show them."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.contract import Job
from exports.providers.github import GitHub
from exports.transport.client import Client
from tests.helpers.stub_server import Reply

ORG = "/orgs/acme"
MIGRATIONS = f"{ORG}/migrations"
REPOS = f"GET {ORG}/repos"
NAMES = ["acme/api", "acme/website"]
FLAGS = (
    *("lock_repositories", "exclude_metadata", "exclude_git_data", "exclude_attachments", "exclude_releases"),
    *("exclude_owner_projects", "org_metadata_only"),
)


def migration(id_: Any = 79, state: str = "pending", **fields: Any) -> dict[str, Any]:
    """A migration as documented, without its repositories."""
    return {
        "id": id_,
        "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
        "state": state,
        "owner": {"login": "acme", "id": 1, "type": "Organization"},
        **dict.fromkeys(FLAGS, False),
        "url": f"https://api.github.com{MIGRATIONS}/{id_}",
        "created_at": "2026-11-30T15:33:38-07:00",
        "updated_at": "2026-11-30T15:40:00-07:00",
        **fields,
    }


def repositories(*names: str, following: bool = False) -> Reply:
    """A page of repositories, cut to what clients look at; `following`: its header names a next page."""
    rows = [{"id": number, "name": name.partition("/")[2], "full_name": name} for number, name in enumerate(names)]
    link = '<https://api.github.com/organizations/1/repos?per_page=100&page=2>; rel="next", <…&page=2>; rel="last"'
    return Reply(body=rows, headers={"Link": link.replace("…", "https://api.github.com/?")} if following else {})


def refusal(message: str, **fields: Any) -> dict[str, Any]:
    """An error body as documented."""
    return {"message": message, **fields, "documentation_url": "https://docs.github.com/rest"}


def job(**fields: Any) -> Job:
    """An export of the organization, with the baseline of its request."""
    baseline = {"last": 78, "repositories": NAMES}
    return Job(**{"project": "orgs/acme", "type": "archive", "format": "tar.gz", "baseline": baseline, **fields})


@pytest.fixture
def github() -> GitHub:
    return GitHub()


@pytest.fixture
def client(connect: Callable[..., Client], github: GitHub) -> Client:
    return connect(github, {"token": "ghp_abcdefghijklmnopqrstuvwxyz"})
