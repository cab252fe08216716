"""What an app and recovery codes are made from is sealed at rest, and goes along when the key changes."""

from io import StringIO

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from exports.models import Member
from exports.models.seal import anything_sealed, check_ring, key_id, ring
from tests.accounts.conftest import code_of, guarded, is_in, with_password


def stored() -> dict[str, str]:
    rows = Authenticator.objects.all()
    return {row.type: str(row.data.get("secret") or row.data.get("seed")) for row in rows}


def test_the_database_holds_no_secret(member: Member, clock: time_machine.Traveller) -> None:
    assert not anything_sealed()
    secret, codes = guarded(member)
    texts = str([row.data for row in Authenticator.objects.all()])
    assert secret not in texts
    assert not any(code in texts for code in codes)
    assert all(text.startswith("v1:") for text in stored().values())
    assert anything_sealed()


def test_a_new_key_seals_them_anew(member: Member, settings: Settings, clock: time_machine.Traveller) -> None:
    secret, codes = guarded(member)
    settings.CREDENTIAL_KEYS = ("a newer key", *settings.CREDENTIAL_KEYS)
    out = StringIO()
    call_command("rotate_credentials", stdout=out)
    assert "2 second factors" in out.getvalue()
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert {key_id(text) for text in stored().values()} == {ring().first}
    assert check_ring() == []
    clock.shift(30)
    for code in (code_of(secret), codes[0]):
        browser = with_password(member)
        browser.post("/sign-in/second-factor", {"code": code})
        assert is_in(browser)


def test_a_lost_key_is_noticed(member: Member, settings: Settings, clock: time_machine.Traveller) -> None:
    guarded(member)
    settings.CREDENTIAL_KEYS = ("quite another key",)
    assert [text.split(":")[0].rstrip("0123456789 ") for text in check_ring()] == ["Second factor"] * 2
    with pytest.raises(CommandError, match="Keep the old key"):
        call_command("rotate_credentials", stdout=StringIO(), stderr=StringIO())
