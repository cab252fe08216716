"""A credential that the provider refuses, or whose test fails, is told once, and again only after it has worked."""

from collections.abc import Callable

import pytest

from exports.credentials import replace_secrets, service
from exports.models import Credential, Event
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, run_to_end

OriginOf = Callable[[str], str]
WRONG = {"token": "sandbox-no"}


def refusals() -> int:
    return Event.objects.filter(type="credential.refused").count()


@pytest.fixture
def credential(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> Credential:
    return cast.credential(ARCHIVES, origin_of(ARCHIVES))


def test_a_failed_test_is_told_once_and_after_it_worked_anew(cast: Cast, credential: Credential) -> None:
    credential.save_secrets(WRONG)
    assert not service.check_credential(credential).ok
    assert not service.check_credential(credential).ok
    assert refusals() == 1
    event = Event.objects.get()
    assert event.data["credential_id"] == credential.pk
    assert "sandbox-no" not in str(event.data)
    credential.save_secrets({"token": "sandbox-token"})
    assert service.check_credential(credential).ok
    credential.refresh_from_db()
    assert (credential.last_error, credential.refused_notified_at) == ("", None)
    credential.save_secrets(WRONG)
    service.check_credential(credential)
    assert refusals() == 2


def test_exports_that_are_refused_tell_it_once_and_new_secrets_end_it(cast: Cast, credential: Credential) -> None:
    project = cast.project(ARCHIVES, credential=credential)
    credential.save_secrets(WRONG)
    for _ in range(2):
        assert run_to_end(request_export(project, cast.member, "archive")).error_code == "credential"
    assert refusals() == 1
    replace_secrets.replace_secrets(credential, cast.owner.user, {"token": "sandbox-token"})
    credential.refresh_from_db()
    assert (credential.last_error, credential.refused_notified_at) == ("", None)


def test_a_good_export_shows_that_it_works(cast: Cast, credential: Credential) -> None:
    project = cast.project(ARCHIVES, credential=credential)
    credential.save_secrets(WRONG)
    service.check_credential(credential)
    credential.save_secrets({"token": "sandbox-token"})
    run_to_end(request_export(project, cast.member, "archive"))
    credential.refresh_from_db()
    assert (credential.last_error, credential.refused_notified_at) == ("", None)
