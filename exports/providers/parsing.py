"""Reading values that came from outside: nothing here trusts a type, and nothing raises but the providers' errors."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import ValidationError

from exports.providers.contract import CheckStep, Job
from exports.providers.fields import TextField
from exports.transport.client import ApiResponse, Client
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnreadableError,
)
from exports.transport.responses import error_text

# For services that publish no table of codes: what a code and its sentence speak of.
RATE_LIMITED: Final = re.compile(r"^4290?\b|too many|rate.?limit", re.I)
UNAUTHENTICATED: Final = re.compile(r"^4010?\b|\btoken\b|jwt|unauth|authori[sz]|authenti|expired|credential", re.I)
FORBIDDEN: Final = re.compile(r"^4030?\b|forbidden|permission|not allowed", re.I)
NOT_FOUND: Final = re.compile(r"^4040?\b|not.?found|(not|n't) exist|no such", re.I)
# What signing adds to an address: the same file, signed anew, must not look like another file.
SIGNATURE_PARAMETERS: Final = re.compile(
    r"x-(amz|goog|oss)-.*|expires?|signature|sig|policy|key-pair-id|s[etprvk]", re.I
)
# Statuses that say all there is to know; http.py maps them.
SELF_EXPLAINING_STATUSES: Final = frozenset({408, 423, 425, 429})


class UrlField(TextField):
    """An address for the portal to call. Whether it may be opened is the guard's to say, each time anew."""

    schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "uri"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2000, **kwargs)

    def to_python(self, value: Any) -> str:
        said = super().to_python(value)
        try:
            parts = urlsplit(said)
            right = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            right = False
        if said and not (right and re.fullmatch(r"[!-~]+", said)):
            raise ValidationError("A web address is wanted here, like https://example.org/news.", code="invalid")
        return said


def text(value: object, most: int = 200) -> str:
    """Text or a whole number as text, else ""."""
    return str(value).strip()[:most] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def integer(value: object) -> int | None:
    """A whole number, also one spelled as text, else None."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def percent(value: object) -> float | None:
    """A number from 0 to 100, also one spelled as text, else None."""
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(value, str | int | float) and (number := float(value)) >= 0:
            return min(number, 100.0)
    return None


def mapping(value: object) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def without_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given: an option that is not set is not sent."""
    return {name: said for name, said in value.items() if said not in (None, "", {}, [])}


