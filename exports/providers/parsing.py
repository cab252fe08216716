"""Reads values of answers: trusts no type, and raises no errors but ProviderError's subclasses.

Everything here is used by at least two services; what one alone needs stands in its own folder.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any
from urllib.parse import quote

from exports.providers.contract import CheckStep, is_valid_remote_id
from exports.transport.client import ApiResponse, Client
from exports.transport.errors import CredentialError, NotFoundError, ProviderError, UnreadableError


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
        if isinstance(value, str | int | float) and not isinstance(value, bool) and 0 <= (number := float(value)) < inf:
            return min(abs(number), 100.0)  # There is a 0 below 0.
    return None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def below(value: object, *keys: str) -> Any:
    """What stands below these keys, one within the other; None where there is nothing, or no object on the way."""
    for key in keys:
        value = mapping(value).get(key)
    return value


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


def path_segment(name: str, label: str, pattern: str = r"(?!\.{1,2}$)[A-Za-z0-9_.-]+") -> str:
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


def first_text(value: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds text, uncut; else ""."""
    return next((item for name in names if isinstance(item := value.get(name), str) and item), "")


def renew_token(client: Client) -> str:
    """A check step: fetches a new token, so that the secrets are tested and not a token that is left."""
    client.forget_token()
    client.token()
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


def parse_account(answer: ApiResponse) -> Mapping[str, Any]:
    """The account in an answer about the credential's owner, which has an id. Raises CredentialError."""
    if not remote_id(below(answer.body, "id")):
        raise CredentialError("The answer does not say whose credential this is.")
    return mapping(answer.body)


def localized_text(value: object, default: str) -> str:
    """A text, or that of a language in `{"en": …, "FR": …}`: English, French, or the first; else `default`."""
    languages = {name.lower(): item for name, item in mapping(value).items()}
    return next(filter(None, (text(languages.get(lang)) for lang in ("en", "fr", *languages))), text(value)) or default
