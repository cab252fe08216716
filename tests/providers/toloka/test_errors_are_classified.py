"""Every error code that Toloka or its clients know, and what it means for the export."""

from typing import Any

import pytest

from exports.providers.toloka import Toloka
from exports.transport.client import Client
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnclearError,
)
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import ARCHIVE, OPERATION, error, job

PRECONDITIONS = {
    "CONFLICT_STATE": "Its state does not allow it",
    "INAPPROPRIATE_STATUS": "Its status does not allow it",
    "UNARCHIVED_POOLS_CONFLICT": "Every pool of the project must be archived first",
    "PROJECT_INAPPROPRIATE_STATUS": "The project's status does not allow it",
    "POOL_INAPPROPRIATE_STATUS": "Only a closed pool can be archived",
    "TRAINING_ARCHIVE_CONFLICT": "The pools that use the training must be archived first",
    "SUBMITTED_ASSIGNMENTS_CONFLICT": "Answers wait for review",
    "THERE_IS_REJECTED_ASSIGNMENT": "9 days after the last rejection",
    "THERE_IS_ACTIVE_ASSIGNMENT": "wait until they are done",
}


def fault(status: int, code: str, **more: Any) -> ProviderError:
    found = Toloka().error_from_response(status, error(code, **more))
    assert found is not None
    assert found.provider_status == code
    assert f"Toloka answered {status} {code}." in found.message
    assert "It cannot be done" in found.message
    assert "request req-1" in found.message
    return found


@pytest.mark.parametrize(("status", "code"), [(401, "AUTHENTICATION_ERROR"), (401, "OAUTH_AUTHENTICATION_ERROR")])
def test_an_unknown_token_is_the_credential_s_fault(status: int, code: str) -> None:
    assert fault(status, code).code == "credential"


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "AUTHENTICATION_ERROR", "SOMETHING_NEW"])
def test_every_403_is_the_credential_s_fault(code: str) -> None:
    assert isinstance(fault(403, code), CredentialError)


@pytest.mark.parametrize("code", ["DOES_NOT_EXIST", "NOT_FOUND", "SOMETHING_NEW"])
def test_what_is_not_there_is_not_found(code: str) -> None:
    assert isinstance(fault(404, code), NotFoundError)


@pytest.mark.parametrize(("code", "sentence"), PRECONDITIONS.items())
@pytest.mark.parametrize("status", [409, 400])
def test_a_conflict_says_what_must_be_done_first_whatever_its_status(status: int, code: str, sentence: str) -> None:
    found = fault(status, code)
    assert isinstance(found, RefusedError)
    assert not isinstance(found, BusyError)
    assert found.code == "precondition"
    assert sentence in found.message


def test_an_unknown_conflict_is_a_precondition_too() -> None:
    assert fault(409, "SOMETHING_NEW").code == "precondition"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "VALIDATION_ERROR"),
        (405, "METHOD_NOT_ALLOWED"),
        (413, "ENTITY_TOO_LARGE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (422, "SOMETHING_NEW"),
    ],
)
def test_other_refusals_are_final(status: int, code: str) -> None:
    found = fault(status, code)
    assert (type(found), found.code) == (RefusedError, "rejected")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "INTERNAL_ERROR"),
        (500, "OPERATION_EXECUTION_ERROR"),
        (503, "REMOTE_SERVICE_UNAVAILABLE"),
        (500, "SOMETHING_NEW"),
        (400, "INTERNAL_ERROR"),
    ],
)
def test_an_internal_error_leaves_the_outcome_open(status: int, code: str) -> None:
    assert isinstance(fault(status, code), UnclearError)


@pytest.mark.parametrize(
    ("payload", "seconds"),
    [
        ({"interval": "MIN"}, 60.0),
        ({"interval": "HOUR"}, 3600.0),
        ({"interval": "DAY"}, 86400.0),
        ({"interval": "YEAR"}, 60.0),
        ({}, 60.0),
        (None, 60.0),
    ],
)
def test_past_a_quota_the_credential_pauses_for_the_quota_s_interval(payload: object, seconds: float) -> None:
    found = fault(429, "TOO_MANY_REQUESTS", payload=payload)
    assert isinstance(found, BusyError)
    assert (found.pause, found.seconds) == (True, seconds)


def test_a_retry_after_that_was_sent_counts_more_than_the_interval(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    stub.on(OPERATION, Reply(429, error("TOO_MANY_REQUESTS", payload={"interval": "DAY"}), {"Retry-After": "5"}))
    with pytest.raises(BusyError) as caught:
        toloka.poll(client, job(remote_id="57068577e4b0bf7b07a0256f"))
    assert caught.value.seconds == 5.0


def test_a_lock_of_another_operation_is_waited_for_without_pausing_the_rest() -> None:
    found = fault(409, "POOL_LOCKED_BY_ANOTHER_OPERATION")
    assert isinstance(found, BusyError)
    assert (found.pause, found.seconds) == (False, 15)


@pytest.mark.parametrize("status", [408, 423, 425])
def test_try_again_statuses_are_left_to_the_usual_rule(status: int) -> None:
    assert Toloka().error_from_response(status, error("SOMETHING_NEW")) is None


@pytest.mark.parametrize("body", [None, [], "text", {}, {"code": None}, {"code": {}}, {"message": "No code"}])
@pytest.mark.parametrize("status", [400, 409, 429, 500])
def test_an_error_without_a_code_is_left_to_the_usual_rule(status: int, body: object) -> None:
    assert Toloka().error_from_response(status, body) is None


def test_an_answer_that_is_no_error_is_none_even_with_a_code() -> None:
    assert Toloka().error_from_response(200, error("INTERNAL_ERROR")) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, "<html>nginx</html>", UnclearError),
        (504, None, UnclearError),
        (429, None, BusyError),
        (403, "<html>", CredentialError),
        (404, None, NotFoundError),
        (400, None, RefusedError),
    ],
)
def test_a_gateway_s_answer_without_json_is_understood_by_its_status(
    toloka: Toloka, client: Client, stub: StubServer, status: int, body: object, kind: type[ProviderError]
) -> None:
    stub.on(ARCHIVE, Reply(status, body))
    with pytest.raises(kind):
        toloka.submit(client, job())
