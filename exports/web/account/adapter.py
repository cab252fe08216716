"""allauth's adapters: no sign-up, the client's address, security mails, encryption of second-factor secrets."""

import logging
import time
from typing import Any, Final, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.crypto import decrypt, encrypt
from exports.http.client_address import client_address
from exports.models import User
from exports.models.factor import ASSOCIATED_DATA
from exports.people import security
from exports.portal_url import portal_origin
from exports.web.error_pages import too_many_requests
from exports.web.request_context import LAST_SEEN_KEY

log = logging.getLogger(__name__)

# The address that is used for requests over a Unix socket, which have none.
UNKNOWN_ADDRESS: Final = "0.0.0.0"  # noqa: S104
# Seconds after which every limit of failed attempts lets the next one through (allauth's ACCOUNT_RATE_LIMITS).
FAILED_LOGIN_WAIT_SECONDS: Final = 300
AUTHENTICATOR_APP: Final = "authenticator app"
# By allauth's notification template: verb and target of the audit entry, and the sentence of the mail.
ACCOUNT_EVENTS: Final[dict[str, tuple[str, str, Any]]] = {
    "account/email/password_changed": ("changed password", "own", gettext_lazy("Your password was changed.")),
    "account/email/password_reset": ("reset password", "own, by mail", gettext_lazy("Your password was reset.")),
    "mfa/email/totp_activated": (
        "added second factor",
        AUTHENTICATOR_APP,
        gettext_lazy("An authenticator app was added; other devices were signed out."),
    ),
    "mfa/email/totp_deactivated": (
        "removed second factor",
        AUTHENTICATOR_APP,
        gettext_lazy("The authenticator app was removed."),
    ),
    "mfa/email/webauthn_added": (
        "added second factor",
        "passkey",
        gettext_lazy("A passkey was added; other devices were signed out."),
    ),
    "mfa/email/webauthn_removed": ("removed second factor", "passkey", gettext_lazy("A passkey was removed.")),
    "mfa/email/recovery_codes_generated": (
        "made recovery codes",
        "own",
        gettext_lazy("New recovery codes were created."),
    ),
    "socialaccount/email/account_connected": (
        "linked sign-in",
        "own",
        gettext_lazy("You signed in with your organization's account for the first time; from now on it opens yours."),
    ),
    "recovery_code_used": ("used recovery code", "own", gettext_lazy("A recovery code was used.")),
}


class AccountAdapter(DefaultAccountAdapter):
    """No sign-up (accounts come from invitations and commands), no account enumeration, 429 for too many attempts."""

    error_messages = {  # noqa: RUF012  the name and kind are allauth's
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": gettext_lazy("Wrong e-mail or password"),
        "enter_current_password": gettext_lazy("That's not your password."),
        "incorrect_password": gettext_lazy("That's not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always false: accounts are created by invitation."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Returns the address that the audit log records too."""
        return client_address(request) or UNKNOWN_ADDRESS

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Returns a form error. For too many attempts raises ImmediateHttpResponse with a 429 page instead."""
        if code in ("too_many_login_attempts", "rate_limited"):
            raise ImmediateHttpResponse(too_many_requests(self.request, FAILED_LOGIN_WAIT_SECONDS))
        return super().validation_error(code, *args)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Returns the account's key. allauth adds the Host header, so that another port in it would reset the limit."""
        return str(credentials.get("email", "")).lower()

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Signs in and sets the session's first time of use (see `request_context`)."""
        super().login(request, user)
        request.session[LAST_SEEN_KEY] = int(time.time())

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Returns to the profile page, which links to the form."""
        return reverse("web:profile")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Returns the link for the mail; the request's Host has no say in it."""
        path = reverse("account_reset_password_from_key", args=key.split("-", 1))
        return portal_origin(self.request) + path

    def send_password_reset_mail(self, user: AbstractBaseUser, email: str, context: dict[str, Any]) -> None:
        """Mails the link only to a confirmed address; others get the same mail as an unknown address."""
        person = cast(User, user)
        with translation.override(person.language or translation.get_language()):
            if person.email_confirmed:
                super().send_password_reset_mail(user, email, context)
            else:
                self.send_mail("account/email/unknown_account", email, {})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Sends a mail. A failure is only logged: a different response would reveal which addresses have an account."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            log.warning("A mail about signing in was not sent (%s).", type(error).__name__)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Records the event in the audit log of the user's teams, and mails the user."""
        person, (verb, target, sentence) = cast(User, user), ACCOUNT_EVENTS[template_prefix]
        address = self.get_client_ip(self.request)
        security.record_account_event(person, verb, target, address=address)
        if verb == "reset password":
            self._delete_login_attempts_cached_email(self.request, email=person.email)
        if verb == "added second factor":
            security.end_sessions(person, except_session_key=self.request.session.session_key or "")
        agent = self.get_http_user_agent(self.request)[:200]
        security.send_security_mail(person, sentence, address, agent)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Encrypts the secrets of second factors with the portal's key ring."""

    error_messages = {  # noqa: RUF012  the name and kind are allauth's
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("Wrong or expired code. Use the newest one."),
    }

    def encrypt(self, text: str) -> str:
        """Returns the encrypted text. The associated data is one for all users, since allauth passes no user."""
        return encrypt(text, ASSOCIATED_DATA)

    def decrypt(self, encrypted_text: str) -> str:
        """Reverses `encrypt`. Raises CryptoError."""
        return decrypt(encrypted_text, ASSOCIATED_DATA)

    def _get_site_name(self) -> str:
        """Returns the portal's name as devices show it."""
        return _("Export portal")

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:
        """Returns the name of a passkey that was given none."""
        return _("Passkey")
