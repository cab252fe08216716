"""The stand-in of GitHub: tokens that may not, limits that are used up, and a gateway that hides what was done."""

import time

import pytest

from exports.sandbox.server import Sandbox
from tests.sandbox.github.conftest import ACME, GitHubClient


@pytest.mark.parametrize(
    ("token", "path", "status", "message"),
    [
        ("nobody", "/user", 401, "Bad credentials"),
        ("sandbox-few-scopes", "/orgs/acme/migrations", 404, "Not Found"),
        ("sandbox-fine-grained", "/user/migrations", 403, "Resource not accessible"),
        ("sandbox-token", "/orgs/elsewhere/migrations", 404, "Not Found"),
        ("sandbox-token", "/orgs/saml/repos", 403, "SAML"),
        ("sandbox-token", "/orgs/strict/repos", 403, "forbids access"),
    ],
)
def test_refusals_are_in_githubs_words(sandbox: Sandbox, token: str, path: str, status: int, message: str) -> None:
    answer = GitHubClient(sandbox, token).call("GET", path)
    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert ("X-GitHub-SSO" in answer.headers) is ("saml" in path)


@pytest.mark.parametrize(
    ("token", "scopes"),
    [("sandbox-token", "admin:org, repo, user"), ("sandbox-few-scopes", "public_repo"), ("sandbox-fine-grained", None)],
)
def test_a_header_names_the_scopes_of_a_classic_token(sandbox: Sandbox, token: str, scopes: str | None) -> None:
    assert GitHubClient(sandbox, token).call("GET", "/user").headers.get("X-OAuth-Scopes") == scopes


def test_a_used_up_limit_leaves_nothing_remaining(github: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.settings(limits=0.0004)
    answers = [github.call("GET", "/user") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["1", "0", "0"]
    assert "rate limit" in answers[2].json()["message"]
    assert 3500 < int(answers[2].headers["x-ratelimit-reset"]) - time.time() < 3602


def test_a_gateway_may_answer_502_although_the_migration_was_made(github: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.fault(provider="github", project="orgs/acme", on="submit", fault="status", status=502, done=True)
    answer = github.call("POST", ACME, json={"repositories": ["website"]})
    assert (answer.status_code, sandbox.jobs("github", "orgs/acme")) == (502, 1)
