"""Django test clients that are signed in."""

import time

from django.test import Client

from exports.models import Member


def client_of(member: Member) -> Client:
    """A new client in which this member is signed in."""
    client = Client()
    client.force_login(member.user)
    return client


def recently_authenticated(client: Client) -> Client:
    """The same client after its user has given the password again a moment ago."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    return client
