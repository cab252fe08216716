"""Second factors without a phone: an authenticator app in a few lines."""

import re
import time
from collections.abc import Iterator

import pytest
import time_machine
from allauth.mfa.totp.internal import auth
from django.test import Client, TestCase

from exports.models import Member
from tests.helpers.cast import PASSWORD
from tests.web.conftest import as_member, as_outsider, as_owner, as_viewer, client_of, recently_authenticated

__all__ = ["as_member", "as_outsider", "as_owner", "as_viewer"]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A time at which no code runs out in the middle of a test."""
    with time_machine.travel(time.time() // 30 * 30 + 3) as traveller:
        yield traveller


def totp_code(secret: str) -> str:
    """What the app shows now."""
    return auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))


def set_up_totp(client: Client) -> tuple[str, list[str]]:
    """Sets up an app as a person does; returns its secret and the recovery codes, shown this once."""
    page = recently_authenticated(client).get("/profile/second-factor/app").content.decode()
    found = re.search(r'id="secret"[^>]*value="([A-Z2-7]+)"', page)
    assert found
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = client.post("/profile/second-factor/app", {"code": totp_code(found[1])})
    assert answer["Location"] == "/profile/second-factor/recovery-codes"
    shown = client.get(answer["Location"])
    assert "no-store" in shown["Cache-Control"]
    return found[1], re.findall(r"\b\d{8}\b", shown.content.decode())


def client_after_password(member: Member) -> Client:
    """A new browser in which the person has given the password, as far as that goes."""
    client = Client()
    client.post("/sign-in/", {"username": member.user.email, "password": PASSWORD})
    return client


def is_signed_in(client: Client) -> bool:
    """Whether somebody is signed in."""
    return client.get("/profile/").status_code == 200


def add_totp(member: Member) -> tuple[str, list[str]]:
    """Gives the person an app; returns its secret and the recovery codes."""
    return set_up_totp(client_of(member))
