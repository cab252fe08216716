"""Rendering a team page, or only its live fragment."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from exports import access
from exports.http.packing import packed
from exports.models import Member
from exports.web import navigation
from exports.web.decorators import SignedInRequest

FRAGMENT_HASH_HEADER: Final = "X-Live-Mark"
WHOLE_PAGE_HEADER: Final = "X-Whole-Page"
# Seconds between two requests of a page on which something is open.
LIVE_SECONDS: Final = 2
# What `when` renders; it changes by the clock alone.
RELATIVE_TIME: Final = re.compile(r'<span class="rel">[^<]*</span>')


def base_context(member: Member) -> dict[str, Any]:
    """Returns the context that base.html needs on every page of a team."""
    allowed = access.ROLE_PERMISSIONS[member.role]
    return {
        "member": member,
        "team": member.team,
        "may_export": access.EXPORT in allowed,
        "may_manage": access.MANAGE in allowed,
        "sidebar": navigation.sidebar(member),
        "settings_pages": navigation.settings_pages(member),
    }


def render_page(
    request: SignedInRequest, member: Member, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Renders a whole page."""
    html = render_to_string(template, {**base_context(member), **(context or {})}, request)
    return packed(request, HttpResponse(html, status=status))


def render_live_page(
    request: SignedInRequest,
    member: Member,
    template: str,
    fragment: str,
    context: dict[str, Any],
    *,
    interval: int,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Renders a page around a live fragment, which htmx reloads every `interval` seconds; htmx gets it alone.

    With 0 it is not reloaded. `headers` are sent with each reload. A request with WHOLE_PAGE_HEADER gets the page, of
    which htmx takes a part that is larger than the fragment. The page sends the hash of the fragment it shows. An
    unchanged fragment is answered with 204, so that the page keeps its focus, selection and scroll position. The
    fragment must therefore contain no token, and no current time but in relative times, which the script keeps true.
    """
    context = {**base_context(member), **context}
    html = render_to_string(fragment, context, request)
    fragment_hash = hashlib.sha256(RELATIVE_TIME.sub("", html).encode()).hexdigest()[:16]
    context |= {
        "live_html": html,
        "live_headers": json.dumps({FRAGMENT_HASH_HEADER: fragment_hash, **(headers or {})}),
        "live_interval": interval,
    }
    if not request.htmx or WHOLE_PAGE_HEADER in request.headers:
        response = HttpResponse(render_to_string(template, context, request))
    elif interval and request.headers.get(FRAGMENT_HASH_HEADER) == fragment_hash:
        response = HttpResponse(status=204)
    else:
        context["live_only"] = True
        response = HttpResponse(render_to_string("elements/live_region.html", context, request))
    patch_vary_headers(response, ["HX-Request", WHOLE_PAGE_HEADER])
    return packed(request, response)
