"""Signing in and out."""

from typing import Any

from django import forms
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render


class SignInForm(AuthenticationForm):
    """E-mail address and password."""

    error_messages = {  # noqa: RUF012  the name and kind are Django's
        "invalid_login": "No account fits this e-mail address and password. Check both; capitals count in passwords.",
        "inactive": "This account is not active. Ask the portal's staff.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        self.fields["username"].label = "E-mail address"


class SignIn(views.LoginView):
    """Leads on to `next`, where that is an address of ours."""

    template_name = "account/sign_in.html"
    form_class = SignInForm
    redirect_authenticated_user = True


def sign_out(request: HttpRequest) -> HttpResponseBase | HttpResponse:
    """Signs out by POST; a GET, which anybody's link could be, only shows the button."""
    if request.method == "POST":
        return views.LogoutView.as_view()(request)
    return render(request, "account/sign_out.html")
