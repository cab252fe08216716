"""What a stand-in declares about itself: server, index page, fault projects, limits and demo team draw on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DemoExport:
    """One export request of the demo team, in the words of the portal's API."""

    type: str
    format: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FaultProject:
    """A project that misbehaves: its number, its rules (kind of request, fault, details) and a description.

    The number is the same at every stand-in that has such a project.
    """

    number: int
    rules: tuple[tuple[str, str, Mapping[str, Any]], ...]
    about: str

    @property
    def name(self) -> str:
        """The name of its fault, or the names of its faults joined by a plus sign."""
        return " + ".join(fault for _, fault, _ in self.rules)


@dataclass(frozen=True, slots=True)
class LimitWindow:
    """A rate limit's window at one request: requests allowed and left, its end and now in seconds since 1970."""

    allowed: int
    left: int
    end: float
    now: float


def no_limit_headers(_: LimitWindow) -> dict[str, str]:
    """For a provider whose answers do not tell its limits."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One stand-in's facts.

    slug: also the prefix of its origin.
    secrets: the demo team's credential, by the names of the portal's secret fields; other_secrets: other such sets that
    it accepts; credentials_text: all of them for people, values in backticks.
    project_id, project_name: the well-behaved project that the demo team has; exports: one request of each kind in it;
    well_behaved: ids of more projects without a fault.
    fault_project_id: how ids of fault projects are formed, with one field for the number ("": it has a single project,
    whose faults are set by the control endpoint); own_fault_projects: faults that only its API can show;
    faults_without_field: (kind of request, fault) where its answers have no field that could show the fault.
    formats: the only formats that its installation makes, where they are set there; empty: all.
    content_types: by format; empty for one without files. authorised_downloads: its files are downloaded by routes of
    its API, with the credential. job_share: how long its jobs take, as a part of `job_seconds`.
    limits: the documented requests per window, by class of routes; limit_window: the window's length in seconds (None:
    that of the settings); limit_headers: the headers that tell them.
    """

    slug: str
    label: str
    secrets: Mapping[str, str]
    other_secrets: tuple[Mapping[str, str], ...] = ()
    credentials_text: str
    project_id: str
    project_name: str
    exports: tuple[DemoExport, ...]
    fault_project_id: str
    well_behaved: tuple[str, ...] = ()
    own_fault_projects: tuple[FaultProject, ...] = ()
    faults_without_field: frozenset[tuple[str, str]] = frozenset()
    formats: tuple[str, ...] = ()
    content_types: Mapping[str, str] = field(default_factory=dict)
    authorised_downloads: bool = False
    job_share: float = 1.0
    limits: Mapping[str, int] = field(default_factory=dict)
    limit_window: float | None = None
    limit_headers: Callable[[LimitWindow], dict[str, str]] = no_limit_headers

    def __post_init__(self) -> None:
        for fields in (self.secrets, *self.other_secrets):
            if fields and not any(value.startswith("sandbox") for value in fields.values()):
                raise ValueError(f"{self.slug}: no value of {fields} begins with `sandbox`, so none is a secret.")

    def accepted_secrets(self) -> dict[str, frozenset[str]]:
        """The accepted values by field: those that begin with `sandbox`, also with `-2` to `-9` at their end.

        So a credential can get new secrets. Fields whose value does not begin so are no secrets.
        """
        return {
            name: frozenset((value, *(f"{value}-{number}" for number in range(2, 10))))
            for fields in (self.secrets, *self.other_secrets)
            for name, value in fields.items()
            if value.startswith("sandbox")
        }

    def fault_project(self, number: int) -> str:
        """The id of the fault project with this number."""
        return self.fault_project_id.format(number)
