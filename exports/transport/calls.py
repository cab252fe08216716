"""One exchange with a provider: the answer as its caller gets it, and the record of it that may be shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ApiResponse:
    """A 2xx answer. `body` is the parsed JSON, None for an empty body."""

    status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class CallRecord:
    """One exchange as it may be shown: `url` without secrets, `seconds` it took, `error` in a sentence or "".

    `unreachable`: no server answered, or a gateway answered that its server does not.
    """

    method: str
    url: str
    status: int | None
    seconds: float
    error: str
    correlation: str
    unreachable: bool = False
