"""The contract between providers and the engine.

A provider is one object: attributes declare origins, secrets, kinds and status words; methods submit, poll and find a
job. They get a `Client`, which records every exchange, and return the dataclasses below or raise a ProviderError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from django import forms

from exports.providers.project_ids import ANY_ID, IdRule
from exports.transport.errors import ProviderError

if TYPE_CHECKING:
    from exports.transport.client import Client
    from exports.transport.provider_api import Grant


@dataclass(frozen=True)
class PollInterval:
    """Seconds between polls: `initial`, then `factor` times longer each, up to `maximum`; the engine adds ±20 %."""

    initial: float = 2.0
    factor: float = 1.5
    maximum: float = 60.0


@dataclass(frozen=True)
class SecretField:
    """One field of a credential's secrets. `choices`: values and labels to choose from. `is_public`: may be shown."""

    name: str
    label: str
    help: str = ""
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    is_public: bool = False


# An alias, since `type` is a field inside Kind.
OptionsForm = type[forms.Form]


@dataclass(frozen=True)
class Kind:
    """One kind of export.

    `effect`: "copies" only reads; "changes" changes state at the provider and needs a confirmation.
    `formats`: file formats, the first is the default; ("none",) yields no file.
    `cost`: a sentence shown beside the button. `deadline`: how long an accepted job is polled.
    `exclusive`: at most one open export of a project at a time (the provider knows jobs by their project only).
    `relay_option`: name of the option with an address of the user's, to which the portal sends progress.
    `options_with_choices`: options whose values the provider can list (`Provider.choices`).
    """

    type: str
    label: str
    formats: tuple[str, ...]
    options: OptionsForm
    deadline: timedelta
    cost: str = ""
    poll_interval: PollInterval = PollInterval()
    rate_class: str = "normal"
    effect: Literal["copies", "changes"] = "copies"
    exclusive: bool = False
    relay_option: str = ""
    options_with_choices: tuple[str, ...] = ()

    @property
    def has_file(self) -> bool:
        """Whether an export of this kind yields a file."""
        return self.formats != ("none",)


class NoOptions(forms.Form):
    """For kinds without options."""


@dataclass(frozen=True)
class Job:
    """What a provider needs to know of one export. `memo` is the provider's own data, stored between calls.

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
    """Advice on a request before it is made. `ok` False: the provider would refuse it now."""

    ok: bool
    message: str


class Provider:
    """One service. Subclasses set the attributes and override the methods that the service supports.

    `status_map`: the provider's status word (lower case) to a state; every other word is "unknown" and changes no
    status. `limits`: rate class to (calls, seconds) as published. `origins`: name to address; the first is the
    default. `origin_notes`: origin to a sentence shown beside it. `dialects`: the first is the default; empty where
    there is only one. `project_pattern`: matches the path of a project's page; its first group is the project's id.
    `project_id`: the rule for the ids of its projects.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    docs: ClassVar[str]
    origins: ClassVar[Mapping[str, str]]
    origin_notes: ClassVar[Mapping[str, str]] = {}
    secrets: ClassVar[tuple[SecretField, ...]]
    kinds: ClassVar[tuple[Kind, ...]]
    status_map: ClassVar[Mapping[str, JobState]]
    dialects: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[Mapping[str, tuple[int, float]]] = {}
    project_help: ClassVar[str] = ""
    project_pattern: ClassVar[str] = ""
    project_id: ClassVar[IdRule] = ANY_ID
    lists_projects: ClassVar[bool] = False
    supports_webhooks: ClassVar[bool] = False
    cancel_note: ClassVar[str] = "The provider may still finish its own job; the portal stops following it."

    def kind(self, type_: str) -> Kind | None:
        """The kind of that type, or None."""
        return next((kind for kind in self.kinds if kind.type == type_), None)

    def map_status(self, word: str) -> JobState:
        """The state for the provider's status word."""
        return self.status_map.get(word.strip().lower(), "unknown")

    def secret_problems(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        """Sentences by field on what is wrong with these secrets; empty when they can be used."""
        problems: dict[str, list[str]] = {}
        known = {secret.name: secret for secret in self.secrets}
        for name in secrets:
            if name not in known:
                problems[name] = [f"{self.label} has no such field. It takes: {', '.join(known)}."]
        for name, secret in known.items():
            value = secrets.get(name, "")
            if secret.required and not value:
                problems[name] = ["This field is required."]
            elif value and secret.choices and value not in dict(secret.choices):
                problems[name] = [f"Choose one of: {', '.join(dict(secret.choices))}."]
            elif value != value.strip() or any(ord(char) < 33 or ord(char) > 126 for char in value):
                problems[name] = ["Only visible ASCII characters without spaces can be sent in a header."]
        return problems

    def option_problems(self, kind: Kind, options: Mapping[str, Any], dialect: str = "") -> dict[str, list[str]]:
        """Sentences by field on cleaned options that the form accepts and the dialect cannot send."""
        return {}

    def headers(self, client: "Client") -> dict[str, str]:
        """Headers that authorise a call. May call `client.token()` where tokens are short-lived."""
        raise NotImplementedError

    def fetch_token(self, client: "Client") -> "Grant":
        """Fetches a short-lived token; only for providers that have one. Raises ProviderError."""
        raise NotImplementedError

    @property
    def has_renewable_token(self) -> bool:
        """Whether credentials of this provider have a token that can be renewed."""
        return type(self).fetch_token is not Provider.fetch_token

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        """The error that an answer means where its body says more than its status; else None."""
        return None

    def is_own_error(self, body: object) -> bool:
        """Whether the JSON of an answer has the form of this API's errors; a proxy's or a firewall's has another."""
        return isinstance(body, dict | list) and bool(body)

    def prepare(self, client: "Client", job: Job) -> Ready | NotYet:
        """Called just before the request is sent. Must be harmless to repeat."""
        return Ready()

    def submit(self, client: "Client", job: Job) -> Accepted:
        """Sends the one request that creates the job."""
        raise NotImplementedError

    def find(self, client: "Client", job: Job) -> Accepted | Absent | Unknown:
        """Searches for the job after an answer was lost. By default there is no way to search."""
        return Unknown(f"{self.label} has no list of jobs to look in.")

    def poll(self, client: "Client", job: Job) -> Status:
        """Asks the provider for the status of the job."""
        raise NotImplementedError

    def check(self, client: "Client") -> Sequence[CheckStep]:
        """Tests the credential in named steps, without changing anything."""
        raise NotImplementedError

    def projects(self, client: "Client") -> Sequence[RemoteProject]:
        """The projects that the credential can reach, to pick from."""
        return ()

    def choices(self, client: "Client", project: str, option: str) -> Sequence[tuple[str, str]]:
        """Values and labels of an option that the provider can list (`Kind.options_with_choices`)."""
        return ()

    def preflight(self, client: "Client", job: Job) -> Sequence[PreflightResult]:
        """Advice for the page, before a request is made."""
        return ()


# Whether a text can be the id of a job.
is_valid_remote_id: Final = ANY_ID.matches
