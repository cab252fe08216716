"""The secrets of apps and recovery codes are encrypted at rest, and included when the key is rotated."""

from io import StringIO

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from exports.crypto import has_encrypted_rows, key_id, key_ring
from exports.models import Member
from exports.models.encrypted import check_key_ring
from tests.helpers.second_factors import add_totp, client_after_password, is_signed_in, totp_code


def stored() -> dict[str, str]:
    rows = Authenticator.objects.all()
    return {row.type: str(row.data.get("secret") or row.data.get("seed")) for row in rows}


def test_the_database_holds_no_secret(member: Member, clock: time_machine.Traveller) -> None:
    assert not has_encrypted_rows()
    secret, codes = add_totp(member)
    texts = str([row.data for row in Authenticator.objects.all()])
    assert secret not in texts
    assert not any(code in texts for code in codes)
    assert all(text.startswith("v1:") for text in stored().values())
    assert has_encrypted_rows()


def test_rotating_the_key_encrypts_second_factors_again(
    member: Member, settings: Settings, clock: time_machine.Traveller
) -> None:
    secret, codes = add_totp(member)
    settings.CREDENTIAL_KEYS = ("a newer key", *settings.CREDENTIAL_KEYS)
    out = StringIO()
    call_command("rotate_credentials", stdout=out)
    assert "2 second factors" in out.getvalue()
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert {key_id(text) for text in stored().values()} == {key_ring().primary_key_id}
    assert check_key_ring() == []
    clock.shift(30)
    for code in (totp_code(secret), codes[0]):
        browser = client_after_password(member)
        browser.post("/sign-in/second-factor", {"code": code})
        assert is_signed_in(browser)


def test_a_lost_key_is_reported(member: Member, settings: Settings, clock: time_machine.Traveller) -> None:
    add_totp(member)
    settings.CREDENTIAL_KEYS = ("quite another key",)
    assert [text.split(":")[0].rstrip("0123456789 ") for text in check_key_ring()] == ["Second factor"] * 2
    with pytest.raises(CommandError, match="Keep the old key"):
        call_command("rotate_credentials", stdout=StringIO(), stderr=StringIO())
