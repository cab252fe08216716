"""The page of one export: the result first, the timeline, who must act, and the buttons."""

import pytest
from django.test import Client
from django.utils import timezone

from exports import states
from exports.models import Call, Change, Export
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def address(export: Export, tail: str = "") -> str:
    return f"/t/the-team/exports/{export.pk}/{tail}"


def page(client: Client, export: Export) -> str:
    answer = client.get(address(export))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_open_export_says_what_happens_next(as_member: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    Export.objects.filter(pk=export.pk).update(wait_note="Waiting for the provider's rate limit.")
    text = page(as_member, export)
    assert "Next check" in text
    assert "Waiting for the provider&#x27;s rate limit." in text
    assert "We stop watching" in text
    assert 'value="40" max="100"' in text
    assert f"{TABLES.label} reports “running”" in text
    assert 'hx-trigger="every 2s, shown"' in text
    assert "state-processing" in text


def test_until_the_request_is_taken_the_page_says_when_trying_ends(as_member: Client, cast: Cast) -> None:
    text = page(as_member, factories.waiting_export(cast))
    assert "We stop trying" in text
    assert "We stop watching" not in text


def test_a_job_in_doubt_is_reported_with_what_may_follow(as_member: Client, cast: Cast) -> None:
    export = factories.waiting_export(cast)
    rows = Export.objects.filter(pk=export.pk)
    rows.update(request_sent_at=timezone.now())
    assert "We only request it again if a complete list stays without it for minutes." in page(as_member, export)
    rows.update(may_ask_again=False)
    assert "We won&#x27;t request it again." in page(as_member, export)
    rows.update(request_sent_at=None)
    assert "so we request it once more, and not again after that" in page(as_member, export)


@pytest.mark.parametrize(("status", "said"), [(500, "answered the request with HTTP 500."), (None, "did not answer")])
def test_a_request_in_doubt_says_what_came_back(as_member: Client, cast: Cast, status: int | None, said: str) -> None:
    export = factories.failed_export(cast, "unconfirmed", "It is not known.")
    token = ("POST", 200)
    calls = [("POST", status), token, ("GET", 200)]
    Call.objects.bulk_create(
        Call(export=export, at=timezone.now(), method=method, url="https://x.example/", status=answer, seconds=1.0)
        for method, answer in calls
    )
    text = page(as_member, export)
    assert said in text
    assert text.count("It is not known.") == 1, "the timeline does not repeat it"


def test_the_list_of_downloads_is_read_again_after_a_download(as_member: Client, cast: Cast) -> None:
    text = page(as_member, factories.succeeded_export(cast))
    assert 'hx-trigger="downloaded from:body delay:1s" hx-select="#downloads"' in text


def test_a_403_of_one_project_says_so_and_not_that_the_credential_is_refused(as_member: Client, cast: Cast) -> None:
    message = f"{states.NO_ACCESS}. {TABLES.label} answered 403."
    text = page(as_member, factories.failed_export(cast, "credential", message))
    assert "No access to this project</" in text
    assert "did not accept the credential" not in text


def test_the_result_comes_first(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    text = page(as_member, export)
    assert export.file is not None
    assert text.index("orders.csv") < text.index("Timeline")
    assert export.file.sha256 in text
    assert address(export, "")[:-1] + "/file" in text
    assert "every 2s" not in text


def test_the_whole_timeline_is_there(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast)
    text = page(as_member, export)
    assert text.count('<li class="to-') == Change.objects.filter(export=export).count() == 3
    assert cast.member.user.email in text
    assert text.count('<span class="by">Portal') + text.count('<span class="by">Provider') == 2
    assert text.count("data-exact") >= 3


@pytest.mark.parametrize("code", states.ERROR_CODES)
def test_every_failure_says_who_must_act_and_how(as_member: Client, cast: Cast, code: str) -> None:
    text = page(as_member, factories.failed_export(cast, code, "What happened."))
    turn = {"you": "Your turn", "us": "Needs an admin", "provider": f"{TABLES.label}&#x27;s turn"}
    assert turn[states.DEFAULT_ACTION[code]] in text
    assert "What happened." in text
    assert "Retry" in text
    assert ('id="adopt"' in text) == (code in ("unconfirmed", "deadline", "unreadable"))
    assert ("Follow job again" in text) == (code == "deadline")


def test_options_are_shown_with_their_labels(as_member: Client, cast: Cast) -> None:
    options = {"columns": {"order.id": "Number <b>"}}
    text = page(as_member, factories.waiting_export(cast, options=options))
    assert "Columns" in text
    assert "Number &lt;b&gt;" in text


def test_an_unknown_provider_still_has_a_history(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    type(export.project.credential).objects.update(provider="gone")
    text = page(as_member, export)
    assert "gone" in text
    assert "orders.csv" in text
    for path in ("", "exports/", "projects/", "credentials/", f"credentials/{export.project.credential_id}/", "new/"):
        assert as_member.get(f"/t/the-team/{path}").status_code == 200


def test_the_file_is_served_with_ranges(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    whole = as_viewer.get(address(export, "file").replace("//", "/"))
    assert b"".join(whole) == factories.ORDERS_CSV
    assert "orders.csv" in whole["Content-Disposition"]
    part = as_viewer.get(address(export, "file"), headers={"Range": "bytes=0-4"})
    assert part.status_code == 206
    assert b"".join(part) == factories.ORDERS_CSV[:5]


def test_an_export_without_a_file_says_so(as_viewer: Client, cast: Cast) -> None:
    answer = as_viewer.get(address(factories.failed_export(cast), "file"))
    assert answer.status_code == 404
    assert "This export has no file." in answer.content.decode()


def test_an_open_export_can_be_canceled(as_member: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    assert as_member.post(address(export, "cancel"))["Location"] == address(export)
    export.refresh_from_db()
    assert export.status == "canceled"
    last = Change.objects.filter(export=export).latest("seq")
    assert (last.source, last.actor) == ("person", cast.member.user.email)
    again = as_member.post(address(export, "cancel"), follow=True).content.decode()
    assert "has ended already" in again


def test_two_retries_create_one_new_export(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast)
    first = as_member.post(address(export, "retry"))
    second = as_member.post(address(export, "retry"))
    new = Export.objects.get(retry_of=export)
    assert first["Location"] == second["Location"] == address(new)
    assert f">#{new.pk}</a>" in page(as_member, export)
    assert f">#{export.pk}</a>" in page(as_member, new)


def test_an_open_export_is_not_retried(as_member: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    assert "still open" in as_member.post(address(export, "retry"), follow=True).content.decode()
    assert Export.objects.count() == 1


def test_a_running_job_can_be_adopted(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "unconfirmed")
    assert as_member.post(address(export, "adopt"), {"remote_id": " 88 "}).status_code == 302
    new = Export.objects.get(retry_of=export)
    assert (new.remote_id, new.step, new.trigger) == ("88", "poll", "adopt")
    bad = as_member.post(address(export, "adopt"), {"remote_id": "a/b"}, follow=True).content.decode()
    assert "1 to 200 characters" in bad
    twin = as_member.post(address(export, "adopt"), {"remote_id": "88"}, follow=True).content.decode()
    assert "already follows this job" in twin


@pytest.mark.parametrize("verb", ["cancel", "retry", "adopt"])
def test_a_get_request_changes_nothing(as_member: Client, cast: Cast, verb: str) -> None:
    export = factories.processing_export(cast)
    assert as_member.get(address(export, verb)).status_code in (200, 302)
    export.refresh_from_db()
    assert export.status == "processing"
    assert Export.objects.count() == 1


def test_the_live_refresh_returns_the_same_part_as_the_page(as_member: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    whole = page(as_member, export)
    part = as_member.get(address(export), headers={"HX-Request": "true"}).content.decode()
    assert part.startswith("<title>Running: Orders of")
    start = part.index('<div id="live"')
    assert part[start:].strip() in whole
    assert "csrf" not in part


def test_texts_of_providers_are_escaped(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, message="<script>alert(1)</script>")
    Export.objects.filter(pk=export.pk).update(messages=["<img src=x>"], provider_status="<b>bad</b>")
    text = page(as_member, export)
    assert "<script>alert" not in text
    assert "<img src=x>" not in text
    assert "<b>bad</b>" not in text
