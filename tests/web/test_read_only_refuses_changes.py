"""READ_ONLY: reading works and says so on every page, changes are 503, signing in and out works."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from exports import tasks
from exports.models import Download, Export
from tests.helpers import factories
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.page_routes import PAGES, create_sample_data, visit_url
from tests.helpers.second_factors import is_signed_in


@pytest.fixture
def maintained(settings: Settings, cast: Cast) -> Cast:
    settings.READ_ONLY = True
    return cast


def test_every_page_says_so(maintained: Cast, as_owner: Client) -> None:
    numbers = create_sample_data(maintained)
    seen = 0
    for name, visits in PAGES.items():
        for visit in visits:
            address = visit_url(name, visit, numbers)
            answer = as_owner.get(address)
            if answer.status_code == 200 and b"<html" in getattr(answer, "content", b""):
                seen += 1
                assert b"Nothing can be changed" in answer.content, address
    assert seen > 40


@pytest.mark.parametrize(
    "path", ["/t/the-team/members/invite", "/t/the-team/pause", "/t/the-team/exports/bulk/cancel", "/profile/tokens"]
)
def test_a_form_is_refused_with_a_page(maintained: Cast, as_owner: Client, path: str) -> None:
    answer = as_owner.post(path, {"role": "member"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    page = answer.content.decode()
    assert "Nothing was changed" in page
    assert "Do it again in some minutes" in page
    assert "The Team" in page, "the team's navigation stays"


def test_it_is_refused_before_the_form_is_checked(maintained: Cast) -> None:
    assert Client(enforce_csrf_checks=True).post("/nothing/").status_code == 503


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_api_answers_with_a_problem(maintained: Cast, method: str) -> None:
    answer = Client().generic(method, "/api/v1/exports/1/cancel")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 503
    assert "can only be read" in answer.json()["detail"]


def test_a_providers_webhook_may_come_again(maintained: Cast) -> None:
    answer = Client().post("/hooks/1/x")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


def test_people_sign_in_and_out_and_download_with_a_receipt(maintained: Cast) -> None:
    export = factories.succeeded_export(maintained)
    browser = Client()
    browser.post("/sign-in/", {"username": maintained.member.user.email, "password": PASSWORD})
    assert is_signed_in(browser)
    assert browser.get(f"/t/the-team/exports/{export.pk}/file").status_code == 200
    assert Download.objects.filter(export=export).exists()
    browser.post("/sign-out/")
    assert not is_signed_in(browser)


def test_tasks_do_nothing(maintained: Cast) -> None:
    export = factories.waiting_export(maintained)
    tasks.dispatch()
    tasks.submit(export.pk, 0)
    row = Export.objects.get(pk=export.pk)
    assert (row.fence, row.held_until) == (export.fence, None)


@pytest.mark.parametrize("command", [("create_team", "A Team", "--owner", "a@example.org"), ("purge",)])
def test_commands_that_change_something_are_refused(maintained: Cast, command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(*command)
    assert refused.value.returncode == 75
    assert "nothing was changed" in str(refused.value)


def test_commands_that_read_are_not(maintained: Cast) -> None:
    call_command("projects")
    call_command("purge", "--dry-run")
