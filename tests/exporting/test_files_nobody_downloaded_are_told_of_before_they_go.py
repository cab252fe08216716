"""Before a file goes that nobody downloaded, its owner gets one mail; the file stays for the days of the notice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage
from django.utils import timezone

from exports.exporting import pins, purge, retention_rules
from exports.models import Download, Export, File, OutboxMessage
from exports.storage.retention import Rule
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due

Keep = Callable[[float], Export]


@pytest.fixture
def keep(cast: Cast) -> Keep:
    """keep(days) is an export whose file was verified so many days ago."""

    def make(days: float) -> Export:
        export = factories.succeeded_export(cast, name=f"orders-{days}.csv", allow_duplicate=True)
        File.objects.filter(export=export).update(verified_at=timezone.now() - timedelta(days=days))
        return export

    return make


@pytest.fixture
def two_old(cast: Cast, keep: Keep) -> list[Export]:
    """Two exports that the team's rule lets go, below a new one that it keeps."""
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))
    old = [keep(9), keep(8)]
    keep(1)
    return old


def sent_notices() -> list[EmailMessage]:
    deliver_due()
    return [sent for sent in mail.outbox if "will be deleted" in sent.subject]


def after(days: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(days=days), tick=False)


def test_one_mail_names_the_files_and_they_go_after_its_days(cast: Cast, two_old: list[Export]) -> None:
    done = purge.purge_nightly(cast.team)
    assert (done.files, done.awaiting, done.notices) == (0, 2, 1)
    (sent,) = sent_notices()
    assert sent.to == [cast.member.user.email]
    assert sent.subject.startswith("2 files will be deleted on ")
    assert "orders-9.csv" in sent.body
    assert "orders-8.csv" in sent.body
    with after(2):
        assert purge.purge_nightly(cast.team).awaiting == 2
    with after(3):
        assert purge.purge_nightly(cast.team).files == 2
    assert OutboxMessage.objects.filter(export=None).count() == 1


def test_the_export_says_until_when_a_held_file_stays(cast: Cast, two_old: list[Export]) -> None:
    purge.purge_nightly(cast.team)
    two_old[0].refresh_from_db()
    file = two_old[0].file
    assert file is not None
    assert file.expires_at is not None
    assert file.expiry_notified_at is not None
    assert file.expires_at - file.expiry_notified_at == timedelta(days=3)


def test_a_downloaded_file_goes_at_once(cast: Cast, two_old: list[Export]) -> None:
    Download.objects.create(export=two_old[0], user=cast.viewer.user, actor="viewer@example.org", via="api")
    done = purge.purge_nightly(cast.team)
    assert (done.files, done.awaiting) == (1, 1)


def test_a_pinned_file_is_neither_told_of_nor_deleted(cast: Cast, two_old: list[Export]) -> None:
    for export in two_old:
        pins.pin(export, cast.member.user)
    done = purge.purge_nightly(cast.team)
    assert (done.files, done.awaiting, done.notices) == (0, 0, 0)


def test_files_that_grow_too_old_are_told_of_days_before(cast: Cast, keep: Keep) -> None:
    old = keep(8)
    keep(1)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_days=10))
    assert purge.purge_nightly(cast.team).notices == 1
    with after(1.5):
        assert purge.purge_nightly(cast.team).files == 0
    with after(3):
        assert purge.purge_nightly(cast.team).files == 1
    old.refresh_from_db()
    assert old.file is not None
    assert old.file.deleted_at is not None


def test_a_team_without_notice_days_gets_none(cast: Cast, two_old: list[Export]) -> None:
    cast.team.expiry_notice_days = 0
    cast.team.save(update_fields=["expiry_notice_days"])
    done = purge.purge_nightly(cast.team)
    assert (done.files, done.awaiting, done.notices) == (2, 0, 0)


def test_a_file_that_a_changed_rule_keeps_is_told_of_again_before_it_goes(cast: Cast, two_old: list[Export]) -> None:
    purge.purge_nightly(cast.team)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=9))
    with after(4):
        purge.purge_nightly(cast.team)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))
    with after(5):
        done = purge.purge_nightly(cast.team)
    assert (done.files, done.awaiting, done.notices) == (0, 2, 1)


def test_where_the_person_left_the_owners_are_told(cast: Cast, two_old: list[Export]) -> None:
    cast.member.delete()
    purge.purge_nightly(cast.team)
    assert [sent.to for sent in sent_notices()] == [[cast.owner.user.email]]


def test_who_wants_no_mail_of_the_team_gets_none(cast: Cast, two_old: list[Export]) -> None:
    cast.member.mail_scope = "none"
    cast.member.save()
    purge.purge_nightly(cast.team)
    assert sent_notices() == []


def test_the_operators_command_waits_for_no_notice(cast: Cast, two_old: list[Export]) -> None:
    assert purge.purge(cast.team).files == 2


def test_the_days_that_alone_keep_a_file_are_shown(cast: Cast, keep: Keep) -> None:
    old, newest = keep(3), keep(1)
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_days=30))
    purge.refresh_expiry(cast.team)
    for export in (old, newest):
        export.refresh_from_db()
    assert old.file is not None
    assert newest.file is not None
    assert old.file.expires_at == old.file.verified_at + timedelta(days=30)
    assert newest.file.expires_at is None
