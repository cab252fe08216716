"""Reads values of answers: trusts no type, and raises no errors but ProviderError's subclasses."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.core.exceptions import ValidationError

from exports.providers.contract import CheckStep, Job, is_valid_remote_id
from exports.providers.fields import TextField
from exports.transport.client import ApiResponse, Client
from exports.transport.errors import (
    AddressError,
    BusyError,
    CredentialError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnknownRefusalError,
    UnreadableError,
)
from exports.transport.responses import error_text
from exports.transport.ssrf import check_length

# Parameters that signing adds to an address: the same file, signed again, must not look like another file.
SIGNATURE_PARAMETERS: Final = re.compile(
    r"x-(amz|goog|oss)-.*|expires?|signature|sig|policy|key-pair-id|s[etprvk]", re.I
)
# Statuses that need no look at the body; client.py maps them.
SELF_EXPLAINING_STATUSES: Final = frozenset({408, 423, 425, 429})


class UrlField(TextField):
    """An address that the portal will call. The address guard decides at each call whether it may be opened."""

    schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "uri"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2000, **kwargs)

    def to_python(self, value: Any) -> str:
        url = super().to_python(value)
        try:
            parts = urlsplit(url)
            is_web = parts.scheme in ("https", "http") and parts.hostname
            is_valid = is_web and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            is_valid = False
        if url and not (is_valid and re.fullmatch(r"[!-~]+", url)):
            raise ValidationError("A web address is wanted here, like https://example.org/news.", code="invalid")
        return url


def text(value: object, max_length: int = 200) -> str:
    """A text or a whole number as text, stripped and cut to `max_length`; else ""."""
    return str(value).strip()[:max_length] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def integer(value: object) -> int | None:
    """A whole number of at most 18 digits, also one written as text; else None."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18 else None


def remote_id(value: object) -> str:
    """The id of a job as text, of whichever type it came: a text, or a whole number, also one like 501.0; else ""."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    id_ = text(value)
    return id_ if is_valid_remote_id(id_) else ""


def percent(value: object) -> float | None:
    """A number from 0 to 100, also one written as text ("100", "100 %"), larger ones as 100; else None."""
    if isinstance(value, str):
        value = value.strip().removesuffix("%").rstrip()
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(value, str | int | float) and (number := float(value)) >= 0:
            return min(number, 100.0)
    return None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def without_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are set: an option that is not set is not sent."""
    return {name: item for name, item in value.items() if item not in (None, "", {}, [])}


def object_list(value: object, key: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list that is the value, below `key`, or the only list below it. Raises UnreadableError."""
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = value[key] if isinstance(value.get(key), list) else lists[0] if len(lists) == 1 else None
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise UnreadableError("The answer holds no list of objects.")
    return value


def id_name_pairs(value: object, key: str, id_field: str, name_field: str) -> list[tuple[str, str]]:
    """Id and name of each object of a list (see `object_list`), to pick from."""
    pairs = [(text(row.get(id_field)), text(row.get(name_field))) for row in object_list(value, key)]
    return [(id_, name or id_) for id_, name in pairs if id_]


def header_token(value: object) -> str:
    """The value if it is a token that can be sent in a header: at most 8,000 characters. Raises UnreadableError."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,8000}", value):
        raise UnreadableError("The answer holds no token.")
    return value


@contextlib.contextmanager
def refusal_as_credential_error(sentence: str) -> Iterator[None]:
    """For the call that fetches a token: turns each of its refusals into a CredentialError that is not renewable."""
    try:
        yield
    except BusyError:
        raise
    except (RefusedError, UnknownRefusalError) as problem:
        if isinstance(problem, UnknownRefusalError) and problem.passing:
            raise
        error = CredentialError(f"{sentence} {problem.message}", provider_status=problem.provider_status)
        error.final = problem.final
        raise error from None


@contextlib.contextmanager
def with_hint(hint: str) -> Iterator[None]:
    """For a call that needs more rights than others: appends `hint` to the sentence of a CredentialError."""
    try:
        yield
    except CredentialError as problem:
        problem.message = f"{problem.message} {hint}"
        problem.args = (problem.message,)
        raise


def path_segment(name: str, label: str, pattern: str = "[A-Za-z0-9_-]+") -> str:
    """The id, if it can be part of a path. Raises NotFoundError for another one (`..`, with a space)."""
    if not re.fullmatch(pattern, name):
        raise NotFoundError(f"{name} is not an id of {label}.")
    return name


def job_segment(remote_id: str, label: str) -> str:
    """The id of a job as a part of a path, of whichever form the provider makes it. Raises NotFoundError."""
    if not (is_valid_remote_id(remote_id) and re.fullmatch(r"[!-~]+", remote_id)) or remote_id in (".", ".."):
        raise NotFoundError(f"{remote_id} is not an id of a job at {label}.")
    return quote(remote_id, safe="")


