"""A 403 is a limit where headers or words say so, and else a refusal in GitHub's own words."""

from typing import Any

import pytest

from exports.providers.github import GitHub
from exports.transport.client import Client
from exports.transport.errors import BusyError, CredentialError, RefusedError, UnclearError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.github.conftest import MIGRATIONS, job, migration, refusal

POST = f"POST {MIGRATIONS}"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
SAML = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access."


def submit(stub: StubServer, client: Client, reply: Reply) -> None:
    stub.on(POST, reply)
    GitHub().submit(client, job())


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("message", "headers", "seconds"),
    [
        ("API rate limit exceeded for user ID 1.", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "120"}, 120),
        (SECONDARY, {"retry-after": "45", "x-ratelimit-remaining": "4321"}, 45),
        (SECONDARY, {"x-ratelimit-remaining": "4321"}, 60),
        ("Slow down", {"retry-after": "7"}, 7),
    ],
)
def test_limits_are_waited_for(
    stub: StubServer, client: Client, status: int, message: str, headers: dict[str, str], seconds: float
) -> None:
    with pytest.raises(BusyError) as caught:
        submit(stub, client, Reply(status, refusal(message), headers))
    assert caught.value.pause
    assert caught.value.seconds == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize(
    "message",
    [SAML, "`acme` forbids access via a personal access token (classic).", "Must have admin rights to Repository."],
)
def test_a_403_with_calls_left_is_about_the_token(stub: StubServer, client: Client, message: str) -> None:
    headers = {
        "x-ratelimit-remaining": "4999",
        "X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?x=SECRET",
    }
    with pytest.raises(CredentialError) as caught:
        submit(stub, client, Reply(403, refusal(message), headers))
    assert message in caught.value.message
    assert "SECRET" not in caught.value.message
    assert (caught.value.known, caught.value.final) == (True, True)


def test_a_422_says_what_is_wrong(stub: StubServer, client: Client) -> None:
    errors = [{"resource": "Migration", "field": "repositories", "code": "invalid", "value": "acme/gone"}]
    with pytest.raises(RefusedError, match="Validation Failed: Migration repositories invalid acme/gone"):
        submit(stub, client, Reply(422, refusal("Validation Failed", errors=errors)))


@pytest.mark.parametrize("errors", [None, "no", [], [None, 3], {}])
def test_a_422_of_any_form_is_a_refusal(stub: StubServer, client: Client, errors: Any) -> None:
    with pytest.raises(RefusedError, match="Validation Failed"):
        submit(stub, client, Reply(422, refusal("Validation Failed", errors=errors)))


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_page_of_a_gateway_leaves_it_open_whether_the_migration_runs(
    stub: StubServer, client: Client, status: int
) -> None:
    with pytest.raises(UnclearError):
        submit(stub, client, Reply(status, "<html>Unicorn!</html>"))


def test_a_limit_that_passes_does_not_stop_the_poll_for_good(stub: StubServer, client: Client) -> None:
    stub.on(f"GET {MIGRATIONS}/79", Reply(403, refusal(SECONDARY)), Reply(body=migration(79)))
    with pytest.raises(BusyError):
        GitHub().poll(client, job(remote_id="79"))
    assert GitHub().poll(client, job(remote_id="79")).state == "running"
