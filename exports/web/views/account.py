"""Account pages that allauth does not have, and guards in front of some of its views.

Own pages: QR code of a new authenticator app, list and end of sessions, confirmation of the e-mail address.
"""

from typing import Final, cast

from allauth.account import views
from allauth.core import ratelimit
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import view_recovery_codes
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.socialaccount.providers.openid_connect import views as openid
from allauth.usersessions.adapter import get_adapter as get_sessions_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from requests import RequestException

from exports.http import throttling
from exports.models import User
from exports.people import invitations, security
from exports.portal_url import portal_origin
from exports.web.account.openid import redirect_after_failure
from exports.web.decorators import SignedInRequest, sign_in_required
from exports.web.error_pages import too_many_requests

CONFIRM_ADDRESS_SALT: Final = "confirm address"
CONFIRM_ADDRESS_MAX_AGE: Final = 3 * 86400  # seconds


@sign_in_required
def change_password(request: SignedInRequest) -> HttpResponseBase:
    """Changes the password. An account without one is sent to the reset page, which mails a link."""
    if request.user.has_usable_password():
        return views.password_change(request)
    messages.info(request, _("Your account has no password yet. We can e-mail you a link to set one."))
    return redirect("account_reset_password")


@never_cache
def openid_login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Redirects to the configured OpenID Connect provider. It never links an identity to the current session's user."""
    if request.user.is_authenticated or "process" in request.GET:
        return redirect("web:start")
    # Each call fetches the provider's configuration for an anonymous client, so it is rate limited.
    if seconds := throttling.ANONYMOUS.acquire(throttling.client_key(request)):
        return too_many_requests(request, round(seconds) or 1)
    try:
        return cast(HttpResponseBase, openid.login(request, provider_id))
    except RequestException as error:
        return redirect_after_failure(request, error)


@never_cache
def openid_callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Receives the redirect from the OpenID Connect provider."""
    return cast(HttpResponseBase, openid.callback(request, provider_id))


@never_cache
@sign_in_required
def totp_qr_code(request: SignedInRequest) -> HttpResponseBase:
    """Returns the new TOTP secret as an SVG QR code. It has its own URL because pages contain nothing inline."""
    secret = request.session.get(SECRET_SESSION_KEY)
    if not secret:
        raise Http404(_("No app is being set up. Start again."))
    adapter = get_mfa_adapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    return HttpResponse(svg, content_type="image/svg+xml")


@never_cache
@sign_in_required
def recovery_codes(request: SignedInRequest) -> HttpResponseBase:
    """Shows the recovery codes once; they are created with the first second factor."""
    if not Authenticator.objects.filter(user=request.user, type=Authenticator.Type.RECOVERY_CODES).exists():
        return redirect("mfa_index")
    return view_recovery_codes(request)


# ---------------------------------------------------------------- sessions


@sign_in_required
def sessions(request: SignedInRequest) -> HttpResponseBase:
    """Lists the user's sessions, last used first."""
    rows = sorted(UserSession.objects.purge_and_list(request.user), key=lambda row: row.last_seen_at, reverse=True)
    context = {"section": "profile", "sessions": rows, "others": [row for row in rows if not row.is_current()]}
    return render(request, "usersessions/sessions.html", context)


@sign_in_required
def end_session(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Ends one other session of the user."""
    session = get_object_or_404(UserSession, user=request.user, pk=pk)
    if request.method == "POST" and not session.is_current():
        _end_sessions(request, [session])
        messages.success(request, _("Session signed out"))
    return redirect("sessions")


@sign_in_required
def end_other_sessions(request: SignedInRequest) -> HttpResponseBase:
    """Ends every session of the user but the current one."""
    if request.method == "POST":
        rows = UserSession.objects.filter(user=request.user)
        _end_sessions(request, [row for row in rows if not row.is_current()])
        messages.success(request, _("Signed out all other sessions"))
    return redirect("sessions")


def _end_sessions(request: SignedInRequest, rows: list[UserSession]) -> None:
    get_sessions_adapter().end_sessions(rows)
    for row in rows:
        security.record_account_event(request.user, "ended session", "own", f"used from {row.ip}")


# ---------------------------------------------------------------- e-mail address


@sign_in_required
def send_address_confirmation(request: SignedInRequest) -> HttpResponseBase:
    """Mails a link to the user's address; opening it proves that the address is theirs."""
    user = request.user
    if request.method != "POST" or user.email_confirmed:
        return redirect("web:profile")
    if not ratelimit.consume(request, action="confirm_email", key=user.email):
        return too_many_requests(request, 180)
    key = signing.dumps({"user": user.pk, "email": user.email}, salt=CONFIRM_ADDRESS_SALT)
    path = reverse("confirm-address-by", args=[key])
    if invitations.send_confirmation(user, portal_origin(request) + path):
        messages.success(request, _("We sent a link to %(email)s") % {"email": user.email})
    else:
        messages.error(request, _("Couldn't send the e-mail. Try again later, or ask an admin."))
    return redirect("web:profile")


@sign_in_required
def confirm_address(request: SignedInRequest, key: str) -> HttpResponseBase:
    """Confirms the address of the signed-in user. The signed link names the user, so it works for no other account."""
    try:
        payload = signing.loads(key, salt=CONFIRM_ADDRESS_SALT, max_age=CONFIRM_ADDRESS_MAX_AGE)
    except signing.BadSignature:
        payload = None
    user = request.user
    if payload != {"user": user.pk, "email": user.email}:
        raise Http404(_("This link is for another account, or older than three days. Get a new one in your profile."))
    if request.method != "POST":
        return render(request, "account/confirm_address.html", {"section": "profile"})
    User.objects.filter(pk=user.pk).update(email_confirmed=True)
    security.record_account_event(user, "confirmed address", user.email)
    messages.success(request, _("Confirmed %(email)s") % {"email": user.email})
    return redirect("web:profile")
