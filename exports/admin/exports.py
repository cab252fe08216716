"""Exports of all teams: their list, and the page of one with the actions of staff."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from exports import models
from exports.admin import columns, export_page, search
from exports.admin.columns import time_column
from exports.admin.filters import ErrorFilter, ProjectFilter, ProviderFilter, StatusFilter, StepFilter, TeamFilter
from exports.admin.model_admin import ReadOnlyAdmin
from exports.errors import ConflictError, InvalidError
from exports.exporting import actions, dismissals, fetch_again
from exports.exporting.create import Requester


@admin.register(models.Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        columns.export_status,
        columns.export_project,
        "team",
        time_column("created_at", _l("Requested")),
        columns.export_next_step,
        columns.export_user,
    )
    list_filter = (StatusFilter, StepFilter, ErrorFilter, ProviderFilter, TeamFilter, ProjectFilter)
    list_select_related = ("team", "project__credential", "user")
    search_fields = ("id",)
    search_help_text = _l("#number, job, project, team, e-mail")
    ordering = ("-id",)
    is_large = True
    actions = ("redrive", "fetch_again", "dismiss", "write_off")

    def find(self, term: str) -> Q:
        """By number, job, project, team or person."""
        return search.export_query(term)

    def has_write_off_permission(self, request: HttpRequest) -> bool:
        """All actions need the permission to change exports, although no field can be edited."""
        return request.user.has_perm("exports.change_export")

    def get_urls(self) -> list[URLPattern]:
        """Adds what the page of an export posts to."""
        act = self.admin_site.admin_view(self.act_view)
        return [path("<int:pk>/act/<slug:verb>/", act, name="exports_export_act"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of an export: facts, history and calls, and the actions."""
        if request.method == "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        export = self.get_object(request, unquote(object_id))
        if export is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        may_act = self.has_write_off_permission(request)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export #%(pk)s") % {"pk": export.pk},
            "opts": self.opts,
            **export_page.get_context(export, request.user, may_act=may_act),
        }
        return TemplateResponse(request, "admin/exports/export/page.html", context)

    def act_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Re-drives, fetches again or writes off one export, and returns to its page, which says what happened."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rows = models.Export.objects.filter(pk=pk)
        verbs = {"redrive": self.redrive, "fetch-again": self.fetch_again, "write-off": self._write_off_with_reason}
        if not self.has_write_off_permission(request) or verb not in verbs:
            raise PermissionDenied
        verbs[verb](request, rows)
        return HttpResponseRedirect(reverse("admin:exports_export_change", args=[pk]))

    def _do(
        self, request: HttpRequest, exports: QuerySet[models.Export], act: Callable[[models.Export], Any]
    ) -> list[models.Export]:
        """Does it to each, says why not of each that refuses; returns the others."""
        done = []
        for export in exports.select_related("project__credential", "user", "file", "team"):
            try:
                act(export)
                done.append(export)
            except (ConflictError, InvalidError) as problem:
                self.message_user(request, f"#{export.pk}: {problem}", messages.WARNING)
        return done

    @admin.action(description=_l("Re-drive"), permissions=["write_off"])
    def redrive(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> None:
        """Makes the next step due now. A message names each export that has ended already."""
        actor = request.user.get_username()
        if done := self._do(request, queryset, lambda export: actions.redrive(export, actor=actor)):
            text = ngettext("The next step is due now", "The next steps of %(count)s exports are due now", len(done))
            self.message_user(request, text % {"count": len(done)}, messages.SUCCESS)

    @admin.action(description=_l("Fetch files again"), permissions=["write_off"])
    def fetch_again(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> None:
        """Makes an export for each that fetches the file of its job again, for the person who asked for it."""
        actor = request.user.get_username()
        made: list[int] = []

        def fetch(export: models.Export) -> None:
            made.append(fetch_again.fetch_again(export, Requester(export.user, "staff", "retry", actor)).pk)

        if self._do(request, queryset, fetch):
            text = ngettext(
                "The file is fetched again in %(exports)s", "The files are fetched again in %(exports)s", len(made)
            )
            self.message_user(request, text % {"exports": ", ".join(f"#{pk}" for pk in made)}, messages.SUCCESS)

    @admin.action(description=_l("Dismiss failure"), permissions=["write_off"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> None:
        """Dismisses failures for their teams. A message names each export that did not fail."""
        user = cast(models.User, request.user)
        if done := self._do(request, queryset, lambda export: dismissals.dismiss(export, user)):
            text = ngettext("The failure is dismissed", "%(count)s failures are dismissed", len(done))
            self.message_user(request, text % {"count": len(done)}, messages.SUCCESS)

    @admin.action(description=_l("Write off…"), permissions=["write_off"])
    def write_off(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> HttpResponse | None:
        """Asks for a reason on a page of its own, which the team reads in the history, then cancels."""
        if request.POST.get("reason", "").strip():
            self._write_off_with_reason(request, queryset)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Write off exports"),
            "opts": self.opts,
            "exports": list(queryset.select_related("project__credential", "team")),
            "export_ids": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "reason_missing": "reason" in request.POST,
        }
        return TemplateResponse(request, "admin/exports/write_off.html", context)

    def _write_off_with_reason(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> None:
        actor, reason = request.user.get_username(), request.POST.get("reason", "")
        if done := self._do(request, queryset, lambda export: actions.write_off(export, actor=actor, reason=reason)):
            text = ngettext(
                "Written off: the export is canceled", "Written off: %(count)s exports are canceled", len(done)
            )
            self.message_user(request, text % {"count": len(done)}, messages.SUCCESS)
