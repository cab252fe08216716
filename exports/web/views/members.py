"""A team's people: who is in it, inviting, roles, leaving; and the page an invitation leads to."""

from typing import Any, cast

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from exports import access
from exports.errors import ConflictError, InvalidError
from exports.models import Export, Invitation, Member, Token, User
from exports.people import members
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.people_forms import InviteForm, RoleForm, SignUpForm


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Everybody in the team; for owners also who is invited."""
    holds = access.MANAGE in access.ROLE_PERMISSIONS[member.role]
    context = {
        "section": "members",
        "people": members.list_members(member.team),
        "invitations": list(members.open_invitations(member.team)) if holds else [],
    }
    return rendering.render_page(request, member, "members/list.html", context)


@never_cache
@team_member_required(access.MANAGE)
def invite(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Makes a link, which this page shows once; to an address it is mailed as well."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made, token = members.create_invitation(
                member.team, request.user, form.cleaned_data["role"], form.cleaned_data["email"]
            )
        except InvalidError as problem:
            form.add_errors(problem.errors)
        else:
            path = reverse("web:invitation", args=[token])
            address = f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
            sent = members.send_invitation(made, address) if made.email else False
            context = {"section": "members", "invitation": made, "address": address, "sent": sent}
            return rendering.render_page(request, member, "members/invitation_created.html", context)
    status = 422 if request.method == "POST" else 200
    return rendering.render_page(request, member, "members/invite.html", {"section": "members", "form": form}, status)


@team_member_required(access.MANAGE)
def revoke(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Makes an open invitation useless."""
    invitation = get_object_or_404(Invitation.objects.select_related("team"), team=member.team, pk=pk)
    if request.method == "POST":
        try:
            members.revoke_invitation(invitation, request.user)
            messages.success(request, _("The invitation was revoked; its link no longer works."))
        except ConflictError as problem:
            messages.warning(request, str(problem))
    return redirect("web:members", member.team.slug)


def _other(member: Member, pk: int) -> Member:
    found = Member.objects.select_related("user", "team").filter(team=member.team, pk=pk).first()
    if found is None:
        raise Http404(_("This person is no longer in the team."))
    return found


@team_member_required(access.MANAGE)
def member_page(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """A member's role, to be changed, and what taking them out would mean."""
    return _page(request, member, _other(member, pk))


@team_member_required(access.MANAGE)
def change_role(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Gives a member another role."""
    other = _other(member, pk)
    form = RoleForm(request.POST)
    if request.method != "POST":
        return redirect("web:member", member.team.slug, pk)
    if form.is_valid():
        try:
            members.change_role(other, form.cleaned_data["role"], request.user)
        except ConflictError as problem:
            form.add_error(None, str(problem))
        else:
            said = {"name": other.user.display_name, "role": form.cleaned_data["role"], "team": member.team}
            messages.success(request, _("The role of %(name)s in %(team)s is now %(role)s.") % said)
            return redirect("web:members", member.team.slug)
    return _page(request, member, other, form=form, status=422)


@team_member_required(access.MANAGE)
def remove(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Takes a person out of the team."""
    other = _other(member, pk)
    if request.method != "POST":
        return redirect("web:member", member.team.slug, pk)
    try:
        members.remove_member(other, request.user)
    except ConflictError as problem:
        return _page(request, member, other, problem=str(problem), status=422)
    said = {"name": other.user.display_name, "team": member.team}
    messages.success(request, _("%(name)s is no longer in %(team)s.") % said)
    return redirect("web:start") if other.user_id == request.user.pk else redirect("web:members", member.team.slug)


@team_member_required(access.MANAGE)
def require_second_factor(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Has every member need a second factor, or no longer."""
    if request.method == "POST":
        wanted = request.POST.get("demand") == "yes"
        try:
            members.require_second_factor(member.team, request.user, wanted)
        except ConflictError as problem:
            messages.warning(request, str(problem))
        else:
            said = (
                _("This team now demands a second factor.") if wanted else _("A second factor is everybody's choice.")
            )
            messages.success(request, said)
    return redirect("web:members", member.team.slug)


@team_member_required()
def leave(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Anybody may go, but for the last owner."""
    problem = ""
    if request.method == "POST":
        try:
            members.leave_team(member)
        except ConflictError as error:
            problem = str(error)
        else:
            messages.success(request, _("You have left %(team)s.") % {"team": member.team})
            return redirect("web:start")
    context = {"section": "members", "problem": problem, **_impact(member)}
    return rendering.render_page(request, member, "members/leave.html", context, 422 if problem else 200)


def _impact(other: Member) -> dict[str, Any]:
    """What goes with a member, and what goes on."""
    return {
        "tokens": Token.objects.filter(member=other, revoked_at__isnull=True).count(),
        "open_exports": Export.objects.open().filter(team=other.team, user=other.user).count(),
    }


def _page(request: SignedInRequest, member: Member, other: Member, status: int = 200, **more: Any) -> HttpResponseBase:
    form = RoleForm(initial={"role": other.role})
    context = {"section": "members", "other": other, "form": form, **_impact(other), **more}
    return rendering.render_page(request, member, "members/detail.html", context, status)


@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """Where an invitation's link leads. Looking takes nothing: mail programs open links by themselves."""
    found = members.find_invitation(token)
    if found is None:
        raise Http404(_("There is no such invitation. Check that you have the whole link, or ask for a new one."))
    if request.method == "POST" and not members.closed_reason(found):
        return _join(request, request.user, found) if request.user.is_authenticated else _sign_up(request, found)
    return _invited(request, found)


def _join(request: HttpRequest, user: User, found: Invitation) -> HttpResponseBase:
    try:
        members.accept_invitation(found, user, _proof(request))
    except ConflictError as problem:
        return _invited(request, found, problem=str(problem), status=409)
    messages.success(request, _("Welcome to %(team)s.") % {"team": found.team})
    return redirect("web:home", found.team.slug)


def _sign_up(request: HttpRequest, found: Invitation) -> HttpResponseBase:
    form = SignUpForm(found.email, request.POST)
    if not form.is_valid():
        return _invited(request, found, form=form, status=422)
    try:
        user = members.create_account(found, **form.cleaned_data, proof=_proof(request))
    except InvalidError as problem:
        form.add_errors(problem.errors)
    except ConflictError as problem:
        form.add_error(None, str(problem))
    else:
        said = {"team": found.team, "email": user.email}
        messages.success(request, _("Welcome to %(team)s. This is your account: %(email)s.") % said)
        home = reverse("web:home", args=[found.team.slug])
        return cast(HttpResponseBase, perform_login(request, user, redirect_url=home))
    return _invited(request, found, form=form, status=422)


def _proof(request: HttpRequest) -> str:
    """What only the mailed link has."""
    return request.GET.get("mailed", "")


def _invited(request: HttpRequest, found: Invitation, status: int = 200, **more: Any) -> HttpResponseBase:
    user = request.user if request.user.is_authenticated else None
    context = {
        "invitation": found,
        "closed": members.closed_reason(found),
        "already_member": user is not None and Member.objects.filter(team=found.team, user=user).exists(),
        "wrong_account": user is not None and bool(found.email) and found.email.lower() != user.email.lower(),
        "has_account": bool(found.email) and user is None and User.objects.filter(email__iexact=found.email).exists(),
        "form": SignUpForm(found.email),
        "here": request.get_full_path(),
    }
    status = status if status != 200 or not context["closed"] else 410
    return render(request, "members/accept_invitation.html", {**context, **more}, status=status)
