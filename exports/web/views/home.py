"""The way in, and a team's home."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from exports import access, states
from exports.models import Export, Heartbeat, Member
from exports.web import show
from exports.web.asked import Asked, in_team, signed_in

SHOWN: Final = 10
FAILED_DAYS: Final = 14


@signed_in
def start(request: Asked) -> HttpResponseBase:
    """The team's home; with several teams, a choice."""
    teams = list(access.teams(request.user))
    if len(teams) == 1 and "choose" not in request.GET:
        return redirect("web:home", teams[0].slug)
    return render(request, "home/start.html", {"teams": teams})


@in_team()
def home(request: Asked, member: Member) -> HttpResponseBase:
    """Needs attention, in progress, recent; and where to begin when there is nothing yet."""
    context = overview(member)
    return show.live(request, member, "home/home.html", "home/now.html", context, moving=bool(context["moving"]))


def overview(member: Member) -> dict[str, Any]:
    """What the home shows."""
    exports = access.exports(member).order_by("-pk")
    since = timezone.now() - timedelta(days=FAILED_DAYS)
    # A failure that somebody has asked for again needs nobody's attention any more.
    again = Exists(Export.objects.filter(retry_of=OuterRef("pk")))
    failed = exports.filter(~again, status=states.FAILED, finished_at__gte=since)
    moving = list(exports.filter(status__in=states.OPEN)[:SHOWN])
    done = list(exports.filter(status__in=(states.SUCCEEDED, states.CANCELED))[:SHOWN])
    broken = list(access.credentials(member).exclude(trouble="").order_by("name")[:SHOWN])
    context: dict[str, Any] = {"failed": list(failed[:SHOWN]), "moving": moving, "done": done, "broken": broken}
    empty = not any(context.values())
    return {
        **context,
        "section": "home",
        "resting": bool(moving) and not Heartbeat.alive("worker:"),
        "failed_days": FAILED_DAYS,
        "begin": _first_step(member) if empty else "",
    }


def _first_step(member: Member) -> str:
    """Where a team without exports goes on: credential, project, export."""
    if not access.credentials(member).exists():
        return "credential"
    return "export" if access.projects(member).exists() else "project"
