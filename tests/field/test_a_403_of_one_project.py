"""A 403 to the request or the list before it says that one project is out of reach; the credential stays good."""

import pytest

from exports import states
from tests.field.conftest import EVERY, LIST, SUBMIT, Field, recorded
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.samples import SAMPLES
from tests.helpers.stub_server import Reply


@pytest.mark.parametrize("provider", EVERY)
def test_a_request_that_is_refused_so_leaves_the_credential_alone(field: Field, provider: str) -> None:
    field.server.on(SUBMIT[provider], Reply(403, SAMPLES[provider].forbidden))
    export = field.run(provider)
    assert (export.status, export.error_code, field.requests(provider)) == (states.FAILED, "credential", 1)
    assert export.error_message.startswith("No access to this project. ")
    export.project.credential.refresh_from_db()
    assert export.project.credential.last_error == ""


def test_so_does_a_list_that_is_refused_so(field: Field) -> None:
    field.server.on(LIST[TABLES], Reply(403, SAMPLES[TABLES].forbidden))
    export = field.run(TABLES)
    assert export.error_message.startswith("No access to this project. ")
    assert field.requests(TABLES) == 0
    export.project.credential.refresh_from_db()
    assert export.project.credential.last_error == ""


def test_a_firewalls_page_before_the_request_says_neither(field: Field) -> None:
    field.server.on(SUBMIT[ARCHIVES], recorded("firewall-page.http"))
    export = field.run(ARCHIVES)
    assert (export.error_code, export.error_message) == ("credential", f"{ARCHIVES.label} answered 403.")
    export.project.credential.refresh_from_db()
    assert export.project.credential.last_error == ""


def test_a_401_marks_the_credential(field: Field) -> None:
    field.server.on(SUBMIT[TABLES], Reply(401, [{"classification": "PermissionError", "message": "Bad credentials"}]))
    export = field.run(TABLES)
    export.project.credential.refresh_from_db()
    assert "Bad credentials" in export.project.credential.last_error
    assert field.requests(TABLES) == 1
