"""Errors as application/problem+json (RFC 9457), whatever goes wrong below /api/."""

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

from exports.engine.problem import ConflictError, InvalidError, TwinError
from exports.files import GoneError
from exports.models.seal import SealError
from exports.providers.errors import ProviderError
from exports.rates import TooManyError

log = logging.getLogger(__name__)

PROBLEM: Final = "application/problem+json"
MOST_BODY: Final = 1_000_000
SENTENCES: Final = {
    401: "Send an API token of yours: Authorization: Bearer TOKEN. This one is missing, unknown, revoked or expired.",
    404: "There is nothing at this address. The API is described at /api/docs.",
    405: "This address does not take this method; Allow names those it takes.",
    411: "Send the body with a Content-Length.",
    412: "The file is not the one that was asked for any more.",
    413: f"A body may have at most {MOST_BODY} bytes.",
    416: "The file has no such range; Content-Range says how long it is.",
    422: "Something in the request cannot be used; errors says what.",
    500: "Something went wrong in the portal. It is in its log; try again later.",
}
View = Callable[..., HttpResponseBase]


def problem(
    status: int,
    detail: str = "",
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """An error as the contract has it."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    body |= {"detail": detail or SENTENCES.get(status, f"{title}."), **more}
    if errors is not None:
        body["errors"] = {name: list(texts) for name, texts in errors.items()}
    return HttpResponse(json.dumps(body), status=status, content_type=PROBLEM, headers=dict(headers or {}))


def from_error(error: Exception) -> HttpResponse:
    """The answer an exception means."""
    match error:
        case InvalidError():
            return problem(422, errors=error.errors)
        case TwinError():
            return problem(409, str(error), export_id=error.export_id)
        case ConflictError():
            return problem(409, str(error))
        case AuthenticationError():
            return problem(401, headers={"WWW-Authenticate": 'Bearer realm="export portal"'})
        case PermissionDenied():
            return problem(403, str(error))
        case TooManyError():
            return problem(429, str(error), headers={"Retry-After": str(error.seconds)})
        case Http404():
            return problem(404, str(error))
        case GoneError():
            return problem(410, str(error))
        case RequestDataTooBig():
            return problem(413)
        case SuspiciousOperation():
            return problem(422, errors={"query": ["The address has more parameters than the portal reads."]})
        case ProviderError():
            return problem(502, error.message)
        case SealError():
            return problem(503, str(error))
    # What exactly went wrong is for the log; an answer could give away what is none of the caller's business.
    log.error("The API failed.", exc_info=error)
    return problem(500)


def add_handlers(api: NinjaAPI) -> None:
    """Has the API answer every exception with a problem."""
    # ninja has handlers of its own for the last three, which are nearer than the one for all.
    for class_ in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(class_, _handle)


def _handle(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return from_error(error if isinstance(error, Exception) else error())


def wrapped(view: View) -> View:
    """The view as it stands below /api/: bodies bounded, none after HEAD, every error a problem."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = _refusal(request) or view(request, *args, **kwargs)
        except Exception as error:
            response = from_error(error)
        if response.status_code >= 400 and response.headers.get("Content-Type") != PROBLEM:
            # Not closed: that would tell Django that the request is over.
            kept = {name: response[name] for name in ("Allow", "Content-Range", "Accept-Ranges") if name in response}
            response = problem(response.status_code, headers=kept)
        # Answers are for who asked, and of the moment; a file says for itself what may be kept.
        response.headers.setdefault("Cache-Control", "no-store")
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response

    # The token is in a header that no other site can make a browser send.
    inner.csrf_exempt = True  # type: ignore[attr-defined]
    return inner


def nothing(request: HttpRequest, **rest: Any) -> HttpResponse:
    """Answers every address below /api/ that is none."""
    raise Http404(SENTENCES[404])


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request whose body is not even read."""
    length = request.headers.get("Content-Length") or ""
    if length.isascii() and length.isdigit() and (len(length) > 10 or int(length) > MOST_BODY):
        return problem(413)
    # Such a body has no end that could be known, and WSGI would read it as empty.
    if not length and "Transfer-Encoding" in request.headers:
        return problem(411)
    return None
