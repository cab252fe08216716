"""Members of a team: list, invitations, roles, removal, leaving; and the page that an invitation's link opens."""

from typing import Any, cast

from allauth.account.utils import perform_login
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from exports import access
from exports.errors import ConflictError, InvalidError
from exports.exporting import schedules
from exports.models import Invitation, Member, User
from exports.models.team import VIEWER
from exports.people import invitations, members, offboarding
from exports.portal_url import portal_origin
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.people_forms import InviteForm, RoleForm, SignUpForm


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the members; for owners also the open invitations."""
    may_manage = access.MANAGE in access.ROLE_PERMISSIONS[member.role]
    context = {
        "section": "members",
        "people": members.list_members(member.team),
        "invitations": list(invitations.open_invitations(member.team)) if may_manage else [],
    }
    return rendering.render_page(request, member, "members/list.html", context)


@never_cache
@team_member_required(access.MANAGE)
def invite(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Creates an invitation and shows its link once. If it has an e-mail address, the link is mailed too."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation, token = invitations.create_invitation(
                member.team, request.user, form.cleaned_data["role"], form.cleaned_data["email"]
            )
        except InvalidError as problem:
            form.add_errors(problem.errors)
        else:
            path = reverse("web:invitation", args=[token])
            address = portal_origin(request) + path
            mail_sent = invitations.send_invitation(invitation, address) if invitation.email else False
            context = {
                "section": "members",
                "invitation": invitation,
                "address": address,
                "mail_sent": mail_sent,
            }
            return rendering.render_page(request, member, "members/invitation_created.html", context)
    status = 422 if request.method == "POST" else 200
    return rendering.render_page(request, member, "members/invite.html", {"section": "members", "form": form}, status)


@team_member_required(access.MANAGE)
def revoke(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Revokes an open invitation, so that its link no longer works."""
    invitation = get_object_or_404(Invitation.objects.select_related("team"), team=member.team, pk=pk)
    if request.method == "POST":
        try:
            invitations.revoke_invitation(invitation, request.user)
            messages.success(request, _("Invitation revoked. Its link no longer works."))
        except ConflictError as problem:
            messages.warning(request, str(problem))
    return redirect("web:members", member.team.slug)


def _get_member(member: Member, pk: int) -> Member:
    """Returns another member of the same team. Raises Http404."""
    other = Member.objects.select_related("user", "team").filter(team=member.team, pk=pk).first()
    if other is None:
        raise Http404(_("This person is no longer in the team."))
    return other


