"""Second factors without a phone: an authenticator app in a few lines."""

import re
import time

from allauth.mfa.totp.internal import auth
from django.test import Client, TestCase

from exports.models import Member
from tests.helpers.cast import PASSWORD
from tests.helpers.clients import client_of, recently_authenticated


def totp_code(secret: str) -> str:
    """The code that the app shows now."""
    return auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))


def set_up_totp(client: Client) -> tuple[str, list[str]]:
    """Sets up an app through the pages; returns its secret and the recovery codes, which are shown only then."""
    page = recently_authenticated(client).get("/profile/second-factor/app").content.decode()
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7]+)"', page)
    assert secret
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = client.post("/profile/second-factor/app", {"code": totp_code(secret[1])})
    assert answer["Location"] == "/profile/second-factor/recovery-codes"
    shown = client.get(answer["Location"])
    assert "no-store" in shown["Cache-Control"]
    return secret[1], re.findall(r"\b\d{8}\b", shown.content.decode())


def client_after_password(member: Member) -> Client:
    """A new client in which the member has given the password, and no second factor yet."""
    client = Client()
    client.post("/sign-in/", {"username": member.user.email, "password": PASSWORD})
    return client


def is_signed_in(client: Client) -> bool:
    """Whether a user is signed in."""
    return client.get("/profile/").status_code == 200


def add_totp(member: Member) -> tuple[str, list[str]]:
    """Sets up an app for the member; returns its secret and the recovery codes."""
    return set_up_totp(client_of(member))
