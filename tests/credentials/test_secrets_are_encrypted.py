"""Stored secrets can be decrypted only in their own row and field, with a key of the key ring."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from exports.credentials import service
from exports.crypto import CryptoError, decrypt, encrypt
from exports.models import Credential
from exports.models.encrypted import check_key_ring
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, take_step
from tests.helpers.webhooks import make_webhook


def test_the_row_contains_no_secret(cast: Cast) -> None:
    credential = cast.credential(ARCHIVES, secrets={"token": "marked-secret-1"})
    assert "marked" not in str(Credential.objects.filter(pk=credential.pk).values().get())
    assert credential.secrets() == {"token": "marked-secret-1"}


def test_a_value_copied_to_another_row_cannot_be_decrypted(cast: Cast) -> None:
    one, two = cast.credential(ARCHIVES, name="one"), cast.credential(ARCHIVES, name="two")
    Credential.objects.filter(pk=two.pk).update(encrypted_secrets=one.encrypted_secrets)
    two.refresh_from_db()
    with pytest.raises(CryptoError):
        two.secrets()


def test_an_old_key_decrypts_and_the_first_encrypts(settings: Settings) -> None:
    old = encrypt("text", "place")
    settings.CREDENTIAL_KEYS = ("a newer key", *settings.CREDENTIAL_KEYS)
    assert decrypt(old, "place") == "text"
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    with pytest.raises(CryptoError):
        decrypt(old, "place")
    assert decrypt(encrypt("text", "place"), "place") == "text"


def test_a_key_is_created_only_while_nothing_is_encrypted(cast: Cast, settings: Settings, tmp_path: Path) -> None:
    settings.CREDENTIAL_KEYS, settings.CREDENTIAL_KEYS_FILE = (), tmp_path / "credential_keys"
    cast.credential(ARCHIVES)
    assert (tmp_path / "credential_keys").stat().st_mode & 0o777 == 0o600
    assert check_key_ring() == []

    (tmp_path / "credential_keys").unlink()
    assert len(check_key_ring()) == 1
    with pytest.raises(CryptoError, match="old key"):
        service.create_credential(cast.team, None, provider=ARCHIVES, name="new", secrets={"token": "x"})
    assert not (tmp_path / "credential_keys").exists()
    assert not Credential.objects.filter(name="new").exists()


@pytest.mark.parametrize("first", ["webhook", "alert"])
def test_the_first_secret_of_a_portal_may_be_of_any_kind(
    cast: Cast, settings: Settings, tmp_path: Path, first: str
) -> None:
    settings.CREDENTIAL_KEYS, settings.CREDENTIAL_KEYS_FILE = (), tmp_path / "credential_keys"
    if first == "webhook":
        webhook, secret = make_webhook(cast, "https://example.org/")
        assert webhook.secrets() == [secret]
    else:
        assert factories.alert(cast, "slack", "https://chat.example/hooks").address() == "https://chat.example/hooks"
    assert check_key_ring() == []
    settings.CREDENTIAL_KEYS_FILE.unlink()
    with pytest.raises(CryptoError, match="their key is gone"):
        make_webhook(cast, "https://example.org/second")


def test_an_export_whose_secret_cannot_be_decrypted_fails_with_the_reason(cast: Cast, settings: Settings) -> None:

    export = request_export(cast.project(ARCHIVES), cast.member, "archive")
    settings.CREDENTIAL_KEYS = ("quite another key",)
    export = take_step(export)
    assert (export.status, export.error_code, export.error_action) == ("failed", "credential", "us")
    assert "CREDENTIAL_KEYS" in export.error_message
