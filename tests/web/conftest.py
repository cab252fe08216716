"""Browsers without a browser: one client for each person of the cast."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from exports.models import Member


def client_of(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def recently_authenticated(client: Client) -> Client:
    """The client as somebody who was asked a moment ago whether it is them, and gave the password."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    return client


@pytest.fixture
def as_owner(owner: Member) -> Client:
    return client_of(owner)


@pytest.fixture
def as_member(member: Member) -> Client:
    return client_of(member)


@pytest.fixture
def as_viewer(viewer: Member) -> Client:
    return client_of(viewer)


@pytest.fixture
def as_outsider(outsider: Member) -> Client:
    return client_of(outsider)


@pytest.fixture
def noon() -> Iterator[None]:
    """It is noon in UTC, for tests of what was today: at midnight it is yesterday before they are over."""
    with time_machine.travel(datetime.now(UTC).replace(hour=12), tick=True):
        yield
