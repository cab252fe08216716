"""The figures of a comparison, as the pages show them, and how an export's file compares with the usual one."""

from dataclasses import dataclass
from statistics import median

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.exporting import durations
from exports.models import Export
from exports.preview.comparison import Comparison, good_exports
from exports.preview.comparison_archives import MemberChanges
from exports.preview.comparison_films import FilmChanges
from exports.preview.comparison_tables import TableChanges
from exports.preview.oddness import EARLIER_EXPORTS
from exports.templatetags.times import count, file_size, format_duration


@dataclass(frozen=True)
class Figure:
    """A figure before and after, or only after. `change`: how far it rose (`is_up`) or fell, "" where it stayed."""

    label: str
    after: str
    before: str = ""
    change: str = ""
    is_up: bool = False
    note: str = ""


@dataclass(frozen=True)
class ComparedWithUsual:
    """An export's file beside those before it. `previous`: the one before that still has its file."""

    figures: list[Figure]
    duration: durations.UsualDuration | None
    seconds: float
    previous: Export | None


def build_figures(found: Comparison) -> list[Figure]:
    """Returns the figures of a comparison; only the size where the files could not be compared."""
    old, new, changes = found.old.file, found.new.file, found.changes
    sizes = [_size(old.size, new.size)] if old is not None and new is not None else []
    if isinstance(changes, TableChanges):
        return [_number(_("Rows"), *changes.rows), *sizes, _changed_rows(changes), _columns(changes)]
    if isinstance(changes, MemberChanges):
        return [_number(_("Files"), *changes.members), *sizes, _plain(_("Changed files"), changes.changed)]
    if isinstance(changes, FilmChanges):
        seconds = [_("unknown") if value is None else format_duration(value) for value in changes.seconds]
        return [Figure(_("Length"), seconds[1], "" if seconds[0] == seconds[1] else seconds[0]), *sizes]
    return sizes


def compare_with_usual(export: Export) -> ComparedWithUsual | None:
    """Compares an export's file with those before it, by what the database knows; None where there are none.

    Makes two queries, none for an export without a file.
    """
    file = export.file
    if file is None:
        return None
    earlier = [(one, one.file) for one in good_exports(export)[:EARLIER_EXPORTS] if one.file is not None]
    if not earlier:
        return None
    previous = next((one for one, kept in earlier if kept.deleted_at is None and kept.damaged_at is None), None)
    counts = [kept.row_count for _one, kept in earlier if kept.row_count is not None]
    figures = []
    if file.row_count is not None and counts:
        usual = _("usually %(number)s") % {"number": count(round(median(counts)))}
        figures.append(_number(_("Rows"), counts[0], file.row_count, usual))
    sizes = [kept.size for _one, kept in earlier]
    figures.append(_size(sizes[0], file.size, _("usually %(size)s") % {"size": file_size(round(median(sizes)))}))
    seconds = (export.finished_at - export.created_at).total_seconds() if export.finished_at else 0.0
    return ComparedWithUsual(figures, durations.usual_durations([export]).get(export.pk), seconds, previous)


def _number(label: str, before: int, after: int, note: str = "") -> Figure:
    if before == after:
        return Figure(label, count(after), note=note or _("no change"))
    return Figure(label, count(after), count(before), count(abs(after - before)), after > before, note)


def _size(before: int, after: int, note: str = "") -> Figure:
    if before == after:
        return Figure(_("Size"), file_size(after), note=note or _("no change"))
    percent = f"{formats.number_format(abs(after - before) * 100 / before, 1)}\N{THIN SPACE}%" if before else ""
    return Figure(_("Size"), file_size(after), file_size(before), percent, after > before, note)


def _plain(label: str, number: int) -> Figure:
    return Figure(label, count(number))


def _changed_rows(changes: TableChanges) -> Figure:
    if changes.key is None:
        return Figure(_("Changed rows"), "\N{EM DASH}", note=_("compared whole"))
    return Figure(_("Changed rows"), count(changes.changed), note=_("by %(column)s") % {"column": changes.key[:60]})


def _columns(changes: TableChanges) -> Figure:
    added, removed = len(changes.added_columns), len(changes.removed_columns)
    notes = [
        ngettext("%(number)s added", "%(number)s added", added) % {"number": added} if added else "",
        ngettext("%(number)s removed", "%(number)s removed", removed) % {"number": removed} if removed else "",
    ]
    note = ", ".join(filter(None, notes)) or _("no change")
    return Figure(_("Columns"), count(len(changes.keys) + added), note=note)
