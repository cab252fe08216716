"""Showing a page of a team, or only the part of it that moves."""

import hashlib
from typing import Any, Final

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from exports import access
from exports.models import Member
from exports.web.decorators import SignedInRequest

FRAGMENT_HASH_HEADER: Final = "X-Live-Mark"


def base_context(member: Member) -> dict[str, Any]:
    """What the frame around every page of a team needs."""
    verbs = access.ROLE_PERMISSIONS[member.role]
    return {
        "member": member,
        "team": member.team,
        "may_export": access.EXPORT in verbs,
        "may_manage": access.MANAGE in verbs,
    }


def render_page(
    request: SignedInRequest, member: Member, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A whole page."""
    return HttpResponse(render_to_string(template, {**base_context(member), **(context or {})}, request), status=status)


def render_live_page(
    request: SignedInRequest, member: Member, template: str, part: str, context: dict[str, Any], *, moving: bool
) -> HttpResponse:
    """A page around a part that asks for itself again while `moving`; htmx gets the part alone.

    `mark` tells one look of the part from another, so that an unchanged one is answered with nothing and the page
    keeps its focus, selection and scroll position. The part must therefore hold no token and no clock of its own.
    """
    context = {**base_context(member), **context}
    body = render_to_string(part, context, request)
    mark = hashlib.sha256(body.encode()).hexdigest()[:16]
    context |= {"live_body": body, "live_mark": mark, "live_moving": moving, "live_header": FRAGMENT_HASH_HEADER}
    if not request.htmx:
        response = HttpResponse(render_to_string(template, context, request))
    elif moving and request.headers.get(FRAGMENT_HASH_HEADER) == mark:
        response = HttpResponse(status=204)
    else:
        response = HttpResponse(render_to_string("elements/live_region.html", {**context, "live_alone": True}, request))
    patch_vary_headers(response, ["HX-Request"])
    return response
