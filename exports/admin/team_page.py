"""What the page of a team in the admin site adds to its form: credentials without secrets, figures."""

from typing import Any, Final

from django.contrib.auth.models import AnonymousUser

from exports.metrics.team_figures import team_figures
from exports.models import Credential, Team, User

MAX_CREDENTIALS: Final = 50


def get_context(object_id: str, user: User | AnonymousUser) -> dict[str, Any]:
    """Returns credentials and figures by the person's permissions; nothing for a team that there is not."""
    team = Team.objects.filter(pk=int(object_id)).first() if object_id.isdecimal() and len(object_id) < 19 else None
    if team is None:
        return {}
    context: dict[str, Any] = {"team_row": team}
    if user.has_perm("exports.view_export"):
        context["figures"] = team_figures(team)
    if user.has_perm("exports.view_credential"):
        context["credentials"] = list(Credential.objects.filter(team=team).order_by("name")[:MAX_CREDENTIALS])
    return context
