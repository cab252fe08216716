"""Columns of the lists: states as icon and word, times with their zone, names with marks."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Union

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import clock
from exports.models import Credential, Export, File, OutboxMessage, Project, Schedule, Token, User, outbox
from exports.templatetags.admin_pages import NOTHING, credential_state, provider_label, staff_time
from exports.templatetags.elements import mark, state, tone_state
from exports.templatetags.times import file_size

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Column = Callable[[Any], SafeString | str]
# A text, or one that is translated when it is shown.
Label = Union[str, "_StrPromise"]


def _named(name: str, label: Label, read: Column) -> Column:
    read.__name__ = name
    return admin.display(description=label)(read)


def time_column(name: str, label: Label, otherwise: Label = NOTHING) -> Column:
    """A time: relative, with date, seconds and zone on hover and focus."""
    return _named(name, label, lambda row: staff_time(getattr(row, name), str(otherwise)))


def size_column(name: str, label: Label) -> Column:
    """A number of bytes in units."""
    return _named(name, label, lambda row: file_size(getattr(row, name)))


def code_column(name: str, label: Label) -> Column:
    """A word or an id of a machine."""
    return _named(name, label, lambda row: _code(str(getattr(row, name) or "")))


def _code(text: str) -> SafeString | str:
    return format_html("<code>{}</code>", text) if text else NOTHING


def text_column(name: str, label: Label) -> Column:
    """A text, cut where it is too long for a row; the row's page has all of it."""
    return _named(name, label, lambda row: _cut(str(getattr(row, name) or "")))


def _cut(text: str) -> SafeString | str:
    return format_html('<span class="cut long" title="{0}">{0}</span>', text) if text else NOTHING


def export_column() -> Column:
    """The export that a row belongs to."""
    return _named("export", _l("Export"), lambda row: export_link(row.export_id))


def export_link(pk: int | None) -> SafeString | str:
    """Renders a link to an export's page in the admin site."""
    if pk is None:
        return NOTHING
    return format_html('<a href="{}">#{}</a>', reverse("admin:exports_export_change", args=[pk]), pk)


@admin.display(description="#")
def number(row: Model) -> str:
    """The number by which people name the row."""
    return f"#{row.pk}"


@admin.display(description=_l("Status"))
def export_status(export: Export) -> SafeString:
    """The status of an export."""
    return state(export.status)


@admin.display(description=_l("Project"))
def export_project(export: Export) -> SafeString:
    """The provider's mark, the project's name, and what was asked for."""
    return format_html(
        '<span class="line">{}<span class="cut what">{}</span><span class="kind">{}</span></span>',
        mark(export.project.credential),
        export.project,
        export.type,
    )


@admin.display(description=_l("Next step, or error"))
def export_next_step(export: Export) -> SafeString | str:
    """What the engine does next with an open export, and when; why a failed one failed."""
    if export.next_step_at is not None:
        return format_html("{} · {}", export.step, staff_time(export.next_step_at))
    return _code(export.error_code)


@admin.display(description=_l("By"))
def export_user(export: Export) -> SafeString | str:
    """Who asked for it."""
    return format_html('<span class="cut person" title="{0}">{0}</span>', export.user)


@admin.display(description=_l("Project"))
def project_name(project: Project) -> SafeString:
    """The provider's mark and the project's name."""
    return _with_mark(project.credential, str(project))


def _with_mark(credential: Credential, text: str) -> SafeString:
    return format_html('<span class="line">{}<span class="cut long">{}</span></span>', mark(credential), text)


@admin.display(description=_l("Provider"))
def credential_provider(credential: Credential) -> SafeString:
    """The provider's mark and name."""
    return _with_mark(credential, provider_label(credential.provider))


@admin.display(description=_l("State"))
def credential_status(credential: Credential) -> SafeString:
    """Whether it works, as far as is known."""
    return credential_state(credential)


@admin.display(description=_l("State"))
def file_state(file: File) -> SafeString:
    """Whether its bytes are here, and as they were verified."""
    if file.deleted_at is not None:
        return tone_state("", _("Deleted"), "trash")
    if file.damaged_at is not None:
        return tone_state("bad", _("Damaged"), "x-circle")
    return tone_state("good", _("Kept"), "check")


@admin.display(description=_l("State"))
def delivery_state(message: OutboxMessage) -> SafeString:
    """Whether it arrived."""
    if message.state == outbox.SENT:
        return tone_state("good", _("Sent"), "check")
    if message.state == outbox.FAILED:
        return tone_state("bad", _("Given up"), "x-circle")
    if message.attempts:
        return tone_state("warn", _("Trying again"), "again")
    return tone_state("", _("Waiting"), "clock")


@admin.display(description=_l("Sent, or next attempt"))
def delivery_time(message: OutboxMessage) -> SafeString | str:
    """When it was sent, or is tried next."""
    return staff_time(message.sent_at or message.due_at)


@admin.display(description=_l("State"))
def token_state(token: Token) -> SafeString:
    """Whether it still opens anything."""
    if token.revoked_at is not None:
        return tone_state("", _("Revoked"), "slash")
    if token.expires_at is not None and token.expires_at <= clock.now():
        return tone_state("", _("Expired"), "clock")
    return tone_state("good", _("Valid"), "check")


@admin.display(description=_l("State"))
def user_state(user: User) -> SafeString:
    """Whether the account can sign in, and as what."""
    if user.erased_at is not None:
        return tone_state("", _("Deleted"), "trash")
    if not user.is_active:
        return tone_state("", _("Deactivated"), "slash")
    if user.is_superuser:
        return tone_state("warn", _("Superuser"), "shield")
    return tone_state("", _("Admin"), "shield") if user.is_staff else tone_state("good", _("Active"), "check")


@admin.display(description=_l("State"))
def schedule_state(schedule: Schedule) -> SafeString:
    """Whether it runs, and whether the portal stopped it."""
    if schedule.was_stopped:
        return tone_state("bad", _("Stopped"), "stop")
    if not schedule.enabled:
        return tone_state("", _("Paused"), "pause")
    if schedule.failures_in_a_row:
        return tone_state("warn", _("Failing"), "alert")
    return tone_state("good", _("On"), "check")


@admin.display(description=_l("State"))
def project_state(project: Project) -> SafeString:
    """Whether it takes exports, and is as fresh as it should be."""
    if project.archived_at is not None:
        return tone_state("", _("Archived"), "box")
    if project.paused_at is not None:
        return tone_state("", _("Paused"), "pause")
    if project.is_overdue:
        return tone_state("warn", _("Overdue"), "clock")
    return tone_state("good", _("In use"), "check")
