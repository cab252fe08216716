"""URLs below /api/."""

from typing import Any

from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.http import require_safe

from exports.api import (
    alerts,
    comparisons,
    coverage,
    credentials,
    exports,
    me,
    problems,
    projects,
    retention,
    schedules,
    team,
    webhooks,
)
from exports.api.auth import Bearer
from exports.api.openapi import PortalAPI

# In the order in which the documentation shows them.
PARTS = (
    me,
    credentials,
    projects,
    exports,
    comparisons,
    schedules,
    retention,
    coverage,
    team,
    alerts,
    webhooks,
)
api = PortalAPI(
    title="Export Portal",
    version="1",
    description=(
        "Everything the website does, for scripts. Send a token with each call: `Authorization: Bearer TOKEN`. Errors"
        " are application/problem+json. Lists are newest first; follow `meta.next` for more. A token may read 200 times"
        " a second in the long run (400 at once) and write 100 times (6000 at once); beyond, 429 says with"
        " `Retry-After` in how many seconds to ask again."
    ),
    docs_url=None,
    urls_namespace="api",
    auth=Bearer(),
)
for part in PARTS:
    for view in part.router.path_operations.values():
        for operation in view.operations:
            # HEAD is allowed wherever GET is (RFC 9110, 9.3.2).
            operation.methods += ["HEAD"] if "GET" in operation.methods else []
    api.add_router("", part.router)
problems.add_handlers(api)


def _wrap_views(patterns: Any) -> list[URLPattern]:
    """Returns ninja's URL patterns with their views wrapped by `problems.wrap_view`."""
    url_patterns = [pattern for pattern in patterns if isinstance(pattern, URLPattern)]
    for pattern in url_patterns:
        # ninja's root view exists only to be reversed, and its document view would accept any method.
        view = {"api-root": problems.not_found, "openapi-json": require_safe(pattern.callback)}.get(pattern.name or "")
        pattern.callback = problems.wrap_view(view or pattern.callback)
    return url_patterns


_patterns, _app, _namespace = api.urls
urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", (_wrap_views(_patterns), _app, _namespace)),
    re_path(r"^(?P<path>(?s:.*))\Z", problems.wrap_view(problems.not_found)),
]
