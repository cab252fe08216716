"""The settings that can be changed while the stand-in runs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# Bounds, because a mistyped number would fill a disk or never end.
MAX_SECONDS = 1_000_000.0
MAX_FILE_BYTES = 1 << 44


@dataclass(slots=True)
class Settings:
    """Settings of a running stand-in.

    `time_scale` multiplies every duration; `job_seconds` is how long a job takes at time scale 1; `limits` multiplies
    the published rate limits (None: no limits at all); `window` is the length of a rate limit's window in seconds;
    `file_bytes` is the size of the files made from now on (None: each kind's natural, small size); `rotate_refresh`
    makes stand-ins with refresh tokens hand out a new one with every access token and void the one before.
    """

    time_scale: float = 1.0
    job_seconds: float = 10.0
    limits: float | None = 1.0
    window: float = 60.0
    file_bytes: int | None = None
    rotate_refresh: bool = False

    def change(self, changes: Mapping[str, Any]) -> None:
        """Sets these fields, all or none; ValueError says what is wrong with one of them."""
        unknown = set(changes) - {field.name for field in fields(self)}
        if unknown:
            raise ValueError(f"unknown setting: {', '.join(sorted(unknown))}")
        ready = {name: _READERS[name](value) for name, value in changes.items()}
        for name, value in ready.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON can carry them; `limits` reads `off` or a factor."""
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        shown["limits"] = "off" if self.limits is None else self.limits
        return shown


def parse_limits(value: object) -> float | None:
    """`published`, `off` or a positive factor, as the factor (None for off); ValueError otherwise."""
    if value is None or value == "off":
        return None
    if value == "published":
        return 1.0
    try:
        return _positive(value)
    except ValueError as wrong:
        raise ValueError(f"limits must be published, off or a factor, not {value!r}") from wrong


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"not a number: {value!r}")
    number = float(value)
    if not 0 < number <= MAX_SECONDS:
        raise ValueError(f"not a number above 0 and up to {MAX_SECONDS:.0f}: {value!r}")
    return number


def _size(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_FILE_BYTES:
        raise ValueError(f"not a number of bytes: {value!r}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"not true or false: {value!r}")
    return value


_READERS = {
    "time_scale": _positive,
    "job_seconds": _positive,
    "limits": parse_limits,
    "window": _positive,
    "file_bytes": _size,
    "rotate_refresh": _flag,
}
