"""allauth's forms in the portal's words. What they check and do is allauth's."""

from typing import Any, ClassVar, Final

from allauth.account import forms as account_forms
from allauth.mfa.base import forms as code_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from exports.web.account.adapter import SecondFactorAdapter

PASSWORD_HELP: Final = _(
    "At least 10 characters, not only digits, none of the common ones. Several words make a good one."
)


class LabeledForm(forms.Form):
    """Labels and help_texts of its own, no placeholders; `html_names`: what a field is called in the page, where that differs."""

    labels: ClassVar[dict[str, Any]] = {}
    help_texts: ClassVar[dict[str, Any]] = {}
    html_names: ClassVar[dict[str, str]] = {}
    autofocus_field: ClassVar[str] = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.labels.get(name, field.label)
            field.help_text = self.help_texts.get(name, "")
            field.widget.attrs.pop("placeholder", None)
            if name == self.autofocus_field:
                field.widget.attrs["autofocus"] = True

    def add_prefix(self, field_name: str) -> str:
        """The name in the page: programs and password managers know these."""
        return super().add_prefix(self.html_names.get(field_name, field_name))


class SignInForm(LabeledForm, account_forms.LoginForm):
    """E-mail address and password."""

    labels: ClassVar = {"login": _("E-mail address"), "password": _("Password")}
    html_names: ClassVar = {"login": "username"}
    autofocus_field = "login"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autocomplete"] = "username"


class ChangePasswordForm(LabeledForm, account_forms.ChangePasswordForm):
    """Another password; the old one says that it is the person."""

    labels: ClassVar = {
        "oldpassword": _("Old password"),
        "password1": _("New password"),
        "password2": _("New password once more"),
    }
    help_texts: ClassVar = {"password1": PASSWORD_HELP, "password2": _("Other devices have to sign in anew.")}
    html_names: ClassVar = {"oldpassword": "old_password", "password1": "new_password1", "password2": "new_password2"}


class RequestPasswordResetForm(LabeledForm, account_forms.ResetPasswordForm):
    """Where to send the link to."""

    labels: ClassVar = {"email": _("E-mail address")}
    autofocus_field = "email"


class SetPasswordForm(LabeledForm, account_forms.ResetPasswordKeyForm):
    """The new password, twice."""

    labels: ClassVar = {"password1": _("New password"), "password2": _("New password once more")}
    help_texts: ClassVar = {
        "password1": PASSWORD_HELP,
        "password2": _("Everybody who is signed in as you is signed out."),
    }


class ReauthenticateForm(LabeledForm, account_forms.ReauthenticateForm):
    """The password once more, before something that matters."""

    labels: ClassVar = {"password": _("Password")}
    autofocus_field = "password"


class SecondFactorForm(LabeledForm, code_forms.AuthenticateForm):
    """A code at sign-in: of the app, or a recovery code."""

    labels: ClassVar = {"code": _("Code")}
    help_texts: ClassVar = {"code": _("The six digits that your app shows now, or one of your recovery codes.")}
    autofocus_field = "code"

    def save(self) -> None:
        """Goes on; a recovery code that was used is told of."""
        super().save()
        _tell_of_recovery(self.authenticator)


class ReauthenticateCodeForm(LabeledForm, code_forms.ReauthenticateForm):
    """A code once more, before something that matters."""

    labels: ClassVar = SecondFactorForm.labels
    help_texts: ClassVar = SecondFactorForm.help_texts
    autofocus_field = "code"

    def save(self) -> None:
        """Goes on; a recovery code that was used is told of."""
        super().save()
        _tell_of_recovery(self.authenticator)


def _tell_of_recovery(used: Authenticator) -> None:
    if used.type == Authenticator.Type.RECOVERY_CODES:
        SecondFactorAdapter().send_notification_mail("recovery_code_used", used.user)


class ActivateAppForm(LabeledForm, ActivateTOTPForm):
    """The first code of a new authenticator app."""

    labels: ClassVar = {"code": _("Code that the app shows now")}


class AddPasskeyForm(LabeledForm, passkey_forms.AddWebAuthnForm):
    """A new passkey; the browser fills in the credential."""

    labels: ClassVar = {
        "name": _("Name"),
        "passwordless": _("Sign in with it alone, without e-mail address and password"),
    }
    help_texts: ClassVar = {"name": _("What it is kept on, like “Phone”.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = 100
        self.fields["passwordless"].initial = True


class RenamePasskeyForm(LabeledForm, passkey_forms.EditWebAuthnForm):
    """Another name for a passkey."""

    labels: ClassVar = {"name": _("Name")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = 100
