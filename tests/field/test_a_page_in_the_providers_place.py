"""The page of a firewall or proxy in answer to the request, or before it: not the provider's word, so asked again."""

import pytest

from exports import states
from exports.models import Change, Export
from tests.field.conftest import LIST, NAMING_JOBS, POLL, SUBMIT, Field, recorded
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.samples import SAMPLES
from tests.helpers.stub_server import Reply

PAGE = "<!doctype html><title>One moment</title>"
HTML = {"Content-Type": "text/html"}
PAGES = {
    "a firewall's": recorded("firewall-page.http"),
    "404 of a proxy": Reply(404, "  <html>default backend</html>", HTML),
    "407 of a proxy": Reply(407, PAGE, HTML),
    "400 as XML": Reply(400, "\ufeff<?xml version='1.0'?><error/>", {"Content-Type": "text/xml"}),
}


def notes(export: Export) -> str:
    return "\n".join(Change.objects.filter(export=export).values_list("note", flat=True))


@pytest.mark.parametrize("provider", NAMING_JOBS)
@pytest.mark.parametrize("page", PAGES)
def test_the_request_is_sent_again_and_the_history_says_why(field: Field, provider: str, page: str) -> None:
    field.server.on(SUBMIT[provider], PAGES[page], field.accepted(provider))
    field.server.on(POLL[provider], Reply(body=field.job(provider)))
    export = field.run(provider)
    assert (export.status, export.error_message) == (states.SUCCEEDED, "")
    assert field.requests(provider) == 2
    assert notes(export).count("That came as a web page, not from") == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_stays_ends_it_after_two_requests(field: Field, page: str) -> None:
    field.server.on(SUBMIT[ARCHIVES], PAGES[page])
    export = field.run(ARCHIVES)
    codes = {"a firewall's": "credential", "404 of a proxy": "not_found"}
    assert (export.status, export.error_code) == (states.FAILED, codes.get(page, "rejected"))
    assert field.requests(ARCHIVES) == 2
    assert 9 < field.time.passed < 60


def test_a_page_instead_of_the_list_before_the_request_is_asked_past(field: Field) -> None:
    empty = Reply(body=SAMPLES[TABLES].listed())
    field.server.on(LIST[TABLES], PAGES["a firewall's"], PAGES["a firewall's"], empty)
    field.server.on(SUBMIT[TABLES], field.accepted(TABLES))
    field.server.on(POLL[TABLES], Reply(body=field.job(TABLES)))
    export = field.run(TABLES)
    assert (export.status, field.requests(TABLES)) == (states.SUCCEEDED, 1)


def test_after_an_answer_that_was_lost_a_page_is_no_reason_for_a_third_request(field: Field) -> None:
    field.server.on(SUBMIT[TABLES], Reply(500), PAGES["a firewall's"])
    export = field.run(TABLES)
    assert (export.status, export.error_code) == (states.FAILED, "unconfirmed")
    assert field.requests(TABLES) == 2


def test_a_refusal_in_its_own_words_ends_at_once(field: Field) -> None:
    field.server.on(SUBMIT[ARCHIVES], Reply(404, {"error": "No such project"}))
    export = field.run(ARCHIVES)
    assert (export.error_code, field.requests(ARCHIVES)) == ("not_found", 1)
