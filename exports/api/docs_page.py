"""The API's page: every call with curl and recorded answers, for people."""

import re
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from exports.api.documented_calls import TOKEN_VARIABLE, Builder
from exports.api.examples import load_signature_check
from exports.api.openapi import PortalAPI
from exports.exporting import pagination
from exports.http import throttling
from exports.portal_url import portal_origin

PageContext = Callable[[HttpRequest], dict[str, Any]]
_GZIP: Final = GZipMiddleware(lambda _request: HttpResponse())


def docs_view(api: PortalAPI, page_context: PageContext) -> Any:
    """Returns the view of the page. `page_context`: what base.html needs, and `example_ids` of the reader's team."""

    @require_safe
    def docs(request: HttpRequest) -> HttpResponse:
        context = page_context(request)
        builder = Builder(api.get_openapi_schema(), portal_origin(request), context.get("example_ids", {}))
        context |= {
            "section": "api",
            "calls": builder.calls(),
            "errors": builder.errors(),
            "schemas": builder.schemas(),
            "base": portal_origin(request) + reverse("api:api-root").rstrip("/"),
            "signature_check": load_signature_check(),
            "token_variable": TOKEN_VARIABLE,
            "reads": throttling.TOKEN_READS,
            "writes": throttling.TOKEN_WRITES,
            "max_limit": pagination.MAX_LIMIT,
            "default_limit": pagination.DEFAULT_LIMIT,
        }
        html = render_to_string("api/docs.html", context, request)
        # Descriptions are Markdown, of which only `code` is used.
        response = HttpResponse(re.sub("`([^`<>]+)`", r"<code>\1</code>", html))
        return _GZIP.process_response(request, response)  # type: ignore[return-value]

    return docs
