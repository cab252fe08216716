"""A new key is added, one command encrypts all secrets with it, and the old key can be removed meanwhile."""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django.fixtures import Settings

from exports import states
from exports.credentials import rekey, service
from exports.crypto import key_id, key_ring
from exports.models import Alert, Credential, Export, Webhook
from exports.models.encrypted import check_key_ring
from exports.transport.provider_api import Grant
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export


def test_everything_is_encrypted_with_the_first_key_and_decrypted_without_the_old(
    cast: Cast, settings: Settings
) -> None:
    credential = cast.credential(ARCHIVES, secrets={"token": "marked-secret-1"})
    credential.save_grant(Grant("a-token", 4e9))
    export = request_export(cast.project(ARCHIVES), cast.member, "archive")
    link = export.encrypt_link("https://files.example.org/x")
    Export.objects.update(status=states.PROCESSING, step=states.FETCH, encrypted_link=link)
    alert = factories.alert(cast)
    webhook = Webhook.objects.create(team=cast.team, url="https://hooks.example/")
    webhook.set_secret("whsec_bWFya2Vk")
    webhook.save()

    settings.CREDENTIAL_KEYS = ("a newer key", *settings.CREDENTIAL_KEYS)
    out = StringIO()
    call_command("rotate_credentials", stdout=out)
    assert "Encrypted again: 1 credentials, 1 links" in out.getvalue()
    assert key_ring().primary_key_id in out.getvalue()

    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    credential = Credential.objects.get(pk=credential.pk)
    assert credential.secrets() == {"token": "marked-secret-1"}
    assert credential.grant() == Grant("a-token", 4e9)
    assert Export.objects.get().decrypt_link() == "https://files.example.org/x"
    assert Alert.objects.get(pk=alert.pk).address() == factories.ALERT_ADDRESS
    assert Webhook.objects.get(pk=webhook.pk).secrets() == ["whsec_bWFya2Vk"]
    assert check_key_ring() == []
    assert (rekey.rekey_secrets().credentials, rekey.rekey_secrets().links) == (0, 0)


def test_a_secret_that_cannot_be_decrypted_is_named_and_left_alone(cast: Cast, settings: Settings) -> None:
    credential = cast.credential(ARCHIVES)
    before = Credential.objects.get(pk=credential.pk).encrypted_secrets
    settings.CREDENTIAL_KEYS = ("quite another key",)
    err = StringIO()
    with pytest.raises(CommandError, match="Keep the old key"):
        call_command("rotate_credentials", stdout=StringIO(), stderr=err)
    assert f"Credential {credential.pk}" in err.getvalue()
    assert Credential.objects.get(pk=credential.pk).encrypted_secrets == before


@pytest.mark.slow(seconds=8)
@pytest.mark.django_db(transaction=True)
def test_a_thousand_are_rotated_while_their_secrets_are_used_and_renewed(cast: Cast, settings: Settings) -> None:
    for number in range(1000):
        secrets = {"token": f"secret-{number}"}
        service.create_credential(cast.team, cast.owner.user, provider=ARCHIVES, name=f"C {number}", secrets=secrets)
    settings.CREDENTIAL_KEYS = ("a newer key", *settings.CREDENTIAL_KEYS)
    keys = list(Credential.objects.filter(name__startswith="C ").values_list("pk", "name"))
    failures: list[str] = []
    over = threading.Event()

    def work(mine: list[tuple[int, str]]) -> None:
        try:
            while not over.is_set():
                for pk, name in mine:
                    row = Credential.objects.get(pk=pk)
                    if row.secrets() != {"token": name.replace("C ", "secret-")}:
                        failures.append(f"{pk} opened as something else")
                    row.save_grant(Grant(f"token-{pk}", 4e9))
        except Exception as error:
            failures.append(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(keys[number::2],)) for number in range(2)]
    for thread in threads:
        thread.start()
    done = rekey.rekey_secrets()
    over.set()
    for thread in threads:
        thread.join()
    assert (done.problems, failures) == ([], [])
    assert done.credentials >= 1000
    encrypted_secrets = Credential.objects.filter(name__startswith="C ").values_list("encrypted_secrets", flat=True)
    assert {key_id(value) for row in encrypted_secrets for value in row.values()} == {key_ring().primary_key_id}