@team_member_required(access.MANAGE)
def member_page(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows a member's role, a form that changes it, and what removing the member would affect."""
    return _member_page(request, member, _get_member(member, pk))


@team_member_required(access.MANAGE)
def change_role(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Changes the role of a member."""
    other = _get_member(member, pk)
    form = RoleForm(request.POST)
    if request.method != "POST":
        return redirect("web:member", member.team.slug, pk)
    if form.is_valid():
        try:
            with transaction.atomic():
                if form.cleaned_data["role"] == VIEWER:
                    _take_over_schedules(request, member, other)
                members.change_role(other, form.cleaned_data["role"], request.user)
        except ConflictError as problem:
            form.add_error(None, str(problem))
        else:
            values = {"name": other.user.display_name, "role": form.cleaned_data["role"], "team": member.team}
            messages.success(request, _("%(name)s is now %(role)s in %(team)s") % values)
            return redirect("web:members", member.team.slug)
    return _member_page(request, member, other, form=form, status=422)


@team_member_required(access.MANAGE)
def remove(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Removes a member from the team."""
    other = _get_member(member, pk)
    if request.method != "POST":
        return redirect("web:member", member.team.slug, pk)
    try:
        with transaction.atomic():
            _take_over_schedules(request, member, other)
            members.remove_member(other, request.user)
    except ConflictError as problem:
        return _member_page(request, member, other, problem=str(problem), status=422)
    values = {"name": other.user.display_name, "team": member.team}
    messages.success(request, _("Removed %(name)s from %(team)s") % values)
    return redirect("web:start") if other.user_id == request.user.pk else redirect("web:members", member.team.slug)


@team_member_required(access.MANAGE)
def require_second_factor(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Turns the team's demand for a second factor on or off."""
    if request.method == "POST":
        is_required = request.POST.get("demand") == "yes"
        try:
            members.require_second_factor(member.team, request.user, is_required)
        except ConflictError as problem:
            messages.warning(request, str(problem))
        else:
            text = (
                _("Two-factor authentication is required now")
                if is_required
                else _("Two-factor authentication is optional now")
            )
            messages.success(request, text)
    return redirect("web:members", member.team.slug)


@team_member_required()
def leave(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lets a member leave the team; the last owner may not."""
    problem = ""
    if request.method == "POST":
        try:
            members.leave_team(member)
        except ConflictError as error:
            problem = str(error)
        else:
            messages.success(request, _("You've left %(team)s") % {"team": member.team})
            return redirect("web:start")
    context = {"section": "members", "problem": problem, "impact": offboarding.removal_impact(member)}
    return rendering.render_page(request, member, "members/leave.html", context, 422 if problem else 200)


def _take_over_schedules(request: SignedInRequest, member: Member, other: Member) -> None:
    """Makes the member the owner of what would stop, if they chose so. Call it in the transaction that ends it."""
    if request.POST.get("take_over") == "yes" and other.pk != member.pk:
        for schedule in access.schedules(member).filter(owner=other.user, enabled=True).order_by("pk"):
            schedules.take_over(schedule, member)


def _member_page(
    request: SignedInRequest, member: Member, other: Member, status: int = 200, **extra: Any
) -> HttpResponseBase:
    form = RoleForm(initial={"role": other.role})
    context = {"section": "members", "other": other, "form": form, "impact": offboarding.removal_impact(other), **extra}
    return rendering.render_page(request, member, "members/detail.html", context, status)


@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """Shows an invitation on GET and accepts it on POST only, since mail programs open links by themselves."""
    invitation = invitations.find_invitation(token)
    if invitation is None:
        raise Http404(_("There is no such invitation. Check that the link is complete, or ask for a new one."))
    if request.method == "POST" and not invitations.closed_reason(invitation):
        if request.user.is_authenticated:
            return _join(request, request.user, invitation)
        return _sign_up(request, invitation)
    return _invitation_page(request, invitation)


def _join(request: HttpRequest, user: User, invitation: Invitation) -> HttpResponseBase:
    """Adds the signed-in user to the team."""
    try:
        invitations.accept_invitation(invitation, user, _mail_proof(request))
    except ConflictError as problem:
        return _invitation_page(request, invitation, problem=str(problem), status=409)
    messages.success(request, _("Welcome to %(team)s") % {"team": invitation.team})
    return redirect("web:home", invitation.team.slug)


def _sign_up(request: HttpRequest, invitation: Invitation) -> HttpResponseBase:
    """Creates an account for the invitation, joins the team and signs in."""
    form = SignUpForm(invitation.email, request.POST)
    if not form.is_valid():
        return _invitation_page(request, invitation, form=form, status=422)
    try:
        user = invitations.create_account(invitation, **form.cleaned_data, proof=_mail_proof(request))
    except InvalidError as problem:
        form.add_errors(problem.errors)
    except ConflictError as problem:
        form.add_error(None, str(problem))
    else:
        values = {"team": invitation.team, "email": user.email}
        messages.success(request, _("Welcome to %(team)s. Your account is %(email)s.") % values)
        home = reverse("web:home", args=[invitation.team.slug])
        return cast(HttpResponseBase, perform_login(request, user, redirect_url=home))
    return _invitation_page(request, invitation, form=form, status=422)


def _mail_proof(request: HttpRequest) -> str:
    """Returns the proof that only the mailed link carries (its reader owns the address), or ""."""
    return request.GET.get("mailed", "")


def _invitation_page(request: HttpRequest, invitation: Invitation, status: int = 200, **extra: Any) -> HttpResponseBase:
    user = request.user if request.user.is_authenticated else None
    email = invitation.email
    context = {
        "invitation": invitation,
        "closed_reason": invitations.closed_reason(invitation),
        "already_member": user is not None and Member.objects.filter(team=invitation.team, user=user).exists(),
        "wrong_account": user is not None and bool(email) and email.lower() != user.email.lower(),
        "has_account": user is None and bool(email) and User.objects.filter(email__iexact=email).exists(),
        "form": SignUpForm(email),
        "current_path": request.get_full_path(),
    }
    status = status if status != 200 or not context["closed_reason"] else 410
    return render(request, "members/accept_invitation.html", {**context, **extra}, status=status)
