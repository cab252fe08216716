"""What an event says to a person: title, one or two sentences, facts and one link; of exports see export_texts.py."""

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from exports.models import Credential, Event, Project, Schedule, Team
from exports.models import event as events
from exports.notify import export_texts, figures
from exports.notify.figures import plain
from exports.notify.notification import (
    BAD,
    GOOD,
    MAX_NAME,
    NEUTRAL,
    WARNING,
    Fact,
    Notification,
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
    events.EXPORT_SUCCEEDED: export_texts.succeeded,
    events.EXPORT_FAILED: export_texts.failed,
    events.EXPORT_CANCELED: export_texts.canceled,
    events.PROJECT_OVERDUE: _overdue,
    events.PROJECT_FRESH: _fresh,
    events.SCHEDULE_DISABLED: _schedule_disabled,
    events.CREDENTIAL_REFUSED: _credential_refused,
    events.FILE_CHANGED_ODDLY: export_texts.changed_oddly,
    events.FILE_DAMAGED: export_texts.damaged,
    events.TEAM_QUOTA: _quota,
}