def check_id(value: object, expected: str, thing: str = "project") -> bool:
    """Whether an answer names the id; False where it names none. Raises UnreadableError when it names another."""
    id_ = text(value)
    if id_ and id_.lower() != expected.lower():
        raise UnreadableError(f"The answer is about another {thing}, {id_}, not about {expected}.", final=True)
    return bool(id_)


def unwrap_envelope(answer: ApiResponse) -> Any:
    """What an envelope `{"success": true, "data": …}` holds; a value without one as it is. Raises UnreadableError."""
    body = answer.body
    if not isinstance(body, dict):
        return body
    if body.get("success", True) is not True:
        raise UnreadableError("The answer does not say whether the call succeeded.", provider_status=str(answer.status))
    return body["data"] if "data" in body else {name: body[name] for name in body if name != "success"}


def mapping_at(value: object, key: str) -> Mapping[str, Any]:
    """The object below `key`, or the value itself where there is no such key; empty when neither is an object."""
    return mapping(value[key] if isinstance(value, dict) and key in value else value)


def first_text(value: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds text, uncut; else ""."""
    return next((item for name in names if isinstance(item := value.get(name), str) and item), "")


def hash_text(secret: str) -> str:
    """The SHA-256 of a secret text, to recognise it later; "" for no text."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


def hash_link(link: str) -> str:
    """A hash of a file's link that stays the same when the link is signed again; "" for no link."""
    with contextlib.suppress(ValueError, AddressError):
        check_length(link)
        parts = urlsplit(link)
        query = urlencode([pair for pair in parse_qsl(parts.query) if not SIGNATURE_PARAMETERS.fullmatch(pair[0])])
        link = parts._replace(query=query, fragment="").geturl()
    return hash_text(link)


def renew_token(client: Client) -> str:
    """A check step: fetches a new token, so that the secrets are tested and not a token that is left."""
    client.forget_token()
    client.token()
    return ""


def require_true(value: object, field: str) -> str:
    """A check step: the answer must hold true below `field`. Raises CredentialError."""
    if mapping(value).get(field) is not True:
        raise CredentialError(f"The answer does not say {field}: true.")
    return ""


def run_check_steps(*named: tuple[str, Callable[[], str | tuple[str, Mapping[str, int]]]]) -> list[CheckStep]:
    """Runs named steps in order, up to the first that fails. Each returns its detail, or its detail and rate limits."""
    done: list[CheckStep] = []
    for name, step in named:
        try:
            result = step()
            done.append(CheckStep(name, True, result) if isinstance(result, str) else CheckStep(name, True, *result))
        except ProviderError as problem:
            return [*done, CheckStep(name, False, problem.message)]
    return done


def matches_request(row: Mapping[str, Any], job: Job) -> bool:
    """Whether the row has the type and format of the job, as far as it names them."""
    return (row.get("type") or job.type, row.get("format") or job.format) == (job.type, job.format)


def parse_own_job(value: object, job: Job) -> Mapping[str, Any]:
    """A row of the job's project, type and format, and, once it is known, of its id. Raises UnreadableError."""
    row = mapping(value)
    if not check_id(row.get("project_id"), job.project) or not remote_id(row.get("id")):
        raise UnreadableError("The answer holds no job of this project.")
    if job.remote_id:
        check_id(row["id"], job.remote_id, "job")
    if not matches_request(row, job):
        raise UnreadableError("The answer is about a job of another type or format.", final=bool(job.remote_id))
    return row


def parse_account(answer: ApiResponse) -> Mapping[str, Any]:
    """The account in an answer about the credential's owner. Raises CredentialError."""
    if integer(mapping(answer.body).get("id")) is None:
        raise CredentialError("The answer does not say whose credential this is.")
    return mapping(answer.body)


def refusal_by_status(status: int, sentence: str, *, denied: bool = False) -> RefusedError:
    """A refusal with the provider's own sentence, by status as in client.py. `denied`: for lack of rights."""
    denied = denied or status == 403
    if denied or status == 401:
        return CredentialError(
            sentence, renewable=status == 401, known=denied and status != 401, provider_status=str(status)
        )
    return (NotFoundError if status in (404, 410) else RefusedError)(sentence, provider_status=str(status))


def parse_reasons(body: object) -> tuple[str, list[str]]:
    """Sentence and classifications of `[{classification, fieldNames, message}]` or of one such object."""
    items = [item for item in (body if isinstance(body, list) else [body]) if isinstance(item, dict)][:5]
    sentences = []
    for item in items:
        names = item.get("fieldNames") or item.get("field_names")
        fields = ", ".join(map(text, names)) if isinstance(names, list) else ""
        sentences.append(": ".join(filter(None, (fields, error_text(item) or text(item.get("classification"))))))
    return "; ".join(filter(None, sentences))[:300], [text(item.get("classification")) for item in items]


def localized_text(value: object, default: str) -> str:
    """A text, or that of a language in `{"en": …, "fr": …}`: English, French, or the first; else `default`."""
    languages = mapping(value)
    return next(filter(None, (text(languages.get(lang)) for lang in ("en", "fr", *languages))), text(value)) or default
