"""A week after it was asked for, files, secrets and memberships are gone; the record of the exports stays."""

import pytest

from exports import clock, states
from exports.exporting.team_deletion import request_deletion
from exports.housekeeping import team_deletion
from exports.models import (
    Alert,
    Change,
    Credential,
    Download,
    Export,
    File,
    Invitation,
    Member,
    OutboxMessage,
    Schedule,
    Team,
    Token,
    Webhook,
)
from exports.models.outbox import CLEANUP
from exports.people.teams import create_team
from exports.storage import places
from tests.helpers.cast import Cast
from tests.helpers.factories import alert, failed_export, waiting_export
from tests.helpers.kept_exports import keep_export, orders
from tests.helpers.roles import TABLES
from tests.helpers.schedules import make_schedule


def fill(cast: Cast) -> tuple[Export, Export, Export]:
    """A team with everything: a kept, a failed and an open export, a schedule, a token, an alert."""
    project = cast.project(TABLES)
    kept = keep_export(project, cast.member, orders(range(3)))
    Download.objects.create(export=kept, user=cast.viewer.user)
    failed, waiting = failed_export(cast), waiting_export(cast)
    make_schedule(project, cast.member)
    Token.issue(cast.member, name="nightly")
    alert(cast)
    return kept, failed, waiting


def let_the_week_pass(cast: Cast) -> None:
    request_deletion(cast.team, cast.owner.user, cast.team.name)
    Team.objects.filter(pk=cast.team.pk).update(deletes_at=clock.now())


def delete_now(cast: Cast) -> None:
    let_the_week_pass(cast)
    assert team_deletion.delete_due() == 1


def test_nothing_goes_before_the_week_is_over(cast: Cast) -> None:
    kept, _, waiting = fill(cast)
    request_deletion(cast.team, cast.owner.user, cast.team.name)
    assert team_deletion.delete_due() == 0
    assert Member.objects.filter(team=cast.team).count() == 3
    kept.refresh_from_db()
    waiting.refresh_from_db()
    assert kept.file is not None
    assert kept.file.deleted_at is None
    assert waiting.is_open


def test_files_secrets_and_memberships_go(cast: Cast) -> None:
    kept, _, _ = fill(cast)
    assert kept.file is not None
    assert places.exists(kept.file)
    delete_now(cast)
    assert not places.exists(kept.file)
    for model in (Member, Schedule, Alert, Webhook, Invitation):
        assert not model._default_manager.filter(team=cast.team).exists(), model
    assert not Token.objects.filter(member__team=cast.team).exists()
    assert not File.objects.filter(team=cast.team, deleted_at=None).exists()
    for credential in Credential.objects.filter(team=cast.team):
        assert (credential.encrypted_secrets, credential.encrypted_grant) == ({}, "")
    team = Team.objects.get(pk=cast.team.pk)
    assert (team.kept_bytes, team.kept_files) == (0, 0)
    assert team.deleted_at is not None


def test_the_record_stays_and_says_why(cast: Cast) -> None:
    kept, failed, waiting = fill(cast)
    changes = Change.objects.count()
    delete_now(cast)
    waiting.refresh_from_db()
    assert waiting.status == states.CANCELED
    assert waiting.changes.latest("pk").note == "The team was deleted."
    assert Change.objects.count() == changes + 1
    assert Export.objects.filter(pk__in=[kept.pk, failed.pk]).count() == 2
    assert kept.downloads.count() == 1
    before = kept.file
    assert before is not None
    after = File.objects.get(pk=before.pk)
    assert (after.deleted_because, after.sha256) == ("The team was deleted.", before.sha256)


def test_other_teams_and_the_people_stay(cast: Cast) -> None:
    fill(cast)
    delete_now(cast)
    assert Member.objects.filter(team=cast.other_team).exists()
    assert Team.objects.get(pk=cast.other_team.pk).deleted_at is None
    cast.member.user.refresh_from_db()
    assert cast.member.user.is_active


def test_the_name_can_be_used_again(cast: Cast) -> None:
    delete_now(cast)
    team, _, _ = create_team("The Team", cast.member.user.email)
    assert team.slug == "the-team"


def test_a_deletion_that_was_cut_off_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, _, waiting = fill(cast)
    let_the_week_pass(cast)

    def die(deleted: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(team_deletion, "remove_bytes", die)
        assert team_deletion.delete_due() == 0
    assert Team.objects.get(pk=cast.team.pk).deleted_at is None
    assert team_deletion.delete_due() == 1
    assert team_deletion.delete_due() == 0
    waiting.refresh_from_db()
    assert not waiting.is_open
    # The bytes are orphaned: the sweep over the disk removes them.
    assert not File.objects.filter(export=kept, deleted_at=None).exists()


def test_when_time_is_up_the_next_sweep_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(cast)
    let_the_week_pass(cast)
    with monkeypatch.context() as patched:
        patched.setattr(team_deletion, "SECONDS", 0.0)
        assert team_deletion.delete_due() == 0
    assert Export.objects.open().filter(team=cast.team).exists()
    assert team_deletion.delete_due() == 1


def test_what_an_export_leaves_to_send_meanwhile_is_given_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, _, _ = fill(cast)
    let_the_week_pass(cast)
    cancel_open = team_deletion._cancel_open

    def one_more_ends(team: Team, ends: float) -> bool:
        OutboxMessage.objects.create(team=team, export=kept, kind=CLEANUP, key="late", due_at=clock.now())
        return cancel_open(team, ends)

    monkeypatch.setattr(team_deletion, "_cancel_open", one_more_ends)
    assert team_deletion.delete_due() == 1
    assert not OutboxMessage.objects.filter(team=cast.team, due_at__isnull=False).exists()
    assert OutboxMessage.objects.get(key="late").last_error == "The team was deleted."
