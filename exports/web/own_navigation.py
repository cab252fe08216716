"""The team's navigation on pages that belong to no team: the profile, errors, the choice of a team."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from exports.models import Member
from exports.web.decorators import found_member
from exports.web.rendering import base_context

TEAM_PATH: Final = re.compile(r"/t/([-\w]+)/")
# By name, what there is without a team.
DEFAULTS: Final[Mapping[str, Any]] = {"team": None, "sidebar": (), "may_export": False, "may_manage": False}


def own_navigation(request: HttpRequest) -> dict[str, Any]:
    """A context processor: what base.html needs of a team, where the view gives none. At most one query, when read.

    It is the team that the reader was on their way to, or came from, or the first of theirs. And whether the portal can
    only be read.
    """
    context: Any = SimpleLazyObject(partial(_context, request))
    values: dict[str, Any] = {name: SimpleLazyObject(partial(_value, context, name)) for name in DEFAULTS}
    return {**values, "is_read_only": settings.READ_ONLY}


def _value(context: Mapping[str, Any], name: str) -> Any:
    return context.get(name, DEFAULTS[name])


def _context(request: HttpRequest) -> dict[str, Any]:
    member = found_member(request) or _member(request)
    return base_context(member) if member else {}


def _member(request: HttpRequest) -> Member | None:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    rows = Member.objects.select_related("team", "user").filter(user=user)
    by_slug = {row.team.slug: row for row in rows.order_by("team__name", "pk")}
    paths = (request.path_info, urlsplit(request.headers.get("Referer", "")).path)
    slugs = [match[1] for path in paths if (match := TEAM_PATH.search(path))]
    return next((by_slug[slug] for slug in [*slugs, *by_slug] if slug in by_slug), None)
