"""The admin site: staff can read everything but secrets, and act through the same functions as everybody else."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports import admin as _pages  # noqa: F401  registers the models
from exports.exporting import schedules
from exports.models import (
    Call,
    Change,
    Export,
    Heartbeat,
    OpenCircuit,
    OutboxMessage,
    RateLimitPause,
    Team,
    Token,
    User,
)
from exports.notify.fan_out import fan_out
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.schedules import make_schedule

MODELS = [model for model in admin.site._registry if model._meta.app_label == "exports"]
READ_ONLY = [Export, Change, Call, OutboxMessage]
CHOSEN = "_selected_action"


@pytest.fixture
def full(cast: Cast) -> Export:
    """One row of everything."""
    export = factories.succeeded_export(cast)
    credential = export.project.credential
    Call.objects.create(export=export, credential=credential, at=timezone.now(), method="GET", url="u", seconds=0.1)
    RateLimitPause.extend(credential.pk, "", timezone.now(), "limit")
    Heartbeat.record("beat")
    OpenCircuit.objects.create(origin="https://down.example", since=timezone.now(), until=timezone.now())
    Token.issue(cast.member)
    schedule = make_schedule(export.project, cast.member)
    schedules.run_now(schedule, cast.member.user, "person")
    fan_out()
    return export


def path(model: Any, view: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:exports_{model._meta.model_name}_{view}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_row_can_be_read(as_staff: Client, full: Export, model: Any) -> None:
    assert as_staff.get(path(model)).status_code == 200
    row = model.objects.first()
    assert row is not None
    page = as_staff.get(path(model, "change", row.pk))
    assert page.status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_no_page_shows_a_secret(as_staff: Client, full: Export, model: Any) -> None:
    full.project.credential.save_secrets({"api_key": "v3ry-secret"})
    Export.objects.filter(pk=full.pk).update(encrypted_link=full.encrypt_link("https://x.example/?sig=1"))
    token = Token.objects.get()
    for text in (
        as_staff.get(path(model)).content.decode(),
        as_staff.get(path(model, "change", model.objects.first().pk)).content.decode(),
    ):
        assert "v1:" not in text
        assert "v3ry-secret" not in text
        assert token.digest not in text


@pytest.mark.parametrize("model", [model for model in MODELS if model not in (Team, User)])
def test_rows_of_exports_and_their_history_are_read_only(as_staff: Client, full: Export, model: Any) -> None:
    row = model.objects.first()
    assert as_staff.get(path(model, "add")).status_code == 403
    assert as_staff.post(path(model, "change", row.pk), {}).status_code == 403
    assert as_staff.post(path(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    as_staff.post(path(model), {"action": "delete_selected", CHOSEN: [row.pk], "post": "yes"})
    assert model.objects.filter(pk=row.pk).exists()


def test_the_page_of_an_export_shows_its_history(as_staff: Client, full: Export) -> None:
    page = as_staff.get(path(Export, "change", full.pk)).content.decode()
    assert page.count('<tr class="change">') == Change.objects.filter(export=full).count() > 1


def test_writing_an_export_off_requires_a_reason(as_staff: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    sent: dict[str, Any] = {"action": "write_off", CHOSEN: [export.pk]}
    asked = as_staff.post(path(Export), sent)
    assert asked.status_code == 200
    assert 'name="reason"' in asked.content.decode()
    assert "Say why." in as_staff.post(path(Export), {**sent, "reason": " "}).content.decode()
    export.refresh_from_db()
    assert export.is_open
    done = as_staff.post(path(Export), {**sent, "reason": "The account is closed."}, follow=True)
    assert "Written off: the export is canceled" in done.content.decode()
    last = Change.objects.filter(export=export).latest("seq")
    assert (last.to_status, last.source, last.actor) == ("canceled", "staff", "staff@example.org")
    assert last.note == "The account is closed."
    again = as_staff.post(path(Export), {**sent, "reason": "Once more."}, follow=True)
    assert "has ended already" in again.content.decode()


def test_redriving_makes_the_next_step_due_now(as_staff: Client, cast: Cast) -> None:
    export, ended = factories.processing_export(cast), factories.failed_export(cast, format_="xlsx")
    sent = {"action": "redrive", CHOSEN: [export.pk, ended.pk]}
    page = as_staff.post(path(Export), sent, follow=True).content.decode()
    assert "has ended already" in page
    export.refresh_from_db()
    assert export.next_step_at is not None
    assert export.next_step_at <= timezone.now()


def test_staff_fetch_files_again_for_those_who_asked(as_staff: Client, cast: Cast) -> None:
    lost, ended = factories.failed_export(cast, "no_file"), factories.succeeded_export(cast, allow_duplicate=True)
    Export.objects.filter(pk=ended.pk).update(remote_id="")
    page = as_staff.post(path(Export), {"action": "fetch_again", CHOSEN: [lost.pk, ended.pk]}, follow=True)
    assert "The file is fetched again in #" in page.content.decode()
    assert "is not known" in page.content.decode()
    again = Export.objects.get(retry_of=lost)
    assert (again.user, again.step) == (lost.user, "poll")
    row = Change.objects.get(export=again)
    assert (row.source, row.actor) == ("staff", "staff@example.org")


def test_staff_can_revoke_tokens(as_staff: Client, full: Export) -> None:
    token = Token.objects.get()
    as_staff.post(path(Token), {"action": "revoke", CHOSEN: [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_staff_can_create_users_and_teams(as_staff: Client, cast: Cast) -> None:
    password = "a long and good passphrase"
    sent = {"email": "new@example.org", "name": "New", "usable_password": "true"}
    sent |= {"password1": password, "password2": password}
    assert as_staff.post(path(User, "add"), sent).status_code == 302
    assert User.objects.get(email="new@example.org").check_password(password)
    inline = {"member_set-TOTAL_FORMS": "1", "member_set-INITIAL_FORMS": "0"}
    inline |= {"member_set-0-user": str(cast.viewer.user_id), "member_set-0-role": "owner"}
    assert as_staff.post(path(Team, "add"), {"name": "Third", "slug": "third", **inline}).status_code == 302
    assert Team.objects.get(slug="third").users.get() == cast.viewer.user


def test_members_who_are_not_staff_are_refused(as_owner: Client) -> None:
    assert as_owner.get("/admin/exports/export/").status_code == 302


def test_lists_take_few_queries(as_staff: Client, cast: Cast, django_assert_max_num_queries: Any) -> None:
    for _ in range(10):
        factories.waiting_export(cast, allow_duplicate=True)
    with django_assert_max_num_queries(8):
        as_staff.get(path(Export))
