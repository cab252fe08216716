"""Teams with their members, credentials and figures, and API tokens."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from exports import models
from exports.admin import columns, team_page
from exports.admin.columns import code_column, size_column, time_column
from exports.admin.model_admin import PortalAdmin, ReadOnlyAdmin
from exports.admin.requests import staff_member
from exports.errors import ConflictError
from exports.metrics.quotas import NEAR_PERCENT, percent_kept
from exports.people import members, teams
from exports.templatetags.elements import tone_state


@admin.register(models.Token)
class TokenAdmin(ReadOnlyAdmin):
    list_display = (
        code_column("prefix", _l("Begins with")),
        columns.token_state,
        "name",
        "user",
        "team",
        "scope",
        time_column("created_at", _l("Created")),
        time_column("used_at", _l("Used"), _l("never")),
        time_column("expires_at", _l("Expires"), _l("never")),
    )
    list_filter = ("scope",)
    list_select_related = ("member__team", "member__user")
    search_fields = ("=prefix", "member__user__email", "member__team__slug")
    search_help_text = _l("First characters, e-mail address, or team")
    ordering = ("-id",)
    actions = ("revoke",)

    @admin.display(description=_l("Person"))
    def user(self, token: models.Token) -> str:
        """Whose token it is."""
        return str(token.member.user)

    @admin.display(description=_l("Team"))
    def team(self, token: models.Token) -> str:
        """Where it is valid."""
        return str(token.member.team)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Revoking needs the permission to change tokens."""
        return request.user.has_perm("exports.change_token")

    @admin.action(description=_l("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[models.Token]) -> None:
        """Revokes the tokens that are still valid, as their owners do."""
        done = 0
        for token in queryset.select_related("member__team", "member__user"):
            try:
                teams.revoke_token(token, staff_member(request))
                done += 1
            except ConflictError as problem:
                self.message_user(request, f"{token.prefix}…: {problem}", messages.WARNING)
        if done:
            text = ngettext("%(count)s token was revoked", "%(count)s tokens were revoked", done)
            self.message_user(request, text % {"count": done}, messages.SUCCESS)


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """A membership. Whose one is that exists stays; the field of another one searches the accounts there are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # The widget that searches would ask the database for the name of each member.
            user = self.instance.user
            self.fields["user"].widget = forms.Select(choices=[(user.pk, str(user))])
            self.fields["user"].disabled = True


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """The members of a team."""

    model = models.Member
    form = MemberForm
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Member]:
        """The members with their accounts, in one query."""
        return super().get_queryset(request).select_related("user", "team")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Chosen among the accounts there are; these are made and changed in their own list."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "user" and field is not None:
            for name in ("can_add_related", "can_change_related", "can_view_related"):
                setattr(field.widget, name, False)
        return field


@admin.register(models.Team)
class TeamAdmin(PortalAdmin):
    list_display = (
        "slug",
        "name",
        "quota_state",
        size_column("kept_bytes", _l("Keeps")),
        size_column("quota_bytes", _l("Quota")),
        time_column("paused_at", _l("Paused")),
        time_column("created_at", _l("Created")),
    )
    fields = ("name", "slug", "quota_bytes", "require_second_factor")
    search_fields = ("name", "slug")
    search_help_text = _l("Name")
    ordering = ("slug",)
    prepopulated_fields: ClassVar[dict[str, Sequence[str]]] = {"slug": ("name",)}
    inlines = (MemberInline,)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Says the unit of the quota."""
        if db_field.name == "quota_bytes":
            kwargs["help_text"] = _("In bytes: 10000000000 is 10 GB. Empty: as the disk has room.")
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_l("State"))
    def quota_state(self, team: models.Team) -> SafeString:
        """Whether there is room in its quota."""
        percent = percent_kept(team)
        if percent is None:
            return tone_state("", _("No quota"), "min")
        text = _("%(percent)s %% full") % {"percent": percent}
        if percent >= NEAR_PERCENT:
            return tone_state("bad" if percent >= 100 else "warn", text, "alert")
        return tone_state("good", text, "check")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Adds the team's credentials, without secrets, and figures, by the person's permissions."""
        extra = {**team_page.get_context(object_id, request.user), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    def save_model(self, request: HttpRequest, obj: models.Team, form: Any, change: bool) -> None:
        """Records in the team's activity what staff change of it."""
        super().save_model(request, obj, form, change)
        before = {name: form.initial.get(name) for name in form.changed_data} if change else None
        teams.record_staff_change(obj, staff_member(request), before)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Changes roles and removes members as the team's own pages do, with all that ends then."""
        formset.save(commit=False)
        by = request.user.get_username()
        try:
            for member in formset.new_objects:
                members.add_member(member, by)
            for member, fields in formset.changed_objects:
                if "user" in fields:
                    raise ConflictError("A membership stays with its person. Remove it, and add the other one.")
                members.change_role(models.Member.objects.get(pk=member.pk), member.role, by)
            for member in formset.deleted_objects:
                members.remove_member(member, by)
        except ConflictError as problem:
            self.message_user(request, str(problem), messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Always false: a team owns history, which is never deleted."""
        return False
