"""What providers, and what stands in front of them, really answer while a job runs."""

from typing import Any

import pytest

from exports import states
from exports.models import Change, Export
from tests.field.conftest import EVERY, POLL, SUBMIT, WITH_FILES, Field, recorded
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.samples import SAMPLES
from tests.helpers.stub_server import Reply

PAGE = "<html>Attention required: checking your browser</html>"
HTML = {"Content-Type": "text/html"}
NOT_THE_PROVIDER: dict[str, Reply] = {
    "a firewall's page": recorded("firewall-page.http"),
    "401 page": Reply(401, PAGE, HTML),
    "400 page": Reply(400, PAGE, HTML),
    "407 of a proxy": Reply(407, PAGE, HTML),
    "451 page": Reply(451, PAGE, HTML),
    "404 page": Reply(404, PAGE, HTML),
    "410 page": Reply(410, PAGE, HTML),
    "403 without a body": Reply(403),
    "403 of a gateway, as JSON": Reply(403, {"message": "Forbidden"}),
    "200 page": Reply(200, PAGE, HTML),
    "302 to a sign-in of the network": Reply(302, PAGE, {"Location": "https://login.example.org/"}),
    "302 in circles": Reply(302, None, {"Location": "?"}),
    "200 without a body": Reply(200),
    "200 cut in its JSON": Reply(200, b'{"id": 5'),
}


def watched(field: Field, provider: str, *answers: Any, then_done: bool = True) -> Export:
    """An export whose job is polled with these answers first, and then as usual."""
    field.server.on(SUBMIT[provider], field.accepted(provider))
    usual = [done(field, provider)] if then_done else []
    field.server.on(POLL[provider], *answers, *usual)
    export = field.run(provider)
    assert field.requests(provider) == 1
    return export


def done(field: Field, provider: str) -> Reply:
    return Reply(body=field.job(provider))


def went_on(export: Export) -> bool:
    """Whether the export went on to what its job came to in the end."""
    return (export.status, export.error_code) == (states.SUCCEEDED, "")


@pytest.mark.parametrize("provider", EVERY)
@pytest.mark.parametrize("odd", [*NOT_THE_PROVIDER, "404 in its own words"])
def test_one_answer_that_is_not_the_providers_own_word_ends_nothing(field: Field, provider: str, odd: str) -> None:
    answer = NOT_THE_PROVIDER.get(odd) or Reply(404, SAMPLES[provider].not_found)
    export = watched(field, provider, answer)
    assert went_on(export), export.error_message
    assert field.time.passed < 60


@pytest.mark.parametrize("provider", EVERY)
@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ("a firewall's page", "credential"),
        ("404 page", "not_found"),
        ("404 in its own words", "not_found"),
        ("200 page", "unreadable"),
        ("400 page", "rejected"),
        ("302 to a sign-in of the network", "address"),
    ],
)
def test_what_stays_so_ends_after_two_to_four_minutes(field: Field, provider: str, odd: str, code: str) -> None:
    answer = NOT_THE_PROVIDER.get(odd) or Reply(404, SAMPLES[provider].not_found)
    export = watched(field, provider, answer, then_done=False)
    assert (export.status, export.error_code) == (states.FAILED, code), export.error_message
    assert 120 < field.time.passed < 240
    assert "unreadable answers in a row" in export.error_message
    assert 5 < field.polls(provider) < 16
    export.project.credential.refresh_from_db()
    assert export.project.credential.last_error == ""


@pytest.mark.parametrize("provider", EVERY)
def test_a_403_in_its_own_words_ends_at_once_and_is_no_fault_of_the_credential(field: Field, provider: str) -> None:
    export = watched(field, provider, Reply(403, SAMPLES[provider].forbidden), then_done=False)
    assert (export.error_code, field.polls(provider)) == ("credential", 1)
    assert export.error_message.startswith(states.NO_ACCESS)
    export.project.credential.refresh_from_db()
    assert export.project.credential.last_error == ""


@pytest.mark.parametrize("provider", [slug for slug in EVERY if not SAMPLES[slug].renews_token])
@pytest.mark.parametrize("body", [{"error": "Unauthorized", "code": "AUTHENTICATION_ERROR"}, {"message": "no"}, None])
def test_a_401_ends_at_once_and_is_noted_at_the_credential(field: Field, provider: str, body: object) -> None:
    export = watched(field, provider, Reply(401, body), then_done=False)
    assert (export.error_code, field.polls(provider)) == ("credential", 1)
    export.project.credential.refresh_from_db()
    assert "401" in export.project.credential.last_error or "refused" in export.project.credential.last_error


