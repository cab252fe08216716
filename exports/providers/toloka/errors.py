"""What Toloka's refusals mean: its codes. Source: https://toloka.ai/docs/api/ (errors, limits).

One status has several codes, and the status of some codes is not documented.
"""

from typing import Final

from exports.providers import parsing
from exports.providers.refusals import SELF_EXPLAINING_STATUSES, error_by_status
from exports.transport.errors import BusyError, ProviderError, RefusedError
from exports.transport.responses import error_text

RATE_LIMIT_SECONDS: Final = {"MIN": 60.0, "HOUR": 3600.0, "DAY": 86400.0}
# The statuses that codes mean.
STATUSES: Final = {
    "AUTHENTICATION_ERROR": 401,
    "OAUTH_AUTHENTICATION_ERROR": 401,
    "ACCESS_DENIED": 403,
    "DOES_NOT_EXIST": 404,
    "NOT_FOUND": 404,
    "POOL_LOCKED_BY_ANOTHER_OPERATION": 423,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_ERROR": 500,
    "OPERATION_EXECUTION_ERROR": 500,
    "REMOTE_SERVICE_UNAVAILABLE": 503,
}
# What a person must do first. Other clients accept every answer instead, which pays people: never done here.
PRECONDITIONS: Final = {
    "UNARCHIVED_POOLS_CONFLICT": "Every pool of the project must be archived first.",
    "PROJECT_INAPPROPRIATE_STATUS": "The project's status does not allow it.",
    "POOL_INAPPROPRIATE_STATUS": "Only a closed pool can be archived.",
    "INAPPROPRIATE_STATUS": "Its status does not allow it.",
    "CONFLICT_STATE": "Its state does not allow it.",
    "TRAINING_ARCHIVE_CONFLICT": "The pools that use the training must be archived first.",
    "SUBMITTED_ASSIGNMENTS_CONFLICT": "Answers wait for review: accept or reject them in Toloka first.",
    "THERE_IS_REJECTED_ASSIGNMENT": "A pool with rejected answers can be archived 9 days after the last rejection.",
    "THERE_IS_ACTIVE_ASSIGNMENT": "People still work on its tasks: wait until they are done.",
}


def error_from_response(status: int, body: object) -> ProviderError | None:
    """The error that an answer with a code means; None for every other answer."""
    code = parsing.text(parsing.below(body, "code"))
    if status < 400 or not code or status in SELF_EXPLAINING_STATUSES - {429}:
        return None
    sentence = " ".join(filter(None, (f"Toloka answered {status} {code}.", PRECONDITIONS.get(code), error_text(body))))
    if request_id := parsing.text(parsing.below(body, "request_id")):
        sentence += f" (Its support asks for this: request {request_id}.)"
    meant = STATUSES.get(code, status)
    if status in (401, 403, 429) and meant not in (401, 403):
        meant = status
    error = error_by_status(meant, sentence, code)
    if isinstance(error, BusyError) and error.pause:
        error.seconds = RATE_LIMIT_SECONDS.get(parsing.text(parsing.below(body, "payload", "interval")), 60.0)
    if type(error) is RefusedError and (code in PRECONDITIONS or status == 409):
        error.code = "precondition"
    return error
