"""The admin site: its index answers what staff come for, and its sidebar lists what they may see."""

import functools
from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports.admin import navigation, overview
from exports.http.packing import packed


class PortalAdminSite(AdminSite):
    """Django's admin site with the portal's sign-in, sidebar and index."""

    site_header = site_title = _l("Admin")
    enable_nav_sidebar = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Adds the sidebar to what every page of the site gets."""
        parts = request.path.removeprefix(reverse("admin:index")).split("/")
        section = parts[1] if len(parts) > 1 else parts[0] or navigation.OVERVIEW
        groups = navigation.sidebar(self, request)
        labels = [link.label for group in groups for link in group.links if link.section == section]
        return {
            **super().each_context(request),
            "sidebar": groups,
            "section": section,
            "section_label": labels[0] if labels else "",
        }

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Packs what its pages answer; lists of many rows are large."""
        inner = super().admin_view(view, cacheable)

        @functools.wraps(inner)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            response = inner(request, *args, **kwargs)
            if isinstance(response, TemplateResponse):
                response.add_post_render_callback(lambda rendered: packed(request, rendered))
            return response

        return answer

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The figures that the person's permissions allow, and below them the lists."""
        figures = {"figures": overview.get_figures(request.user), "title": _("Overview")}
        return super().index(request, {**figures, **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Staff sign in like everybody else, with second factor and rate limits."""
        view = secure_admin_login(super().login)  # type: ignore[no-untyped-call]
        return view(request, extra_context)  # type: ignore[no-any-return]

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Staff change their password like everybody else."""
        return HttpResponseRedirect(reverse("account_change_password"))
