"""Rows of exports: what each offers next, what else, and how long it usually takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import get_script_prefix, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from exports import access, states
from exports.exporting import durations
from exports.models import Export, Member
from exports.web import presenter

# What a row shows or decides by. Of the rest there is much, and a list would read it for nothing.
LOADED_FIELDS: Final = (
    *("team_id", "project_id", "user_id", "file_id", "retry_of_id", "trigger", "type", "format", "status", "step"),
    *("progress", "error_code", "error_message", "error_action", "remote_id", "wait_note", "created_at", "finished_at"),
    *("project__name", "project__remote_id", "project__credential_id", "project__credential__provider"),
    *("user__name", "user__email", "file__size", "file__expires_at", "file__deleted_at"),
)


@dataclass(frozen=True)
class ExportAction:
    """Something to do: a link, or with `post` a button that sends `name`=`value`."""

    label: str
    icon: str
    href: str
    post: bool = False
    name: str = ""
    value: str = ""
    variant: str = ""


@dataclass(frozen=True)
class ExportRow:
    """An export in a list. `first`: the one thing to do next; `more`: the rest; `retry_pk`: the export that followed."""

    export: Export
    href: str
    primary_action: ExportAction | None
    other_actions: list[ExportAction]
    retry_pk: int | None
    usual_duration: durations.UsualDuration | None


def select_for_rows(rows: QuerySet[Export]) -> QuerySet[Export]:
    """With `retry_pk`: the number of the newest export that asked for the same again, or None. Loads what rows show."""
    again = Export.objects.filter(retry_of=OuterRef("pk")).order_by("-pk")
    rows = rows.select_related(None).select_related("project__credential", "user", "file").only(*LOADED_FIELDS)
    return rows.annotate(retry_pk=Subquery(again.values("pk")[:1]))


def build_rows(member: Member, exports: Iterable[Export]) -> list[ExportRow]:
    """Rows for exports that were loaded with `followed`."""
    shown = list(exports)
    usual = durations.usual_durations(export for export in shown if export.is_open)
    offers = _Offers(member)
    made = []
    for export in shown:
        retry_pk: int | None = getattr(export, "retry_pk", None)
        acts = offers.of(export, retry_pk)
        first = acts.pop(0) if acts and acts[0].variant != "menu" else None
        made.append(
            ExportRow(export, _address("export", offers.slug, export.pk), first, acts, retry_pk, usual.get(export.pk))
        )
    return made


@lru_cache(maxsize=1024)
def _around(prefix: str, name: str, slug: str, *more: str) -> tuple[str, str]:
    """What stands before and after the number in an address."""
    before, _, after = reverse(f"web:{name}", args=[slug, 0, *more]).rpartition("/0/")
    return before, after


def _address(name: str, slug: str, pk: int, *more: str) -> str:
    """An address in a team, many times cheaper than `reverse`: a list has hundreds that differ by the number alone."""
    before, after = _around(get_script_prefix(), name, slug, *more)
    return f"{before}/{pk}/{after}"


class _Offers:
    """What a member may do with an export, the most likely first."""

    def __init__(self, member: Member) -> None:
        self.slug = member.team.slug
        self.list = reverse("web:exports", args=[self.slug])
        self.bulk_delete = reverse("web:bulk", args=[self.slug, "delete"])
        self.may = access.EXPORT in access.ROLE_PERMISSIONS[member.role]

    def of(self, export: Export, retry_pk: int | None) -> list[ExportAction]:
        """Everything that makes sense now."""
        kept = export.file is not None and export.file.deleted_at is None
        found = [self._to("file", export, _("Download"), "download")] if kept else []
        if self.may:
            found += self._stop(export) if export.is_open else self._again(export, retry_pk)
            if kept:
                found.append(self._delete(export))
        elif retry_pk:
            found.append(self._later(retry_pk))
        found.append(self._only("project_id", export.project_id, _("Show only this project")))
        found.append(
            self._only("user_id", export.user_id, _("Show only %(name)s") % {"name": export.user.display_name})
        )
        return found

    def _again(self, export: Export, retry_pk: int | None) -> list[ExportAction]:
        try:
            changes = export.kind.effect == "changes"
        except KeyError:
            return [self._later(retry_pk)] if retry_pk else []
        form = _address("ask", self.slug, export.project_id, export.type)
        edit = ExportAction(_("Change and ask again"), "again", f"{form}?from={export.pk}")
        retry = self._to(
            "retry", export, _("Retry") if export.status == states.FAILED else _("Same again"), "again", True
        )
        trouble = presenter.explain_failure(export)
        if trouble is None:
            # A kind that changes something is confirmed on its form each time.
            return [self._menu(edit)] if changes else [retry, edit]
        acts = [*self._helps(export, trouble.primary_remedy), retry, edit]
        if retry_pk:
            return [self._later(retry_pk), *acts]
        return [edit, retry] if trouble.primary_remedy == "edit" else acts

    def _helps(self, export: Export, first: str) -> list[ExportAction]:
        """What the reason of a failure asks for before a retry."""
        if first == "credential":
            href = _address("credential", self.slug, export.project.credential_id)
            return [ExportAction(_("Mend credential"), "key", href)]
        if first == "watch":
            href = _address("adopt", self.slug, export.pk)
            return [ExportAction(_("Watch again"), "eye", href, True, "remote_id", export.remote_id)]
        if first == "adopt":
            return [ExportAction(_("Adopt or retry"), "eye", _address("export", self.slug, export.pk))]
        return []

    def _stop(self, export: Export) -> list[ExportAction]:
        return [self._to("cancel", export, _("Cancel"), "stop", True)]

    def _delete(self, export: Export) -> ExportAction:
        return ExportAction(_("Delete file"), "cross", self.bulk_delete, True, "id", str(export.pk), "danger")

    def _later(self, retry_pk: int) -> ExportAction:
        return ExportAction(
            _("Retried as %(number)s") % {"number": retry_pk}, "eye", _address("export", self.slug, retry_pk)
        )

    def _only(self, name: str, value: int, label: str) -> ExportAction:
        href = f"{self.list}?{urlencode({name: value})}"
        return ExportAction(label, "search", href, variant="menu")

    def _to(self, name: str, export: Export, label: str, icon: str, post: bool = False) -> ExportAction:
        return ExportAction(label, icon, _address(name, self.slug, export.pk), post)

    @staticmethod
    def _menu(act: ExportAction) -> ExportAction:
        return ExportAction(act.label, act.icon, act.href, act.post, act.name, act.value, "menu")
