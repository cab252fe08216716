"""The admin site: staff see every team. The engine's rows are read-only; secrets are never shown."""

import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401  these four register the models that are unregistered below
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group

# The URL configuration imports only `exports.admin`, so the modules that register models are imported here.
from exports.admin import activity, deliveries, engine, exports, history, projects, teams, users  # noqa: F401

# E-mail addresses are fields of User; authenticators and sessions contain secrets.
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken])
