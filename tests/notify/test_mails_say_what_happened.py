"""A mail has a text and an HTML part that say the same, times in the reader's zone, and one link to the page."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.urls import resolve

from exports.models import Event, Export, Member, Project, Schedule, Team, User
from exports.models import event as events
from exports.models.event import EVENT_TYPES
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import deliver_due
from tests.helpers.smtp_inbox import SmtpInbox, text_of

PORTAL = "https://portal.example.org"
AT = datetime(2026, 11, 29, 14, 29, tzinfo=UTC)


@pytest.fixture
def export(cast: Cast) -> Export:
    return factories.failed_export(cast, "credential", f"{TABLES.label} answered 403 Forbidden.")


def links_in(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', html)]


def test_times_are_in_the_readers_zone_named_by_its_city(cast: Cast, export: Export, postbox: SmtpInbox) -> None:
    User.objects.filter(pk=cast.member.user_id).update(time_zone="America/New_York")
    Export.objects.update(created_at=AT, finished_at=AT)
    deliver_due()
    [mail] = postbox.mails
    for part in ("plain", "html"):
        assert "09:29, 29 Nov 2026 (New York)" in text_of(mail, part)


def test_both_parts_have_the_same_facts_one_link_and_the_way_to_the_choice(
    cast: Cast, export: Export, postbox: SmtpInbox
) -> None:
    deliver_due()
    [mail] = postbox.mails
    text, html = text_of(mail), text_of(mail, "html")
    assert links_in(html) == [f"{PORTAL}/t/the-team/exports/{export.pk}/", f"{PORTAL}/profile/#mails"]
    assert re.findall(r"https?://\S+", text) == links_in(html)
    shown = unescape(re.sub(r"<style>.*</style>|<[^>]+>", " ", html, flags=re.DOTALL))
    for said in (
        f"{TABLES.label} answered 403 Forbidden.",
        "Your turn: fix this, then retry.",
        f"#{export.pk}",
        "The Team",
    ):
        assert said in shown
    assert f"{TABLES.label} answered 403 Forbidden." in text
    assert not re.search(r"<script|<img|src=|@import|url\(", html)


def test_a_projects_name_is_escaped_in_html_and_ends_no_header(cast: Cast, postbox: SmtpInbox) -> None:
    project = cast.project(TABLES)
    Project.objects.filter(pk=project.pk).update(name='<a href="https://evil.example">\r\nBcc: x@evil.example</a>')
    project.refresh_from_db()
    factories.failed_export(cast, project=project)
    deliver_due()
    [mail] = postbox.mails
    assert mail["Bcc"] is None
    assert "evil.example" not in " ".join(links_in(text_of(mail, "html")))
    assert "&lt;a href=" in text_of(mail, "html")


def every_event(cast: Cast, export: Export) -> None:
    """One event of each kind."""
    schedule = Schedule.objects.create(
        team=cast.team, project=export.project, owner=cast.owner.user, type="orders", format="csv", cron="0 2 * * *",
        enabled=False, disabled_reason="Five failures in a row.",
    )  # fmt: skip
    data: dict[str, dict[str, Any]] = {
        events.SCHEDULE_DISABLED: {"schedule_id": schedule.pk, "reason": "Five failures in a row."},
        events.CREDENTIAL_REFUSED: {"credential_id": export.project.credential_id},
        events.TEAM_QUOTA: {"percent": 80},
        events.FILE_DAMAGED: {"problem": "The file is gone."},
    }
    for type_ in EVENT_TYPES:
        is_of_no_export = type_ in (events.TEAM_QUOTA, events.CREDENTIAL_REFUSED)
        of: dict[str, Any] = {} if is_of_no_export else {"export": export, "project": export.project}
        Event.record(cast.team.pk, type_, f"test:{type_}", **of, **data.get(type_, {}))


def test_every_event_has_a_title_a_sentence_and_a_page_of_the_team(
    cast: Cast, export: Export, postbox: SmtpInbox
) -> None:
    Member.objects.filter(pk=cast.viewer.pk).update(mail_scope="all")
    Team.objects.filter(pk=cast.team.pk).update(quota_bytes=1000, kept_bytes=800)
    Export.objects.filter(pk=export.pk).update(odd_change="60 % fewer rows than before.")
    every_event(cast, export)
    while deliver_due():
        pass
    got = {str(mail["Subject"]): mail for mail in postbox.to("viewer@example.org")}
    assert set(got) == {
        f"Orders of The {TABLES} one is done",
        f"Orders of The {TABLES} one failed",
        f"Orders of The {TABLES} one was canceled",
        f"The {TABLES} one is late",
        f"The {TABLES} one is fresh again",
        f"The schedule of The {TABLES} one stopped",
        f"{TABLES.label} rejected {TABLES} 0",
        f"Orders of The {TABLES} one looks unusual",
        f"The file of Orders of The {TABLES} one is damaged",
        "The Team uses 80 % of its storage",
    }
    for mail in got.values():
        link = links_in(text_of(mail, "html"))[0]
        assert link.startswith(f"{PORTAL}/t/the-team/")
        assert resolve(link.removeprefix(PORTAL)).namespace == "web"
    assert "Five failures in a row." in text_of(got[f"The schedule of The {TABLES} one stopped"])
    assert "60 % fewer rows than before." in text_of(got[f"Orders of The {TABLES} one looks unusual"])
    assert "The file is gone." in text_of(got[f"The file of Orders of The {TABLES} one is damaged"])


def test_the_last_good_file_is_named_where_an_export_failed(cast: Cast, postbox: SmtpInbox) -> None:
    good = factories.succeeded_export(cast)
    factories.failed_export(cast)
    while deliver_due():
        pass
    failure = next(mail for mail in postbox.mails if str(mail["Subject"]).endswith("failed"))
    assert re.search(rf"Last good file +.*26 B, #{good.pk}\n", text_of(failure))
