"""Each stand-in goes from the request to a valid file."""

from collections.abc import Callable

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, Client, download, set_progress, slow_down_jobs, with_client

Make = Callable[[str], Client]


@pytest.mark.parametrize("provider", with_client())
def test_every_state_is_passed_in_order(client: Make, sandbox: Sandbox, provider: str) -> None:
    slow_down_jobs(sandbox)
    one, words = client(provider), []
    job = one.start()
    for share in (0.0, 0.5, 1.0):
        set_progress(sandbox, provider, HEALTHY_PROJECTS[provider], share)
        words.append(one.job_status(job).word)
    assert tuple(words) == one.words


def test_the_same_file_comes_twice_and_another_job_has_another_one(client: Make) -> None:
    play = client(ARCHIVES)
    first, second = play.link(), play.link()
    assert download(first).content == download(first).content != download(second).content
