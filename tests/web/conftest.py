"""Browsers without a browser: one client for each person of the cast."""

import pytest
from django.test import Client

from exports.models import Member


def client_of(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
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
