"""Every error below /api/ as application/problem+json (RFC 9457)."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from exports.api.auth import EndedTokenError
from exports.crypto import CryptoError
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.http import unavailable
from exports.http.file_responses import FileGoneError
from exports.http.throttling import ThrottledError
from exports.storage.bucket.errors import BucketError
from exports.transport.errors import ProviderError

log = logging.getLogger(__name__)

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="export portal"'}
PROBLEM_CONTENT_TYPE: Final = "application/problem+json"
MAX_BODY_BYTES: Final = 1_000_000
DEFAULT_DETAILS: Final = {
    401: "Send an API token of yours: Authorization: Bearer TOKEN. This one is missing, unknown, revoked or expired.",
    404: "There is nothing at this address. The API is described at /api/docs.",
    405: "This address does not take this method; Allow names those it takes.",
    411: "Send the body with a Content-Length.",
    412: "The file is not the one that was asked for any more.",
    413: f"A body may have at most {MAX_BODY_BYTES} bytes.",
    416: "The file has no such range; Content-Range says how long it is.",
    422: "Something in the request cannot be used; errors says what.",
    500: "Something went wrong in the portal. It is in its log; try again later.",
}
View = Callable[..., HttpResponseBase]


def problem_response(
    status: int,
    detail: str = "",
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """Returns an error response; `more` are additional members."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    body |= {"detail": detail or DEFAULT_DETAILS.get(status, f"{title}."), **more}
    if errors is not None:
        body["errors"] = {name: list(texts) for name, texts in errors.items()}
    return HttpResponse(json.dumps(body), status=status, content_type=PROBLEM_CONTENT_TYPE, headers=dict(headers or {}))


def response_for_error(error: Exception) -> HttpResponse:
    """Returns the response for an exception; an unknown one is logged and becomes a 500."""
    if unavailable.is_database_away(error):
        log.warning("The database cannot be used (%s); the API answered 503.", type(error).__name__)
        headers = {"Retry-After": str(unavailable.RETRY_SECONDS)}
        return problem_response(503, unavailable.SENTENCE, headers=headers)
    response = _domain_error_response(error) or _http_error_response(error)
    if response is None:
        # The details are only logged, since a response could disclose internals.
        log.error("The API failed.", exc_info=error)
        return problem_response(500)
    return response


def _domain_error_response(error: Exception) -> HttpResponse | None:
    match error:
        case InvalidError():
            return problem_response(422, errors=error.errors)
        case DuplicateError():
            return problem_response(409, str(error), export_id=error.export_id)
        case ConflictError():
            return problem_response(409, str(error))
        case FileGoneError():
            return problem_response(410, str(error))
        case ThrottledError():
            return problem_response(429, str(error), headers={"Retry-After": str(error.seconds)})
        case ProviderError():
            return problem_response(502, error.message)
        case BucketError() | unavailable.UnavailableError():
            headers = {"Retry-After": str(unavailable.RETRY_SECONDS)}
            return problem_response(503, unavailable.own_sentence(error), headers=headers)
        case CryptoError():
            return problem_response(503, str(error))
    return None


def _http_error_response(error: Exception) -> HttpResponse | None:
    match error:
        case AuthenticationError():
            return problem_response(401, headers=CHALLENGE)
        case EndedTokenError():
            return problem_response(401, str(error), headers=CHALLENGE)
        case PermissionDenied():
            return problem_response(403, str(error))
        case Http404():
            return problem_response(404, str(error))
        case RequestDataTooBig():
            return problem_response(413)
        case SuspiciousOperation():
            return problem_response(422, errors={"query": ["The address has more parameters than the portal reads."]})
    return None


def add_handlers(api: NinjaAPI) -> None:
    """Registers handlers, so that the API answers every exception with a problem response."""
    # ninja's default handlers of the last three are more specific than one for Exception, so they are replaced too.
    for class_ in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(class_, _handle)


def _handle(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return response_for_error(error if isinstance(error, Exception) else error())


def wrap_view(view: View) -> View:
    """Wraps a view: limits the body of requests, sends none after HEAD, turns every error into a problem response."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = _refusal(request) or view(request, *args, **kwargs)
        except Exception as error:
            response = response_for_error(error)
        if response.status_code >= 400 and response.headers.get("Content-Type") != PROBLEM_CONTENT_TYPE:
            # The old response is not closed: that would send request_finished.
            kept = {name: response[name] for name in ("Allow", "Content-Range", "Accept-Ranges") if name in response}
            response = problem_response(response.status_code, headers=kept)
        # Responses depend on the caller and the moment. File responses set their own Cache-Control.
        response.headers.setdefault("Cache-Control", "no-store")
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response

    # The token is in a header, which another site cannot make a browser send.
    inner.csrf_exempt = True  # type: ignore[attr-defined]
    return inner


def not_found(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """The view of unknown paths below /api/. Raises Http404."""
    raise Http404(DEFAULT_DETAILS[404])


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Returns the response to a request whose body must not be read, or None."""
    length = request.headers.get("Content-Length") or ""
    if length.isascii() and length.isdigit() and (len(length) > 10 or int(length) > MAX_BODY_BYTES):
        return problem_response(413)
    # WSGI would read a body of unknown length as empty.
    if not length and "Transfer-Encoding" in request.headers:
        return problem_response(411)
    return None
