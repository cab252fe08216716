"""The activity page: by day in the reader's zone, bulk actions as one line, plain words, pages that cut no line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from exports.audit import log as audit_log
from exports.exporting import bulk
from exports.models import AuditEntry, User
from exports.web import activity_lines
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

ACTIVITY = "/t/the-team/activity/"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def record(
    cast: Cast, verb: str, target: str, at: datetime = NOON, user: User | str | None = None, **more: str
) -> None:
    with time_machine.travel(at, tick=False):
        audit_log.record_event(cast.team, user or cast.member.user, verb, target, **more)


def text_of(answer: Any) -> str:
    """What the page says, without tags and with single spaces."""
    main = answer.content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def lines(cast: Cast) -> list[tuple[str, str, str, str]]:
    """Who, did what, how many of what, and the rest, of every line, newest first."""
    entries = list(AuditEntry.objects.filter(team=cast.team).select_related("user").order_by("-pk"))
    return [
        (line.actor, line.phrase, line.count_text or line.entries[0].target, line.meta)
        for _at, found in activity_lines.group_by_day(entries)
        for line in found
    ]


def test_a_bulk_action_is_one_line_with_all_of_it_below(as_owner: Client, cast: Cast) -> None:
    exports = [factories.waiting_export(cast, allow_duplicate=True) for _ in range(12)]
    AuditEntry.objects.all().delete()
    bulk.cancel(exports, actor=cast.owner.user.email)
    first, last = exports[0].pk, exports[-1].pk
    assert lines(cast) == [("Owner", "canceled", "12 exports", f"#{first}\N{EN DASH}#{last}")]
    answer = as_owner.get(ACTIVITY)
    assert f"Owner canceled 12 exports #{first}\N{EN DASH}#{last}" in text_of(answer)
    assert all(f'href="/t/the-team/exports/{export.pk}/"' in answer.content.decode() for export in exports)


def test_what_another_person_verb_or_pause_separates_is_no_bulk_action(cast: Cast) -> None:
    for number, (verb, minutes, person) in enumerate(
        [
            ("canceled", 0, cast.member.user),
            ("canceled", 1, cast.owner.user),
            ("retried", 2, cast.owner.user),
            ("retried", 9, cast.owner.user),
        ],
        1,
    ):
        record(cast, verb, f"export {number}: Orders of Bakery", NOON + timedelta(minutes=minutes), person)
    assert [(who, verb, meta) for who, verb, _target, meta in lines(cast)] == [
        ("Owner", "retried", "#4"),
        ("Owner", "retried", "#3"),
        ("Owner", "canceled", "#2"),
        ("Member", "canceled", "#1"),
    ]


def test_downloads_and_deleted_files_are_counted_as_files(cast: Cast) -> None:
    for number in (1, 2, 5, 7):
        record(cast, "downloaded", f"orders.csv of export {number}", detail="in a zip")
    record(cast, "deleted file", "a.zip of export 9", detail="3 bytes")
    assert lines(cast) == [
        ("Member", "deleted", "a.zip", "#9, 3 bytes"),
        ("Member", "downloaded", "4 files", "#1, #2, #5 and 1 more"),
    ]


def test_verbs_read_as_plain_words_and_unknown_ones_as_they_are(cast: Cast) -> None:
    record(cast, "changed password", "own")
    record(cast, "replaced secrets", f"credential Main ({TABLES})")
    record(cast, "asked for", "export 3: Orders of Bakery", user="schedule 5")
    record(cast, "polished", "the silver", user="a command")
    assert lines(cast) == [
        ("A command", "polished", "the silver", ""),
        ("Schedule 5", "ran", "Orders of Bakery", "#3"),
        ("Member", "replaced the secret of", f"credential Main ({TABLES})", ""),
        ("Member", "changed the password", "", ""),
    ]


@time_machine.travel(NOON, tick=False)
def test_days_are_those_of_the_readers_zone(as_owner: Client, cast: Cast) -> None:
    record(cast, "added", "project today", NOON - timedelta(hours=1))
    record(cast, "added", "project late", NOON - timedelta(hours=13))
    headings = [re.findall(r'<h2 class="eyebrow"[^>]*>([^<]+)', as_owner.get(ACTIVITY).content.decode())]
    User.objects.filter(pk=cast.owner.user.pk).update(time_zone="Europe/Paris")
    headings.append(re.findall(r'<h2 class="eyebrow"[^>]*>([^<]+)', as_owner.get(ACTIVITY).content.decode()))
    assert headings == [["Yesterday", "Today"], ["Today"]]


@pytest.mark.parametrize("usual", [2, 6, 10])
def test_pages_go_on_without_cutting_a_bulk_action(
    as_owner: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch, usual: int
) -> None:
    monkeypatch.setattr("exports.web.views.activity.MAX_ENTRIES", 10)
    monkeypatch.setattr("exports.web.views.activity.USUAL_ENTRIES", usual)
    monkeypatch.setattr("exports.web.views.activity.MAX_LINES", 3)
    groups = [4, 3, 1, 1, 5, 2, 1]
    for group, count in enumerate(groups):
        for number in range(count):
            record(cast, "canceled", f"export {group * 10 + number}: Orders of B", NOON + timedelta(hours=group))
    seen: list[str] = []
    more = [""]
    while more:
        found = as_owner.get(ACTIVITY + more[0]).content.decode()
        seen += re.findall(r"canceled</span>\s+(\d+ exports|<a)", found)
        more = re.findall(r'rel="next" href="(\?[^"]+)"', found)
    assert [1 if text == "<a" else int(text.split()[0]) for text in seen] == groups[::-1]


def test_only_security_leaves_out_the_rest(as_owner: Client, cast: Cast) -> None:
    record(cast, "canceled", "export 1: Orders of Bakery")
    record(cast, "changed role", "member viewer@example.org")
    found = text_of(as_owner.get(f"{ACTIVITY}?only=security"))
    assert "changed the role of member viewer@example.org" in found
    assert "Orders of Bakery" not in found
    assert "Leave it out, or say security." in text_of(as_owner.get(f"{ACTIVITY}?only=fun"))


def test_a_page_takes_the_same_number_of_queries_however_much_it_shows(
    as_owner: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(40):
        record(cast, "canceled", f"export {number}: Orders of Bakery", NOON + timedelta(minutes=5 * number))
    with django_assert_max_num_queries(6):
        as_owner.get(ACTIVITY)


def test_one_bulk_action_longer_than_a_usual_page_is_one_line(
    as_owner: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(150):
        record(cast, "canceled", f"export {number}: Orders of Bakery", NOON + timedelta(seconds=number))
    with django_assert_max_num_queries(7):
        found = as_owner.get(ACTIVITY).content.decode()
    assert re.findall(r"canceled</span>\s+(\d+ exports|<a)", found) == ["150 exports"]
