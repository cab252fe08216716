"""URLs of allauth's pages. allauth reverses these names itself; pages without a URL here do not exist.

Left out: lists of addresses, sign-in by mailed code, phone numbers, linking identities by hand. Sign-up is closed.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from exports.web.views import account as account_views

sign_in = [
    path("", account.login, name="account_login"),
    path("passkey", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("second-factor", never_cache(mfa.authenticate), name="mfa_authenticate"),
    path("with/<slug:provider_id>/", account_views.openid_login, name="openid_connect_login"),
    path("with/<slug:provider_id>/back", account_views.openid_callback, name="openid_connect_callback"),
    path("not-active", account.account_inactive, name="account_inactive"),
]
password_reset = [
    path("", account.password_reset, name="account_reset_password"),
    path("sent", account.password_reset_done, name="account_reset_password_done"),
    path("done", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("<slug:uidb36>/<path:key>/", account.password_reset_from_key, name="account_reset_password_from_key"),
]
reauthenticate = [
    path("", account.reauthenticate, name="account_reauthenticate"),
    path("code", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("passkey", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
]
second_factor = [
    path("", mfa.index, name="mfa_index"),
    path("app", never_cache(totp.activate_totp), name="mfa_activate_totp"),
    path("app/picture.svg", account_views.totp_qr_code, name="totp-picture"),
    path("app/remove", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("recovery-codes", account_views.recovery_codes, name="mfa_view_recovery_codes"),
    path("recovery-codes/new", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("passkeys", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("passkeys/add", never_cache(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("passkeys/<int:pk>/name", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
    path("passkeys/<int:pk>/remove", passkeys.remove_webauthn, name="mfa_remove_webauthn"),
]
urlpatterns = [
    path("sign-in/", include(sign_in)),
    path("sign-out/", account.logout, name="account_logout"),
    path("sign-up/", account.signup, name="account_signup"),
    path("forgotten/", include(password_reset)),
    path("profile/password", account_views.change_password, name="account_change_password"),
    path("profile/again/", include(reauthenticate)),
    path("profile/second-factor/", include(second_factor)),
    path("profile/sessions/", account_views.sessions, name="sessions"),
    path("profile/sessions/end-others", account_views.end_other_sessions, name="end-other-sessions"),
    path("profile/sessions/<int:pk>/end", account_views.end_session, name="end-session"),
    path("profile/address", account_views.send_address_confirmation, name="confirm-address"),
    path("profile/address/<path:key>/", account_views.confirm_address, name="confirm-address-by"),
]
