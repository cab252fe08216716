"""Rows of export lists: each export with its actions and its usual duration."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from exports import access, states
from exports.exporting import actions, durations
from exports.exporting.fetch_again import may_fetch_again
from exports.models import Export, Member
from exports.storage.download_progress import DownloadProgress
from exports.web import presenter
from exports.web.phases import download_note, progress_of

# The columns that rows need. The others are large, and loading them would slow lists down.
LOADED_FIELDS: Final = (
    *("team_id", "project_id", "user_id", "file_id", "retry_of_id", "trigger", "type", "format", "status", "step"),
    *("progress", "error_code", "error_message", "error_action", "remote_id", "wait_note", "created_at", "finished_at"),
    *("odd_change", "fence", "next_step_at", "dismissed_at"),
    *("project__name", "project__remote_id", "project__archived_at"),
    *("project__credential_id", "project__credential__provider"),
    *("user__name", "user__email", "file__size", "file__expires_at", "file__deleted_at"),
    *("file__pinned_at", "file__damaged_at"),
)


PHASES: Final = 4
PHASES_DONE: Final = {states.SUBMIT: 0, states.POLL: 1, states.FETCH: 2}
TRIGGER_ICONS: Final = {"schedule": "cal", "api": "code", "command": "code"}


@dataclass(frozen=True)
class ExportAction:
    """An action of a row: a link, or with `post` a button that sends `name`=`value` to `href`."""

    label: str
    icon: str
    href: str
    post: bool = False
    name: str = ""
    value: str = ""
    variant: str = ""


@dataclass(frozen=True)
class ExportRow:
    """An export in a list. `primary_action` is a button of the row, `other_actions` are in its menu."""

    export: Export
    href: str
    primary_action: ExportAction | None
    other_actions: list[ExportAction]
    usual_duration: durations.UsualDuration | None
    download: DownloadProgress | None = None

    @property
    def day(self) -> date:
        """The day of the request in the reader's zone."""
        return timezone.localtime(self.export.created_at).date()

    @property
    def phases_done(self) -> int:
        """How many of the four phases are over: requested, run at the provider, fetched, verified."""
        if self.export.status == states.SUCCEEDED:
            return PHASES
        if self.download and self.download.is_complete:
            return PHASES - 1
        return PHASES_DONE[self.export.step] if self.export.status == states.PROCESSING else 0

    @property
    def phase_label(self) -> str:
        """The phase in words, for screen readers."""
        return _("Phase %(phase)s of %(phases)s") % {"phase": min(self.phases_done + 1, PHASES), "phases": PHASES}

    @property
    def progress_text(self) -> str:
        """How far an open export is: bytes of its file, or the provider's percent; "" where neither is known."""
        if self.download:
            return _("checking the file") if self.download.is_complete else download_note(self.download)
        progress = self.export.progress
        return "" if progress is None or self.export.step == states.FETCH else f"{progress:.0f} %"

    @property
    def trigger_icon(self) -> str:
        """The icon of what asked, where it was not a person on a page."""
        return TRIGGER_ICONS.get(self.export.trigger, "")


def select_for_rows(rows: QuerySet[Export]) -> QuerySet[Export]:
    """Returns the exports with the columns that rows need, and with `retry_pk`: the id of the latest retry, or None."""
    retries = Export.objects.filter(retry_of=OuterRef("pk")).order_by("-pk")
    rows = rows.select_related(None).select_related("project__credential", "user", "file").only(*LOADED_FIELDS)
    return rows.annotate(retry_pk=Subquery(retries.values("pk")[:1]))


def build_rows(member: Member, exports: Iterable[Export]) -> list[ExportRow]:
    """Returns a row for each export, in the same order. The exports must come from `select_for_rows`."""
    shown = list(exports)
    usual_durations = durations.usual_durations(export for export in shown if export.is_open)
    builder = _ActionBuilder(member)
    rows = []
    for export in shown:
        others = builder.build(export, getattr(export, "retry_pk", None))
        primary = others.pop(0) if others and others[0].variant != "menu" else None
        href = _team_url("export", builder.slug, export.pk)
        usual = usual_durations.get(export.pk)
        rows.append(ExportRow(export, href, primary, others, usual, progress_of(export)))
    return rows


@lru_cache(maxsize=1024)
def _url_parts(script_prefix: str, name: str, slug: str, *more: str) -> tuple[str, str]:
    """Returns the parts of a team URL before and after its number. `script_prefix` only belongs to the cache key."""
    before, _, after = reverse(f"web:{name}", args=[slug, 0, *more]).rpartition("/0/")
    return before, after


def _team_url(name: str, slug: str, pk: int, *more: str) -> str:
    """Returns a team URL. Much faster than `reverse`, since a list has hundreds that differ only by the number."""
    before, after = _url_parts(get_script_prefix(), name, slug, *more)
    return f"{before}/{pk}/{after}"


