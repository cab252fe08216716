"""Signing in with an OpenID Connect provider, where the environment names one. It opens accounts and makes none."""

import hashlib
import logging
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from exports.models import User

log = logging.getLogger(__name__)


class OpenIDAdapter(DefaultSocialAccountAdapter):
    """Whom the provider knows is who has the same address here, if both sides know that it is theirs."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Finds the account at the first sign-in; later ones go by the provider's number of the person.

        allauth would find it as well, but asks its own list of addresses, which stays empty, and for lack of an entry
        there would take the password away.
        """
        if not sociallogin.is_existing:
            sociallogin.account.uid = _number(sociallogin.account.uid)
            sociallogin.lookup()
        if sociallogin.is_existing:
            return
        # Some providers say "false" in letters, which is true as a value.
        proven = [one.email for one in sociallogin.email_addresses if one.verified is True]
        user = User.objects.filter(email__iexact=proven[0], email_confirmed=True).first() if proven else None
        if user is not None and sociallogin.state.get("process") == "login":
            sociallogin.connect(request, user)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Never: somebody of a team invites."""
        return False

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Leads back to signing in, whether it was canceled or went wrong."""
        raise ImmediateHttpResponse(redirect_after_failure(request, exception))


def _number(given: str) -> str:
    """A person's number as it is kept, with who gave it: another provider gives the same one to somebody else."""
    server = str(settings.OPENID["settings"]["server_url"]).rstrip("/")
    return hashlib.sha256(f"{server} {given}".encode()).hexdigest()


def redirect_after_failure(request: HttpRequest, why: Exception | None = None) -> HttpResponse:
    """Back to signing in, with a sentence."""
    if why is not None:
        log.warning("Signing in with the OpenID Connect provider failed (%s).", type(why).__name__)
    messages.warning(request, _("This did not work, or was canceled. Try again, or sign in with your password."))
    return redirect("account_login")