PASSING: list[dict[str, Any]] = [
    {"code": 5000, "msg": "Internal server error"},
    {"code": 5030, "msg": "Service unavailable"},
    {"code": "E_TMP", "msg": "Temporary failure, please try again"},
    {"code": 7, "msg": ""},
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_a_passing_error_dressed_as_a_refusal_ends_nothing(field: Field, error: dict[str, Any]) -> None:
    export = watched(field, VIDEOS, Reply(body={"success": False, "error": error}))
    assert went_on(export), export.error_message


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_a_passing_error_that_stays_ends_as_unreadable(field: Field, error: dict[str, Any]) -> None:
    export = watched(field, VIDEOS, Reply(body={"success": False, "error": error}), then_done=False)
    assert (export.error_code, export.error_action) == ("unreadable", "provider")
    assert 120 < field.time.passed < 240


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 4020, "msg": "Payment required"}, "rejected"),
        ({"code": 1234, "msg": "Not enough credits"}, "rejected"),
        ({"code": 4040, "msg": "No such project"}, "not_found"),
        ({"code": 4030, "msg": "Forbidden"}, "credential"),
    ],
)
def test_a_refusal_in_its_own_words_inside_200_ends_at_once(field: Field, error: dict[str, Any], code: str) -> None:
    export = watched(field, VIDEOS, Reply(body={"success": False, "error": error}), then_done=False)
    assert (export.error_code, field.polls(VIDEOS)) == (code, 1)


@pytest.mark.parametrize("provider", WITH_FILES)
@pytest.mark.parametrize("seconds", [1, 25, 100])
def test_done_without_a_link_is_waited_for(field: Field, provider: str, seconds: float) -> None:
    late = field.for_seconds(seconds, Reply(body=field.job_without_link(provider)), done(field, provider))
    export = watched(field, provider, late, then_done=False)
    assert (export.status, export.error_message) == (states.SUCCEEDED, "")


@pytest.mark.parametrize("provider", WITH_FILES)
def test_done_that_stays_without_a_link_ends_as_no_file(field: Field, provider: str) -> None:
    export = watched(field, provider, Reply(body=field.job_without_link(provider)), then_done=False)
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "no_file", "provider")
    assert 120 < field.time.passed < 240
    assert "produced no file" in export.error_message
    assert Change.objects.filter(export=export).count() <= 5


def test_odd_answers_between_those_without_a_link_do_not_make_it_wait_longer(field: Field) -> None:
    none, page = Reply(body=field.job_without_link(TABLES)), recorded("firewall-page.http")
    export = watched(field, TABLES, *[none, page] * 20, then_done=False)
    assert export.status == states.FAILED
    assert field.time.passed < 240


@pytest.mark.parametrize(
    "text", [r"a \\u0000 b", r"\\\\u0000", "nul \\u0000 end", "half \\ud83d", r"C:\\uploads", r"\\ud83d"]
)
def test_backslashes_and_odd_characters_in_a_text_do_no_harm(field: Field, text: str) -> None:
    raw = f'{{"id": 501, "status": "running", "messages": ["{text}"], "data": {{}}}}'.encode()
    export = watched(field, ARCHIVES, Reply(200, raw))
    assert (export.status, export.error_message) == (states.SUCCEEDED, "")
    assert field.polls(ARCHIVES) == 2


@pytest.mark.parametrize("progress", ["100%", None, ""])
def test_a_progress_of_another_form_beside_a_link_is_done(field: Field, progress: object) -> None:
    export = watched(field, VIDEOS, Reply(body=field.job(VIDEOS, progress=progress)), then_done=False)
    assert field.server.requests_to("GET /file.mp4")
    assert went_on(export), export.error_message


@pytest.mark.parametrize("provider", EVERY)
def test_errors_of_a_server_are_waited_out_for_longer_than_odd_answers(field: Field, provider: str) -> None:
    assert went_on(watched(field, provider, field.for_seconds(900, Reply(503, PAGE, HTML), done(field, provider))))