class _ActionBuilder:
    """Builds the actions that a member may take on an export, the most likely one first."""

    def __init__(self, member: Member) -> None:
        self.slug = member.team.slug
        self.list_url = reverse("web:exports", args=[self.slug])
        self.bulk_delete_url = reverse("web:bulk", args=[self.slug, "delete"])
        self.may_export = access.EXPORT in access.ROLE_PERMISSIONS[member.role]

    def build(self, export: Export, retry_pk: int | None) -> list[ExportAction]:
        """Returns every action that is possible now. `retry_pk`: the id of the export's latest retry."""
        has_file = export.file is not None and export.file.deleted_at is None
        offered = [self._action("file", export, _("Download"), "down")] if has_file else []
        if self.may_export:
            offered += self._cancel(export) if export.is_open else self._retry_actions(export, retry_pk)
            if export.status == states.FAILED:
                offered.append(self._menu(self._dismiss(export)))
            if has_file:
                offered += [self._pin(export), self._delete_file(export)]
        elif retry_pk:
            offered.append(self._show_retry(retry_pk))
        show_only_user = _("Only %(name)s") % {"name": export.user.display_name}
        offered.append(self._filter_by("project_id", export.project_id, _("Only this project")))
        offered.append(self._filter_by("user_id", export.user_id, show_only_user))
        return offered

    def _retry_actions(self, export: Export, retry_pk: int | None) -> list[ExportAction]:
        decision = actions.may_retry(export)
        if not decision:
            return [self._show_retry(retry_pk)] if retry_pk else []
        form = _team_url("ask", self.slug, export.project_id, export.type)
        edit = ExportAction(_("Edit and run"), "edit", f"{form}?from={export.pk}")
        retry = self._action("retry", export, _("Retry") if export.status == states.FAILED else _("Run again"), "again")
        failure = presenter.explain_failure(export)
        if failure is None:
            # A kind that changes something is confirmed on its form each time, so there is no retry button.
            again = [self._fetch_again(export)] if may_fetch_again(export) else []
            return [self._menu(edit)] if decision.needs_confirmation else [retry, edit, *again]
        remedies = [*self._remedies(export, failure.primary_remedy), retry, edit]
        if retry_pk:
            return [self._show_retry(retry_pk), *remedies]
        return [edit, retry] if failure.primary_remedy == "edit" else remedies

    def _remedies(self, export: Export, primary_remedy: str) -> list[ExportAction]:
        """Returns the actions that the failure needs before a retry."""
        if primary_remedy == "credential":
            href = _team_url("credential", self.slug, export.project.credential_id)
            return [ExportAction(_("Replace secret"), "key", href)]
        if primary_remedy == "project":
            return [ExportAction(_("Open project"), "box", _team_url("project", self.slug, export.project_id))]
        if primary_remedy == "watch":
            href = _team_url("adopt", self.slug, export.pk)
            return [ExportAction(_("Follow job again"), "eye", href, True, "remote_id", export.remote_id)]
        if primary_remedy == "fetch":
            return [self._fetch_again(export)]
        if primary_remedy == "adopt":
            return [ExportAction(_("Follow or retry"), "eye", _team_url("export", self.slug, export.pk))]
        return []

    def _fetch_again(self, export: Export) -> ExportAction:
        return self._action("fetch", export, _("Fetch the file again"), "down", True)

    def _cancel(self, export: Export) -> list[ExportAction]:
        return [self._action("cancel", export, _("Cancel"), "slash")]

    def _dismiss(self, export: Export) -> ExportAction:
        name, label = ("undismiss", _("Undo dismissal")) if export.dismissed_at else ("dismiss", _("Dismiss"))
        return self._action(name, export, label, "eye-off" if name == "dismiss" else "eye", True)

    def _delete_file(self, export: Export) -> ExportAction:
        return ExportAction(_("Delete file…"), "trash", self.bulk_delete_url, True, "id", str(export.pk), "danger")

    def _pin(self, export: Export) -> ExportAction:
        is_pinned = export.file is not None and export.file.pinned_at is not None
        name, label = ("unpin", _("Unpin")) if is_pinned else ("pin", _("Pin"))
        return self._action(name, export, label, "pin", True)

    def _show_retry(self, retry_pk: int) -> ExportAction:
        return ExportAction(
            _("Retried in #%(number)s") % {"number": retry_pk}, "eye", _team_url("export", self.slug, retry_pk)
        )

    def _filter_by(self, name: str, value: int, label: str) -> ExportAction:
        href = f"{self.list_url}?{urlencode({name: value})}"
        return ExportAction(label, "search", href, variant="menu")

    def _action(self, name: str, export: Export, label: str, icon: str, post: bool = False) -> ExportAction:
        return ExportAction(label, icon, _team_url(name, self.slug, export.pk), post)

    @staticmethod
    def _menu(action: ExportAction) -> ExportAction:
        """Returns the action as one that stands in the menu even if it is the first."""
        return replace(action, variant="menu")
