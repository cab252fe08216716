"""Where refresh tokens rotate, a second one asking voids the first one's: who comes late takes what is there."""

from collections.abc import Callable

import pytest

from exports.engine import clock, connect, keep
from exports.models import Credential
from exports.sandbox.server import Sandbox
from tests.cast import Cast

OAUTH = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh"}


def test_a_token_that_came_between_the_look_and_the_lock_is_taken(
    cast: Cast, box: Sandbox, at: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box.settings(rotate_refresh=True)
    credential = cast.credential("ulule", at("ulule"), secrets=OAUTH)
    after, others = clock.after, [lambda: keep.check_credential(Credential.objects.get(pk=credential.pk))]

    def later(seconds: float) -> object:
        if others and seconds == connect.LOCK_SECONDS:  # the look is over, the lock is not yet taken
            assert others.pop()().ok
        return after(seconds)

    monkeypatch.setattr(clock, "after", later)
    with connect.connect(credential) as client:
        assert client.token() == Credential.objects.get(pk=credential.pk).grant().token
    assert not others
    assert client.secrets["refresh_token"] == Credential.objects.get(pk=credential.pk).secrets()["refresh_token"]
    box.settings(rotate_refresh=False)
