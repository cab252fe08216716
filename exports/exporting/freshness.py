"""The age of each project's last good export against its target, and the credentials that cannot make new ones."""

from typing import Final

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from exports import clock, states
from exports.audit import log as audit_log
from exports.errors import InvalidError
from exports.models import Credential, Export, Project, Team, User
from exports.models.project import GoodUntil
from exports.providers.contract import Provider
from exports.providers.registry import PROVIDERS

MAX_REFUSED_CREDENTIALS: Final = 10
# A year.
MAX_TARGET_HOURS: Final = 8760


def makes_copies(provider: Provider) -> bool:
    """Whether the provider has a kind of export that yields a file, so that there are copies that can age."""
    return any(kind.has_file for kind in provider.kinds)


def has_copies(project: Project) -> bool:
    """Whether there can be copies of the project; also where the portal no longer has its provider."""
    provider = PROVIDERS.get(project.credential.provider)
    return provider is None or makes_copies(provider)


def providers_with_copies() -> list[str]:
    """The providers of which the portal keeps copies."""
    return [slug for slug, provider in PROVIDERS.items() if makes_copies(provider)]


def check_target(project: Project, hours: int | None) -> None:
    """Raises InvalidError where the project cannot have this target."""
    if hours is None:
        return
    errors = [] if 1 <= hours <= MAX_TARGET_HOURS else [f"A target has 1 to {MAX_TARGET_HOURS} hours."]
    if not has_copies(project):
        errors.append(f"Exports of {project.provider.label} yield no file, so there is no copy that could age.")
    if errors:
        raise InvalidError({"fresh_within_hours": errors})


def set_target(project: Project, user: User | None, hours: int | None) -> None:
    """Sets how old the last good export may be, in hours; None: as old as it likes. Raises InvalidError."""
    check_target(project, hours)
    with transaction.atomic():
        row = Project.objects.select_for_update().get(pk=project.pk)
        if row.fresh_within_hours != hours:
            row.fresh_within_hours = hours
            # The next time that it is overdue is told anew.
            row.overdue_notified_at = row.overdue_notified_at if row.is_overdue else None
            row.save(update_fields=["fresh_within_hours", "overdue_notified_at"])
            what = f"last good export at most {hours} h old" if hours else "none"
            audit_log.record_event(project.team_id, user, "set target", f"project {project}", what)
    project.refresh_from_db(fields=["fresh_within_hours", "overdue_notified_at", "last_good_at"])


def overdue(rows: QuerySet[Project]) -> QuerySet[Project]:
    """The projects whose last good export is older than their target allows, the longest overdue first."""
    with_target = rows.filter(fresh_within_hours__gt=0, archived_at=None)
    return (
        with_target.annotate(good_until_at=GoodUntil()).filter(good_until_at__lt=clock.now()).order_by("good_until_at")
    )


def with_latest_result(rows: QuerySet[Project]) -> QuerySet[Project]:
    """Annotates projects with `latest_message`: the error message of the latest export that ended, or "" or None."""
    ended = Export.objects.filter(project=OuterRef("pk"), status__in=sorted(states.ENDED)).order_by("-pk")
    return rows.annotate(latest_message=Subquery(ended.values("error_message")[:1]))


def is_without_access(latest_message: str | None) -> bool:
    """Whether the message of a project's latest ended export says that its credential has no access to the project."""
    return (latest_message or "").startswith(states.NO_ACCESS)


def refused_credentials(team: Team) -> list[Credential]:
    """The team's credentials that the provider refused altogether (401), or whose last test failed, by name.

    A 403 of one project is not among these errors: `is_without_access`.
    """
    rows = Credential.objects.filter(team=team).exclude(last_error="").order_by("name")
    return list(rows.only("pk", "team_id", "name", "provider", "last_error")[:MAX_REFUSED_CREDENTIALS])
