"""allauth's forms with the portal's labels. Their validation and behavior are allauth's."""

from typing import Any, ClassVar, Final

from allauth.account import forms as account_forms
from allauth.mfa.base import forms as code_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from exports.web.account.adapter import SecondFactorAdapter

PASSWORD_HELP: Final = _("At least 10 characters, not only digits, not a common one. Several words work well.")


class LabeledForm(forms.Form):
    """A form whose labels and help texts are class attributes. `html_names`: names in HTML where they differ."""

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
        """Returns the field's HTML name; password managers and scripts rely on these names."""
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
    """Changes the password; the old one is required."""

    labels: ClassVar = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("Repeat new password"),
    }
    help_texts: ClassVar = {"password1": PASSWORD_HELP, "password2": _("Other devices are signed out.")}
    html_names: ClassVar = {"oldpassword": "old_password", "password1": "new_password1", "password2": "new_password2"}


class RequestPasswordResetForm(LabeledForm, account_forms.ResetPasswordForm):
    """Requests a link to set a new password."""

    labels: ClassVar = {"email": _("E-mail address")}
    autofocus_field = "email"


class SetPasswordForm(LabeledForm, account_forms.ResetPasswordKeyForm):
    """Sets the new password, typed twice."""

    labels: ClassVar = {"password1": _("New password"), "password2": _("Repeat new password")}
    help_texts: ClassVar = {
        "password1": PASSWORD_HELP,
        "password2": _("You're signed out everywhere."),
    }


class ReauthenticateForm(LabeledForm, account_forms.ReauthenticateForm):
    """Asks for the password again before a sensitive action."""

    labels: ClassVar = {"password": _("Password")}
    autofocus_field = "password"


class SecondFactorForm(LabeledForm, code_forms.AuthenticateForm):
    """Asks for a code at sign-in: one of the app, or a recovery code."""

    labels: ClassVar = {"code": _("Code")}
    help_texts: ClassVar = {"code": _("Six digits, or a recovery code.")}
    autofocus_field = "code"

    def save(self) -> None:
        """Completes the step and notifies the user if a recovery code was used."""
        super().save()
        _send_recovery_code_mail(self.authenticator)


class ReauthenticateCodeForm(LabeledForm, code_forms.ReauthenticateForm):
    """Asks for a code again before a sensitive action."""

    labels: ClassVar = SecondFactorForm.labels
    help_texts: ClassVar = SecondFactorForm.help_texts
    autofocus_field = "code"

    def save(self) -> None:
        """Completes the step and notifies the user if a recovery code was used."""
        super().save()
        _send_recovery_code_mail(self.authenticator)


def _send_recovery_code_mail(authenticator: Authenticator) -> None:
    """Notifies the user if the authenticator that was used is a recovery code."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        SecondFactorAdapter().send_notification_mail("recovery_code_used", authenticator.user)


class ActivateAppForm(LabeledForm, ActivateTOTPForm):
    """The first code of a new authenticator app."""

    labels: ClassVar = {"code": _("Enter the code the app shows")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"inputmode": "numeric", "autocomplete": "one-time-code"}


class AddPasskeyForm(LabeledForm, passkey_forms.AddWebAuthnForm):
    """Adds a passkey; the browser's script fills in the credential."""

    labels: ClassVar = {
        "name": _("Name"),
        "passwordless": _("Sign in with it alone, without a password"),
    }
    help_texts: ClassVar = {"name": _("Where it's kept, like “Phone”.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = 100
        self.fields["passwordless"].initial = True


class RenamePasskeyForm(LabeledForm, passkey_forms.EditWebAuthnForm):
    """Renames a passkey."""

    labels: ClassVar = {"name": _("Name")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = 100
