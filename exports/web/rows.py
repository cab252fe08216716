"""Rows of exports: what each offers next, what else, and how long it usually takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.http import urlencode

from exports import access, states
from exports.engine import typical
from exports.models import Export, Member
from exports.web import story


@dataclass(frozen=True)
class Act:
    """Something to do: a link, or with `post` a button that sends `name`=`value`."""

    label: str
    icon: str
    href: str
    post: bool = False
    name: str = ""
    value: str = ""
    look: str = ""


@dataclass(frozen=True)
class Row:
    """An export in a list. `first`: the one thing to do next; `more`: the rest; `later`: the export that followed."""

    export: Export
    first: Act | None
    more: list[Act]
    later: int | None
    usual: typical.Usual | None


def followed(rows: QuerySet[Export]) -> QuerySet[Export]:
    """With `later`: the number of the newest export that asked for the same again, or None."""
    again = Export.objects.filter(retry_of=OuterRef("pk")).order_by("-pk")
    return rows.annotate(later=Subquery(again.values("pk")[:1]))


def rows(member: Member, exports: Iterable[Export]) -> list[Row]:
    """Rows for exports that were loaded with `followed`."""
    shown = list(exports)
    usual = typical.usual(export for export in shown if export.is_open)
    offers = _Offers(member)
    made = []
    for export in shown:
        later: int | None = getattr(export, "later", None)
        acts = offers.of(export, later)
        first = acts.pop(0) if acts and acts[0].look != "menu" else None
        made.append(Row(export, first, acts, later, usual.get(export.pk)))
    return made


class _Offers:
    """What a member may do with an export, the most likely first."""

    def __init__(self, member: Member) -> None:
        self.slug = member.team.slug
        self.may = access.EXPORT in access.MAY[member.role]

    def of(self, export: Export, later: int | None) -> list[Act]:
        """Everything that makes sense now."""
        kept = export.file is not None and export.file.deleted_at is None
        found = [self._to("file", export, "Download", "download")] if kept else []
        if self.may:
            found += self._stop(export) if export.is_open else self._again(export, later)
            if kept:
                found.append(self._delete(export))
        elif later:
            found.append(self._later(later))
        found.append(self._only("project_id", export.project_id, "Only this project"))
        found.append(self._only("user_id", export.user_id, f"Only {export.user.shown_name}"))
        return found

    def _again(self, export: Export, later: int | None) -> list[Act]:
        try:
            changes = export.kind.effect == "changes"
        except KeyError:
            return [self._later(later)] if later else []
        form = reverse("web:ask", args=[self.slug, export.project_id, export.type])
        edit = Act("Change and ask again", "again", f"{form}?from={export.pk}")
        retry = self._to("retry", export, "Retry" if export.status == states.FAILED else "Same again", "again", True)
        trouble = story.trouble(export)
        if trouble is None:
            # A kind that changes something is confirmed on its form each time.
            return [self._menu(edit)] if changes else [retry, edit]
        acts = [*self._helps(export, trouble.first), retry, edit]
        if later:
            return [self._later(later), *acts]
        return [edit, retry] if trouble.first == "edit" else acts

    def _helps(self, export: Export, first: str) -> list[Act]:
        """What the reason of a failure asks for before a retry."""
        if first == "credential":
            href = reverse("web:credential", args=[self.slug, export.project.credential_id])
            return [Act("Mend credential", "key", href)]
        if first == "watch":
            href = reverse("web:adopt", args=[self.slug, export.pk])
            return [Act("Watch again", "eye", href, True, "remote_id", export.remote_id)]
        if first == "adopt":
            return [Act("Adopt", "eye", reverse("web:export", args=[self.slug, export.pk]) + "#adopt")]
        return []

    def _stop(self, export: Export) -> list[Act]:
        return [self._to("cancel", export, "Cancel", "stop", True)]

    def _delete(self, export: Export) -> Act:
        href = reverse("web:bulk", args=[self.slug, "delete"])
        return Act("Delete file", "cross", href, True, "id", str(export.pk), "danger")

    def _later(self, later: int) -> Act:
        return Act(f"Retried as {later}", "eye", reverse("web:export", args=[self.slug, later]))

    def _only(self, name: str, value: int, label: str) -> Act:
        href = f"{reverse('web:exports', args=[self.slug])}?{urlencode({name: value})}"
        return Act(label, "search", href, look="menu")

    def _to(self, name: str, export: Export, label: str, icon: str, post: bool = False) -> Act:
        return Act(label, icon, reverse(f"web:{name}", args=[self.slug, export.pk]), post)

    @staticmethod
    def _menu(act: Act) -> Act:
        return Act(act.label, act.icon, act.href, act.post, act.name, act.value, "menu")
