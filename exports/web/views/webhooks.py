"""Pages of a team's webhooks and of their deliveries."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError, InvalidError
from exports.exporting import pagination
from exports.models import Member, OutboxMessage, Webhook
from exports.models.outbox import FAILED
from exports.notify import webhook_rules
from exports.notify.delivery import max_attempts
from exports.web import rendering
from exports.web.alert_forms import SHORT_LABELS
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.webhook_forms import WebhookForm

SECTION: Final = {"section": "settings", "settings_section": "webhooks"}
DELIVERIES_PER_PAGE: Final = 25


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the webhooks."""
    rows = access.webhooks(member).order_by("pk")
    context = {**SECTION, "webhooks": [_shown(row, member) for row in rows]}
    return rendering.render_page(request, member, "settings/webhooks.html", context)


def _shown(row: Webhook, member: Member) -> dict[str, Any]:
    may_manage = access.MANAGE in access.ROLE_PERMISSIONS[member.role]
    return {
        "row": row,
        "url": webhook_rules.url_for(row, may_manage=may_manage),
        "events": [SHORT_LABELS[word] for word in row.events if word in SHORT_LABELS],
    }


@team_member_required(access.MANAGE)
def add(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Adds a webhook, and shows its secret this once."""
    form = WebhookForm(data=request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row, secret = webhook_rules.create_webhook(member.team, request.user, **form.cleaned_data)
        except InvalidError as problem:
            form.add_errors(problem.errors)
        except ConflictError as problem:
            form.add_error(None, str(problem))
        else:
            return _secret_page(request, member, row, secret)
    return _form_page(request, member, form)


@team_member_required(access.MANAGE)
def change(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Changes a webhook's address or events."""
    row = access.webhook(member, pk, access.MANAGE)
    form = WebhookForm(row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            webhook_rules.change_webhook(row, request.user, **form.cleaned_data)
        except InvalidError as problem:
            form.add_errors(problem.errors)
        else:
            messages.success(request, _("Webhook changed"))
            return redirect("web:webhook", member.team.slug, pk)
    return _form_page(request, member, form, row)


def _form_page(
    request: SignedInRequest, member: Member, form: WebhookForm, row: Webhook | None = None
) -> HttpResponseBase:
    context = {**SECTION, "form": form, "webhook": row}
    status = 422 if request.method == "POST" else 200
    return rendering.render_page(request, member, "settings/webhook_form.html", context, status)


def _secret_page(request: SignedInRequest, member: Member, row: Webhook, secret: str) -> HttpResponseBase:
    context = {**SECTION, "webhook": row, "secret": secret}
    return rendering.render_page(request, member, "settings/webhook_secret.html", context)


@team_member_required()
def webhook(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows a webhook with its deliveries, newest first; `?show=failed`: those that have failed."""
    row = access.webhook(member, pk)
    only_failed = request.GET.get("show") == FAILED
    rows = webhook_rules.deliveries_of(row)
    if only_failed:
        rows = webhook_rules.not_delivered(rows)
    try:
        before, _limit = pagination.parse_paging(request.GET)
    except InvalidError:
        before = None
    page = pagination.get_page(rows, before=before, limit=DELIVERIES_PER_PAGE)
    show: dict[str, str] = {"show": FAILED} if only_failed else {}
    context = {**SECTION, **_shown(row, member), "webhook": row, "deliveries": page.rows, "is_later_page": bool(before)}
    context |= {
        "only_failed": only_failed,
        "query": urlencode(show),
        "older_query": urlencode({**show, "before": str(page.rows[-1].pk)}) if page.next_query else "",
    }
    return rendering.render_page(request, member, "settings/webhook.html", context)


@team_member_required(access.MANAGE)
def rotate(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Gives a webhook a new secret, and shows it this once."""
    row = access.webhook(member, pk, access.MANAGE)
    if request.method != "POST":
        return redirect("web:webhook", member.team.slug, pk)
    row, secret = webhook_rules.rotate_secret(row, request.user)
    return _secret_page(request, member, row, secret)


@team_member_required(access.MANAGE)
def test(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Sends a test."""
    row = access.webhook(member, pk, access.MANAGE)
    if request.method == "POST":
        text = _("A test is on its way. Reload to see whether it was taken.")
        _attempt(request, lambda: webhook_rules.send_test(row, request.user), text)
    return redirect("web:webhook", member.team.slug, pk)


@team_member_required(access.MANAGE)
def pause(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Turns a webhook off, or on again."""
    row = access.webhook(member, pk, access.MANAGE)
    if request.method == "POST":
        enabled = request.POST.get("enabled") == "1"
        webhook_rules.change_webhook(row, request.user, enabled=enabled)
        messages.success(request, _("Webhook turned on") if enabled else _("Webhook paused"))
    return redirect("web:webhook", member.team.slug, pk)


@team_member_required(access.MANAGE)
def delete(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Deletes a webhook with its deliveries, after a question."""
    row = access.webhook(member, pk, access.MANAGE)
    if request.method == "POST":
        webhook_rules.delete_webhook(row, request.user)
        messages.success(request, _("Webhook deleted"))
        return redirect("web:webhooks", member.team.slug)
    return rendering.render_page(request, member, "settings/webhook_delete.html", {**SECTION, "webhook": row})


@team_member_required()
def delivery(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows what a delivery sent, and what the receiver answered."""
    row = access.delivery(member, pk)
    context = {
        **SECTION,
        "delivery": row,
        "webhook": row.webhook,
        "max_attempts": max_attempts(row.kind),
        "body": json.dumps(row.payload, indent=2, ensure_ascii=False),
    }
    return rendering.render_page(request, member, "settings/delivery.html", context)


@team_member_required(access.MANAGE)
def redeliver(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Sends a delivery again."""
    row = access.delivery(member, pk, access.MANAGE)
    if request.method == "POST":
        text = _("It is sent again, with the same id. Reload to see whether it was taken.")
        _attempt(request, lambda: webhook_rules.redeliver(row, request.user), text)
    return redirect("web:delivery", member.team.slug, pk)


def _attempt(request: SignedInRequest, action: Callable[[], OutboxMessage], text: str) -> None:
    """Does what may conflict, and says how it went."""
    try:
        action()
    except ConflictError as problem:
        messages.warning(request, str(problem))
    else:
        messages.success(request, text)