def object_list(value: object, key: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list that comes bare, below `key`, or as the only list of an object."""
    if isinstance(value, dict):
        lists = [one for one in value.values() if isinstance(one, list)]
        value = value[key] if isinstance(value.get(key), list) else lists[0] if len(lists) == 1 else None
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise UnreadableError("The answer holds no list of objects.")
    return value


def id_name_pairs(value: object, key: str, ids: str, names: str) -> list[tuple[str, str]]:
    """Id and name of each object of a list (see `rows`), to pick from."""
    found = [(text(row.get(ids)), text(row.get(names))) for row in object_list(value, key)]
    return [(id_, name or id_) for id_, name in found if id_]


def header_token(value: object) -> str:
    """A token that can stand in a header."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        raise UnreadableError("The answer holds no token.")
    return value


@contextlib.contextmanager
def refusal_as_credential_error(sentence: str) -> Iterator[None]:
    """Around the call for a token: a refusal there, whatever its status, is the credential's, and no token mends it."""
    try:
        yield
    except BusyError:
        raise
    except RefusedError as problem:
        raise CredentialError(f"{sentence} {problem.message}", provider_status=problem.provider_status) from None


@contextlib.contextmanager
def with_hint(hint: str) -> Iterator[None]:
    """Around a call that takes more rights than others: what a refusal of the credential may mean here."""
    try:
        yield
    except CredentialError as problem:
        raise CredentialError(
            f"{problem.message} {hint}", renewable=problem.renewable, provider_status=problem.provider_status
        ) from None


def path_segment(name: str, label: str, pattern: str = "[A-Za-z0-9_-]+") -> str:
    """An id that may stand in a path; one of another shape (`..`, a space) names nothing at the provider."""
    if not re.fullmatch(pattern, name):
        raise NotFoundError(f"{name} is not an id of {label}.")
    return name


def check_id(value: object, ours: str, thing: str = "project") -> bool:
    """Whether the answer names ours; False where it names none. Another one's answer is never taken."""
    said = text(value)
    if said and said.lower() != ours.lower():
        raise UnreadableError(f"The answer is about another {thing}, {said}, not about {ours}.", final=True)
    return bool(said)


def unwrap_envelope(answer: ApiResponse) -> Any:
    """What an envelope `{"success": true, "data": …}` holds; a bare value is taken as it is."""
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
    return next((said for name in names if isinstance(said := value.get(name), str) and said), "")


def hash_text(said: str) -> str:
    """A hash of a secret text, to know it again; "" for no text."""
    return hashlib.sha256(said.encode()).hexdigest() if said else ""


def hash_link(link: str) -> str:
    """A hash of a file's link that stays the same when the link is signed anew; "" for no link."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(link)
        query = urlencode([pair for pair in parse_qsl(parts.query) if not SIGNATURE_PARAMETERS.fullmatch(pair[0])])
        link = parts._replace(query=query, fragment="").geturl()
    return hash_text(link)


def renew_token(client: Client) -> str:
    """For a step: a token of its own, so that the secrets are tested and not what is left of an earlier one."""
    client.forget_token()
    client.token()
    return ""


def require_true(value: object, field: str) -> str:
    """For a step: only true will do."""
    if mapping(value).get(field) is not True:
        raise CredentialError(f"The answer does not say {field}: true.")
    return ""


def run_check_steps(*named: tuple[str, Callable[[], str | tuple[str, Mapping[str, int]]]]) -> list[CheckStep]:
    """Takes named steps in order, up to the first that fails; each gives its detail, or that and limits it was told."""
    taken: list[CheckStep] = []
    for name, step in named:
        try:
            said = step()
            taken.append(CheckStep(name, True, said) if isinstance(said, str) else CheckStep(name, True, *said))
        except ProviderError as problem:
            return [*taken, CheckStep(name, False, problem.message)]
    return taken


def matches_request(row: Mapping[str, Any], job: Job) -> bool:
    """Whether it is of the type and format we asked for, as far as it says."""
    return (row.get("type") or job.type, row.get("format") or job.format) == (job.type, job.format)


def parse_own_job(value: object, job: Job) -> Mapping[str, Any]:
    """A job of our project, type and format; once we know its id, that very one."""
    row = mapping(value)
    if not check_id(row.get("project_id"), job.project) or integer(row.get("id")) is None:
        raise UnreadableError("The answer holds no job of this project.")
    if job.remote_id:
        check_id(row["id"], job.remote_id, "job")
    if not matches_request(row, job):
        raise UnreadableError("The answer is about a job of another type or format.", final=bool(job.remote_id))
    return row


def parse_account(answer: ApiResponse) -> Mapping[str, Any]:
    """What an answer to "who am I" says of the credential's owner."""
    if integer(mapping(answer.body).get("id")) is None:
        raise CredentialError("The answer does not say whose credential this is.")
    return mapping(answer.body)


def refusal_by_status(status: int, sentence: str, *, denied: bool = False) -> RefusedError:
    """A refusal with a sentence of the provider's own, mapped as http.py maps the bare status."""
    if denied or status in (401, 403):
        return CredentialError(sentence, renewable=status == 401, provider_status=str(status))
    return (NotFoundError if status in (404, 410) else RefusedError)(sentence, provider_status=str(status))


def parse_reasons(body: object) -> tuple[str, list[str]]:
    """What `[{classification, fieldNames, message}]`, or one such object, says; and its classifications."""
    items = [item for item in (body if isinstance(body, list) else [body]) if isinstance(item, dict)][:5]
    said = []
    for item in items:
        names = item.get("fieldNames") or item.get("field_names")
        fields = ", ".join(map(text, names)) if isinstance(names, list) else ""
        said.append(": ".join(filter(None, (fields, error_text(item) or text(item.get("classification"))))))
    return "; ".join(filter(None, said))[:300], [text(item.get("classification")) for item in items]


def localized_text(value: object, default: str) -> str:
    """A text, or one of the languages of `{"en": …, "fr": …}`."""
    names = mapping(value)
    said = next(filter(None, (text(names.get(lang)) for lang in ("en", "fr", *names))), text(value))
    return said or default


def envelope_error(label: str, status: int, body: object) -> ProviderError | None:
    """The error that an envelope's `success: false` means, at any status; None for every other answer."""
    if not isinstance(body, dict) or body.get("success") is not False or status in SELF_EXPLAINING_STATUSES:
        return None
    code = text(mapping(body.get("error")).get("code"))
    speaks = f"{code} {error_text(body)}".strip()
    sentence, word = f"{label} refused: {speaks or 'it gave no reason'}", code or str(status)
    if status >= 500 or re.fullmatch(r"5[0-9]{2}", code):
        return UnclearError(sentence, provider_status=word)
    if RATE_LIMITED.search(speaks):
        return BusyError(sentence, seconds=60, pause=True, provider_status=word)
    if status in (404, 410) or (
        status not in (401, 403) and NOT_FOUND.search(speaks) and not UNAUTHENTICATED.search(speaks)
    ):
        return NotFoundError(sentence, provider_status=word)
    unproven = status == 401 or UNAUTHENTICATED.search(speaks) is not None
    if unproven or status == 403 or FORBIDDEN.search(speaks):
        return CredentialError(sentence, renewable=unproven, provider_status=word)
    return RefusedError(sentence, provider_status=word)
