"""Addresses of pages, in messages that leave the portal."""

from exports.models import Export, Team
from exports.portal_url import portal_url


def export_url(export: Export) -> str:
    """The address of the export's page, or "" when the portal does not know its own."""
    return team_url(export.team, f"exports/{export.pk}/")


def team_url(team: Team, path: str = "") -> str:
    """The address of one of the team's pages, or "" when the portal does not know its own."""
    base = portal_url()
    return f"{base}/t/{team.slug}/{path}" if base else ""


def profile_url() -> str:
    """The address of the reader's profile, or "" when the portal does not know its own."""
    base = portal_url()
    return f"{base}/profile/" if base else ""
