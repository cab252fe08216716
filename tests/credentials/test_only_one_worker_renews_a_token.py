"""Where refresh tokens rotate, a worker that waited for the lock uses the token that another one has renewed."""

from collections.abc import Callable

import pytest

from exports import clock
from exports.credentials import client, service
from exports.models import Credential
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

OAUTH = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh"}


def test_a_token_renewed_by_another_worker_is_used(
    cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.settings(rotate_refresh=True)
    credential = cast.credential(TABLES, origin_of(TABLES), secrets=OAUTH)
    after, others = clock.seconds_from_now, [lambda: service.check_credential(Credential.objects.get(pk=credential.pk))]

    def later(seconds: float) -> object:
        if others and seconds == client.TOKEN_LOCK_SECONDS:  # the look is over, the lock is not yet taken
            assert others.pop()().ok
        return after(seconds)

    monkeypatch.setattr(clock, "seconds_from_now", later)
    with client.open_client(credential) as opened:
        assert opened.token() == Credential.objects.get(pk=credential.pk).grant().token
    assert not others
    assert opened.secrets["refresh_token"] == Credential.objects.get(pk=credential.pk).secrets()["refresh_token"]
    sandbox.settings(rotate_refresh=False)
