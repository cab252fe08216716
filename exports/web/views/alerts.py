"""Pages of a team's alerts: list, add, change, test, pause, delete. Addresses are never sent back to a page."""

from typing import Any

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError, InvalidError
from exports.models import Alert, Member
from exports.models.event import EVENT_TYPES
from exports.notify import alert_rules
from exports.notify.alert_addresses import masked_address
from exports.notify.alert_rules import LastMessage
from exports.web import rendering
from exports.web.alert_forms import KIND_LABELS, SHORT_LABELS, AlertForm
from exports.web.decorators import SignedInRequest, team_member_required

SECTION = {"section": "settings", "settings_section": "alerts"}


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the alerts with what they tell, and how their latest messages went."""
    rows = list(access.alerts(member).order_by("pk"))
    last = alert_rules.last_messages(rows)
    alerts = [_shown(row, last.get(row.pk, LastMessage())) for row in rows]
    context = {**SECTION, "alerts": alerts, "kinds": KIND_LABELS.items()}
    return rendering.render_page(request, member, "settings/alerts.html", context)


def _shown(row: Alert, last: LastMessage) -> dict[str, Any]:
    return {
        "row": row,
        "kind": KIND_LABELS[row.kind],
        "address": masked_address(row),
        "events": [] if len(row.events) == len(EVENT_TYPES) else [SHORT_LABELS[word] for word in row.events],
        "last": last,
    }


@team_member_required(access.MANAGE)
def add(request: SignedInRequest, member: Member, kind: str) -> HttpResponseBase:
    """Adds an alert of a kind."""
    if kind not in KIND_LABELS:
        raise Http404(_("There are no alerts of this kind."))
    form = AlertForm(member.team, kind, data=request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            alert_rules.create_alert(member.team, request.user, kind=kind, **form.values())
        except InvalidError as problem:
            form.add_errors(problem.errors)
        except ConflictError as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("Alert added. Send a test to see that it arrives."))
            return redirect("web:alerts", member.team.slug)
    return _form_page(request, member, kind, form)


@team_member_required(access.MANAGE)
def change(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Changes an alert's address, events or digest."""
    row = access.alert(member, pk, access.MANAGE)
    form = AlertForm(member.team, row.kind, row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            alert_rules.change_alert(row, request.user, **form.values())
        except InvalidError as problem:
            form.add_errors(problem.errors)
        else:
            messages.success(request, _("Alert changed"))
            return redirect("web:alerts", member.team.slug)
    return _form_page(request, member, row.kind, form, row)


def _form_page(
    request: SignedInRequest, member: Member, kind: str, form: AlertForm, row: Alert | None = None
) -> HttpResponseBase:
    context = {**SECTION, "form": form, "kind": kind, "kind_label": KIND_LABELS[kind], "alert": row}
    context["address"] = masked_address(row) if row else ""
    status = 422 if request.method == "POST" else 200
    return rendering.render_page(request, member, "settings/alert_form.html", context, status)


@team_member_required(access.MANAGE)
def test(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Sends a test message."""
    row = access.alert(member, pk, access.MANAGE)
    if request.method == "POST":
        try:
            alert_rules.send_test(row, request.user)
        except ConflictError as problem:
            messages.warning(request, str(problem))
        else:
            messages.success(request, _("A test is on its way. Reload to see whether it was taken."))
    return redirect("web:alerts", member.team.slug)


@team_member_required(access.MANAGE)
def pause(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Turns an alert off, or on again."""
    row = access.alert(member, pk, access.MANAGE)
    if request.method == "POST":
        enabled = request.POST.get("enabled") == "1"
        alert_rules.change_alert(row, request.user, enabled=enabled)
        messages.success(request, _("Alert turned on") if enabled else _("Alert paused"))
    return redirect("web:alerts", member.team.slug)


@team_member_required(access.MANAGE)
def delete(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Deletes an alert."""
    row = access.alert(member, pk, access.MANAGE)
    if request.method == "POST":
        alert_rules.delete_alert(row, request.user)
        messages.success(request, _("Alert deleted"))
    return redirect("web:alerts", member.team.slug)
