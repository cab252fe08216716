"""The admin site: staff see every team. The engine's rows are read-only; secrets are never shown."""

import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401  these four register the models that are unregistered below
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group

# Django's autodiscover imports only `exports.admin`, so the modules that register models are imported here.
from exports.admin import engine, exports, projects, teams  # noqa: F401

admin.site.site_header = admin.site.site_title = "Export portal: staff"
# Staff sign in like everybody else, with second factor and rate limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign, no-untyped-call]
# E-mail addresses are fields of User; authenticators and sessions contain secrets.
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken])
