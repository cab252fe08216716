"""Rendering a team page, or only its live fragment."""

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
    """Returns the context that base.html needs on every page of a team."""
    allowed = access.ROLE_PERMISSIONS[member.role]
    return {
        "member": member,
        "team": member.team,
        "may_export": access.EXPORT in allowed,
        "may_manage": access.MANAGE in allowed,
    }


def render_page(
    request: SignedInRequest, member: Member, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Renders a whole page."""
    return HttpResponse(render_to_string(template, {**base_context(member), **(context or {})}, request), status=status)


def render_live_page(
    request: SignedInRequest, member: Member, template: str, fragment: str, context: dict[str, Any], *, refreshing: bool
) -> HttpResponse:
    """Renders a page around a live fragment, which htmx reloads every 2 s while `refreshing`; htmx gets it alone.

    The page sends the hash of the fragment it shows. An unchanged fragment is answered with 204, so that the page
    keeps its focus, selection and scroll position. The fragment must therefore contain no token and no current time.
    """
    context = {**base_context(member), **context}
    html = render_to_string(fragment, context, request)
    fragment_hash = hashlib.sha256(html.encode()).hexdigest()[:16]
    context |= {
        "live_html": html,
        "live_hash": fragment_hash,
        "live_hash_header": FRAGMENT_HASH_HEADER,
        "live_refreshing": refreshing,
    }
    if not request.htmx:
        response = HttpResponse(render_to_string(template, context, request))
    elif refreshing and request.headers.get(FRAGMENT_HASH_HEADER) == fragment_hash:
        response = HttpResponse(status=204)
    else:
        context["live_only"] = True
        response = HttpResponse(render_to_string("elements/live_region.html", context, request))
    patch_vary_headers(response, ["HX-Request"])
    return response
