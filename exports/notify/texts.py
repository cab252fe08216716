"""What an event says to a person: title, one or two sentences, facts and one link. The one place for these texts."""

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from exports import states
from exports.models import Credential, Event, Export, Project, Schedule, Team
from exports.models import event as events
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


def describe(event: Event, zone: ZoneInfo) -> Notification:
    """The event as a text, with times in this zone. Objects that are gone are left out."""
    return _DESCRIPTIONS[event.type](event, zone)


def test_notification(team: Team) -> Notification:
    """What the test button sends."""
    return Notification(
        NEUTRAL,
        _("Test"),
        _("Test from Export portal"),
        (_("Alerts of %(team)s arrive here.") % {"team": plain(team.name, MAX_NAME)},),
        (),
        plain(team.name, MAX_NAME),
        team_url(team, "settings/alerts/"),
        _("Open alerts"),
    )


def why_alert(team: Team) -> str:
    """Why a member gets the mail of an alert."""
    return _("You get this because an alert of %(team)s names your address.") % {"team": plain(team.name, MAX_NAME)}


# ---------------------------------------------------------------- exports


def _succeeded(event: Event, zone: ZoneInfo) -> Notification:
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


def _failed(event: Event, zone: ZoneInfo) -> Notification:
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


def _canceled(event: Event, zone: ZoneInfo) -> Notification:
    export = _export_of(event)
    sentence = _("The job may go on at %(provider)s.") % _provider(export)
    return _about_export(event, zone, NEUTRAL, _("Canceled"), _("%(what)s was canceled"), (sentence,), ())


def _changed_oddly(event: Event, zone: ZoneInfo) -> Notification:
    export = _export_of(event)
    sentences = (plain(translated(export.odd_change)), _("Compare it with the one before, then rely on it."))
    title = _("%(what)s looks unusual")
    return _about_export(event, zone, WARNING, _("Odd"), title, tuple(filter(None, sentences)), _file_fact(export))


def _damaged(event: Event, zone: ZoneInfo) -> Notification:
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


# ---------------------------------------------------------------- projects, schedules, credentials, the team


def _overdue(event: Event, zone: ZoneInfo) -> Notification:
    hours = event.data.get("fresh_within_hours") or (event.project and event.project.fresh_within_hours)
    sentence = _("Overdue: no good export within %(hours)s h.") % {"hours": hours} if hours else _("Overdue.")
    return _about_project(event, zone, WARNING, _("Late"), _("%(project)s is late"), (sentence, _("Run an export.")))


def _fresh(event: Event, zone: ZoneInfo) -> Notification:
    sentence = _("It has a good export within its target.")
    return _about_project(event, zone, GOOD, _("Fresh"), _("%(project)s is fresh again"), (sentence,))


def _about_project(
    event: Event, zone: ZoneInfo, tone: str, label: str, title: str, sentences: tuple[str, ...]
) -> Notification:
    """A notification about a project; `title` has %(project)s for its name."""
    project = event.project
    assert project is not None  # noqa: S101  for the type checker: such events go with their project
    last = figures.moment(project.last_good_at, zone) if project.last_good_at else _("never")
    facts = [Fact(_("Last good export"), last)]
    if project.fresh_within_hours:
        facts.append(Fact(_("Target"), _("within %(hours)s h") % {"hours": project.fresh_within_hours}))
    facts.append(Fact(_("Provider"), provider_label(project.credential)))
    return Notification(
        tone,
        label,
        title % {"project": plain(project, MAX_NAME)},
        sentences,
        tuple(facts),
        plain(event.team.name, MAX_NAME),
        team_url(event.team, f"projects/{project.pk}/"),
        _("Open the project"),
    )


def _schedule_disabled(event: Event, zone: ZoneInfo) -> Notification:
    schedule = schedule_of(event)
    project: Project | None = event.project or (schedule.project if schedule else None)
    reason = event.data.get("reason") or (schedule.disabled_reason if schedule else "")
    facts = [Fact(_("Stopped"), figures.moment(event.at, zone))]
    if schedule:
        facts = [
            Fact(_("Schedule"), f"{plain(schedule.type)}, {plain(schedule.cron)}"),
            Fact(_("Owner"), plain(schedule.owner.display_name, MAX_NAME)),
            *facts,
        ]
    name = plain(project, MAX_NAME) if project else _("a project")
    return Notification(
        BAD,
        _("Stopped"),
        _("The schedule of %(project)s stopped") % {"project": name},
        tuple(filter(None, (plain(translated(reason)), _("Your turn: check it, then turn it on again.")))),
        tuple(facts),
        plain(event.team.name, MAX_NAME),
        team_url(event.team, f"schedules/{schedule.pk}/" if schedule else "schedules/"),
        _("Open the schedule"),
    )


def schedule_of(event: Event) -> Schedule | None:
    """The schedule that an event is about; None where it is about none, or the schedule is deleted."""
    key = event.data.get("schedule_id")
    return (
        Schedule.objects.select_related("project", "owner").filter(pk=key, team=event.team_id).first() if key else None
    )


def _credential_refused(event: Event, zone: ZoneInfo) -> Notification:
    key = event.data.get("credential_id")
    credential = Credential.objects.filter(pk=key, team=event.team_id).first() if key else None
    names = {
        "provider": provider_label(credential) if credential else _("A provider"),
        "name": plain(credential.name, MAX_NAME) if credential else _("a credential"),
    }
    said = plain(translated(credential.last_error)) if credential else ""
    return Notification(
        BAD,
        _("Rejected"),
        _("%(provider)s rejected %(name)s") % names,
        tuple(filter(None, (said, _("Your turn: replace the secret. Until then its exports fail.")))),
        (Fact(_("Credential"), names["name"]), Fact(_("Rejected"), figures.moment(event.at, zone))),
        plain(event.team.name, MAX_NAME),
        team_url(event.team, f"credentials/{credential.pk}/" if credential else "credentials/"),
        _("Replace the secret"),
    )


def _quota(event: Event, zone: ZoneInfo) -> Notification:
    team = event.team
    name, percent = plain(team.name, MAX_NAME), event.data.get("percent")
    title = (
        _("%(team)s uses %(percent)s %% of its storage") % {"team": name, "percent": percent}
        if percent
        else _("The storage of %(team)s is nearly full") % {"team": name}
    )
    used = figures.size(team.kept_bytes)
    if team.quota_bytes:
        used = _("%(used)s of %(quota)s") % {"used": used, "quota": figures.size(team.quota_bytes)}
    return Notification(
        WARNING,
        _("Storage"),
        title,
        (_("When it is full, new exports fail. Delete files, or set a retention rule."),),
        (
            Fact(_("Used"), used),
            Fact(_("Files"), figures.number(team.kept_files)),
            Fact(_("Noticed"), figures.moment(event.at, zone)),
        ),
        name,
        team_url(team, "settings/retention/"),
        _("Make room"),
    )


_DESCRIPTIONS: Final[dict[str, Callable[[Event, ZoneInfo], Notification]]] = {
    events.EXPORT_SUCCEEDED: _succeeded,
    events.EXPORT_FAILED: _failed,
    events.EXPORT_CANCELED: _canceled,
    events.PROJECT_OVERDUE: _overdue,
    events.PROJECT_FRESH: _fresh,
    events.SCHEDULE_DISABLED: _schedule_disabled,
    events.CREDENTIAL_REFUSED: _credential_refused,
    events.FILE_CHANGED_ODDLY: _changed_oddly,
    events.FILE_DAMAGED: _damaged,
    events.TEAM_QUOTA: _quota,
}
