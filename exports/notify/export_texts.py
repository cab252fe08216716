"""What an event about an export says to a person: `exports.notify.texts` has the others, and picks."""

from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from exports import states
from exports.models import Event, Export
from exports.notify import figures
from exports.notify.figures import plain
from exports.notify.notification import (
    BAD,
    GOOD,
    MAX_NAME,
    NEUTRAL,
    WARNING,
    Fact,
    Notification,
    heading,
    provider_label,
)
from exports.notify.page_urls import team_url
from exports.sentences import translated


def succeeded(event: Event, zone: ZoneInfo) -> Notification:
    """It is done, with the facts of its file."""
    export = _export_of(event)
    file = export.file
    if file is None:
        sentences = (_("Done and checked at %(provider)s. This kind has no file.") % _provider(export),)
        return _about_export(event, zone, GOOD, _("Succeeded"), _("%(what)s is done"), sentences, ())
    facts = [Fact(_("File"), f"{plain(file.name, 200)}, {figures.size(file.size)}")]
    if file.row_count is not None:
        facts.append(Fact(_("Rows"), figures.number(file.row_count)))
    facts += [Fact(_("Verified"), figures.moment(file.verified_at, zone)), Fact("SHA-256", file.sha256)]
    if file.expires_at:
        facts.append(Fact(_("Kept until"), figures.day(file.expires_at, zone)))
    sentence = _("Verified, %(size)s.") % {"size": figures.size(file.size)}
    more = tuple(plain(translated(text)) for text in (file.unchecked, export.odd_change) if text)
    return _about_export(
        event, zone, GOOD, _("Succeeded"), _("%(what)s is ready"), (sentence, *more), facts, _("Open and download")
    )


def failed(event: Event, zone: ZoneInfo) -> Notification:
    """What failed, whose turn it is, and the last good file."""
    export = _export_of(event)
    turns = {
        "you": _("Your turn: fix this, then retry."),
        "us": _("Needs an admin."),
        "provider": _("%(provider)s's turn: retry later, or ask %(provider)s."),
        "none": _("Nothing to do."),
    }
    sentences = (plain(translated(export.error_message), 500), turns.get(export.error_action, "") % _provider(export))
    facts = []
    good = Export.objects.filter(
        project_id=export.project_id,
        type=export.type,
        status=states.SUCCEEDED,
        file__deleted_at=None,
        file__isnull=False,
        pk__lt=export.pk,
    )
    if last := good.select_related("file").order_by("-pk").first():
        text = f"{figures.moment(last.finished_at, zone)}, {figures.size(last.file.size)}, #{last.pk}"  # type: ignore[arg-type,union-attr]
        facts.append(Fact(_("Last good file"), text))
    title = _("%(what)s failed")
    return _about_export(event, zone, BAD, _("Failed"), title, tuple(filter(None, sentences)), facts)


def canceled(event: Event, zone: ZoneInfo) -> Notification:
    """It was canceled."""
    export = _export_of(event)
    sentence = _("The job may go on at %(provider)s.") % _provider(export)
    return _about_export(event, zone, NEUTRAL, _("Canceled"), _("%(what)s was canceled"), (sentence,), ())


def changed_oddly(event: Event, zone: ZoneInfo) -> Notification:
    """Its file differs oddly from those before."""
    export = _export_of(event)
    sentences = (plain(translated(export.odd_change)), _("Compare it with the one before, then rely on it."))
    title = _("%(what)s looks unusual")
    return _about_export(event, zone, WARNING, _("Odd"), title, tuple(filter(None, sentences)), _file_fact(export))


def damaged(event: Event, zone: ZoneInfo) -> Notification:
    """Its kept file is no longer what was verified."""
    problem = plain(translated(event.data.get("problem", "")))
    sentences = (
        problem or _("The kept file is gone, or no longer what was verified."),
        _("Your turn: run the export again."),
    )
    export = _export_of(event)
    return _about_export(
        event, zone, BAD, _("Damaged"), _("The file of %(what)s is damaged"), sentences, _file_fact(export)
    )


def _file_fact(export: Export) -> list[Fact]:
    return [Fact(_("File"), f"{plain(export.file.name, 200)}, {figures.size(export.file.size)}")] if export.file else []


def _about_export(
    event: Event,
    zone: ZoneInfo,
    tone: str,
    label: str,
    title: str,
    sentences: tuple[str, ...],
    facts: "tuple[Fact, ...] | list[Fact]",
    link_label: str = "",
) -> Notification:
    """A notification about an export; `title` has %(what)s for what the export is."""
    export = _export_of(event)
    what = heading(export)
    times = [
        Fact(_("Provider"), provider_label(export.project.credential)),
        Fact(_("Requested"), f"{figures.moment(export.created_at, zone)}, {plain(export.user.display_name, MAX_NAME)}"),
    ]
    if export.finished_at:
        took = figures.duration((export.finished_at - export.created_at).total_seconds())
        times.append(
            Fact(
                _("Finished"),
                _("%(at)s, took %(took)s") % {"at": figures.moment(export.finished_at, zone), "took": took},
            )
        )
    return Notification(
        tone,
        label,
        title % {"what": what},
        sentences,
        (*facts, *times),
        plain(event.team.name, MAX_NAME),
        team_url(event.team, f"exports/{export.pk}/"),
        link_label or _("Open the export"),
        f"#{export.pk}",
    )


def _export_of(event: Event) -> Export:
    # Events about exports go with their export (on_delete=CASCADE), so there is one.
    assert event.export is not None  # noqa: S101  for the type checker
    return event.export


def _provider(export: Export) -> dict[str, str]:
    return {"provider": provider_label(export.project.credential)}
