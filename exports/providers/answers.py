"""What a provider is told about an export, and what its methods return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from exports.providers.project_ids import SEPARATOR


@dataclass(frozen=True)
class Job:
    """What a provider needs to know of one export. `memo` is the provider's own data, stored between calls.

    `project` is the id of the export's project. Where one id names several (`IdRule.several`), they are in `projects`.

    `baseline` is what `prepare` returned just before the request was sent; `watched_ids` are the remote ids that other
    exports of the same project watch; `webhook_url` is the portal's address for webhooks of the provider, or "".
    """

    project: str
    type: str
    format: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    remote_id: str = ""
    baseline: Mapping[str, Any] = field(default_factory=dict)
    memo: Mapping[str, Any] = field(default_factory=dict)
    watched_ids: frozenset[str] = frozenset()
    webhook_url: str = field(default="", repr=False)
    dialect: str = ""

    @property
    def projects(self) -> tuple[str, ...]:
        """The ids of all projects of the job: those that `project` names, where one id may name several."""
        return tuple(self.project.split(SEPARATOR))


JobState = Literal["running", "done", "failed", "canceled", "unknown"]


@dataclass(frozen=True)
class Status:
    """The state of a job at the provider. `provider_status` is the provider's own word, unchanged.

    `progress`: 0 to 100. `link`: the file's address, a secret. `note`: for the history (the provider's times, details).
    `code`, `message`: the reason when `state` is "failed". `memo`: the job's new memo; None leaves it as it is.
    """

    state: JobState
    provider_status: str = ""
    progress: float | None = None
    link: str = field(default="", repr=False)
    messages: tuple[str, ...] = ()
    note: str = ""
    code: str = "provider_failed"
    message: str = ""
    memo: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Ready:
    """`prepare`: the request may be sent now. `baseline` is what the provider showed just before."""

    baseline: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotYet:
    """`prepare`: something else must be done first (`note`); call it again in `seconds`."""

    seconds: float
    note: str
    memo: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Accepted:
    """`submit` or `find`: the job exists at the provider under this id, with this status."""

    remote_id: str
    status: Status = Status("running")


@dataclass(frozen=True)
class Absent:
    """`find`: a complete list, which shows every job within minutes, is without it. One such list proves nothing."""


@dataclass(frozen=True)
class Unknown:
    """`find`: cannot be known. `may_turn_up`: a later search may find the job; else a person decides at once."""

    message: str
    may_turn_up: bool = False


@dataclass(frozen=True)
class CheckStep:
    """One named step of a credential's test. `limits`: calls per window by rate class, as the provider states them."""

    name: str
    ok: bool
    detail: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteProject:
    """A project as the provider lists it."""

    id: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class PreflightResult:
    """Advice on a request before it is made. `ok` False: the provider would refuse it now.

    `notice`: it would not, and a person should know something before.
    """

    ok: bool
    message: str
    notice: bool = False
