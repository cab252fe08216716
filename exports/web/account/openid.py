"""Sign-in with the OpenID Connect provider that the environment configures. It never creates accounts."""

import hashlib
import logging
from typing import Any, cast

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter

from exports.models import User
from exports.people import group_roles
from exports.transport.connections import tls_context

log = logging.getLogger(__name__)


class _OwnAuthorityAdapter(HTTPAdapter):
    """Verifies certificates by EXTRA_CA_FILE as well."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=tls_context(settings.EXTRA_CA_FILE))

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=tls_context(settings.EXTRA_CA_FILE))


class OpenIDAdapter(DefaultSocialAccountAdapter):
    """Connects an identity to the account with the same e-mail address, if both sides have verified the address."""

    def get_requests_session(self) -> Any:
        """allauth's session, which trusts EXTRA_CA_FILE too, goes through EGRESS_PROXY, and heeds no other variable."""
        session: requests.Session = super().get_requests_session()  # type: ignore[no-untyped-call]
        session.trust_env = False
        if settings.EXTRA_CA_FILE:
            session.mount("https://", _OwnAuthorityAdapter())
        if settings.EGRESS_PROXY:
            session.proxies = dict.fromkeys(("http", "https"), settings.EGRESS_PROXY.url)
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Connects the account at the first sign-in; later ones find it by the provider's subject id (`uid`).

        allauth's own lookup would use its table of addresses, which the portal leaves empty, and would remove the
        password for lack of a verified entry there.
        """
        if not sociallogin.is_existing:
            sociallogin.account.uid = _scoped_uid(sociallogin.account.uid)
            sociallogin.lookup()
        if sociallogin.is_existing:
            _apply_groups(sociallogin)
            return
        # Some providers send the string "false", which is a true value, hence `is True`.
        verified = [address.email for address in sociallogin.email_addresses if address.verified is True]
        user = User.objects.filter(email__iexact=verified[0], email_confirmed=True).first() if verified else None
        if user is not None and sociallogin.state.get("process") == "login":
            sociallogin.connect(request, user)
            _apply_groups(sociallogin)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Always false: accounts are created by invitation."""
        return False

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Redirects to the sign-in page, whether the user canceled or an error occurred."""
        raise ImmediateHttpResponse(redirect_after_failure(request, exception))


def _apply_groups(sociallogin: SocialLogin) -> None:
    """Sets the memberships that OIDC_GROUPS governs; none where the provider says nothing about groups."""
    user, data = cast(User, sociallogin.user), sociallogin.account.extra_data
    if not settings.OIDC_GROUPS or not user.is_active or sociallogin.state.get("process") != "login":
        return
    for claims in (data.get("userinfo"), data.get("id_token"), data):
        groups = group_roles.read_groups(claims or {}, settings.OIDC_GROUPS_CLAIM)
        if groups is not None:
            mapping = {
                name: [group_roles.Grant(**grant) for grant in grants] for name, grants in settings.OIDC_GROUPS.items()
            }
            group_roles.apply_groups(user, groups, mapping, str(settings.OPENID["name"]))
            return
    log.warning("The OpenID Connect provider sent no claim %s, so no role was changed.", settings.OIDC_GROUPS_CLAIM)


def _scoped_uid(uid: str) -> str:
    """Returns the stored form of a subject id: hashed with its issuer, since other issuers may use the same ids."""
    server = str(settings.OPENID["settings"]["server_url"]).rstrip("/")
    return hashlib.sha256(f"{server} {uid}".encode()).hexdigest()


def redirect_after_failure(request: HttpRequest, error: Exception | None = None) -> HttpResponse:
    """Redirects to the sign-in page with a message, and logs the type of the error."""
    if error is not None:
        log.warning("Signing in with the OpenID Connect provider failed (%s).", type(error).__name__)
    messages.warning(request, _("This did not work, or was canceled. Try again, or sign in with your password."))
    return redirect("account_login")
