"""The words providers and engine speak with each other.

A provider is one object with class attributes (what there is: origins, secrets, kinds, words) and a few methods
(what differs: how to ask, how to look). It gets a `Client` that is already pointed at the right origin, records
every exchange and maps errors; it answers with the frozen dataclasses below or raises one of the errors below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from django import forms

from exports.transport.errors import ProviderError

if TYPE_CHECKING:
    from exports.transport.client import Client
    from exports.transport.provider_api import Grant

# ---------------------------------------------------------------- declarations


@dataclass(frozen=True)
class PollInterval:
    """Seconds between polls: `first`, then each `growth` times longer, up to `most`; the engine adds ±20 % jitter."""

    initial: float = 2.0
    factor: float = 1.5
    maximum: float = 60.0


@dataclass(frozen=True)
class SecretField:
    """One secret field of a credential. `choices` makes it a choice; `plain` ones may be shown (they hide nothing)."""

    name: str
    label: str
    help: str = ""
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    is_public: bool = False


# Named out here: inside Kind, `type` is a field.
OptionsForm = type[forms.Form]


@dataclass(frozen=True)
class Kind:
    """One kind of export.

    `effect`: "copies" reads only; "changes" changes state at the provider and needs a confirmation.
    `formats`: file formats, the first is the default; ("none",) yields no file.
    `cost`: a sentence said before the button. `deadline`: how long an accepted job is watched.
    `alone`: at most one live export of a project at a time (the provider tells jobs apart by the project only).
    `relay`: name of the option that holds an address of the user's, which hears of progress from us.
    `pickers`: options whose values the provider can list (`Provider.choices`).
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
        """Whether it ends with a file."""
        return self.formats != ("none",)


class NoOptions(forms.Form):
    """For kinds without options."""


# ---------------------------------------------------------------- values


@dataclass(frozen=True)
class Job:
    """What a provider needs to know of one export. `memo` is the provider's own scratch, kept between calls.

    `baseline` is what `prepare` saw just before the request left; `taken` the remote ids that other exports of
    the same project already watch; `hook` an address of ours for progress, or "".
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
    """What one look at a job showed. `word` is the provider's own, kept raw; `link` a secret address of the file.

    `note` says in a few words what belongs in the history (the provider's times, raw details).
    `code`, `message`: why, when state is "failed". `memo`: None leaves the scratch as it is.
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
    """`prepare`: the request may go out now; this was seen just before."""

    baseline: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotYet:
    """`prepare`: something must come first; look again in `seconds`."""

    seconds: float
    note: str
    memo: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Accepted:
    """`submit` or `find`: the job exists at the provider under this id, and this is what it looked like."""

    remote_id: str
    status: Status = Status("running")


@dataclass(frozen=True)
class Absent:
    """`find`: it was looked for and is not there. Needs `again_after` seconds and a second look to be a proof."""

    search_again_after: float = 0.0


@dataclass(frozen=True)
class Unknown:
    """`find`: cannot be known. `look_again` more looks are worth while, `seconds` apart; then a person decides."""

    message: str
    extra_searches: int = 0
    seconds: float = 10.0


@dataclass(frozen=True)
class CheckStep:
    """One named step of testing a credential. `limits`: what it was told of them, calls a window by rate class."""

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
    """What a look before the button showed. `ok` False: the request would be refused as things stand."""

    ok: bool
    message: str


# ---------------------------------------------------------------- the provider


class Provider:
    """One service. Subclasses set the attributes and override what they have.

    `words`: the provider's status word (lower case) to our state; a word that is not in it is "unknown" and moves
    nothing. `limits`: rate class to (calls, seconds) as published. `origins`: name to address; the first is the
    default. `origin_notes`: what must be said beside an origin. `dialects`: the first is the default, empty where
    there is one only. `project_pattern`: takes a project's id (its first group) out of the path of its page's address.
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
    lists_projects: ClassVar[bool] = False
    supports_webhooks: ClassVar[bool] = False
    cancel_note: ClassVar[str] = "The provider may still finish its own job; the portal stops following it."

    def kind(self, type_: str) -> Kind | None:
        """The kind of that type, or None."""
        return next((kind for kind in self.kinds if kind.type == type_), None)

    def map_status(self, word: str) -> JobState:
        """Our state for the provider's word."""
        return self.status_map.get(word.strip().lower(), "unknown")

    def secret_problems(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        """Problems with these secret fields, per field; empty when they can be used."""
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
            elif value != value.strip() or any(ord(sign) < 33 or ord(sign) > 126 for sign in value):
                problems[name] = ["Only visible ASCII characters without spaces can be sent in a header."]
        return problems

    def option_problems(self, kind: Kind, options: Mapping[str, Any], dialect: str = "") -> dict[str, list[str]]:
        """Problems with cleaned options that the form alone cannot see, per field (what a dialect cannot send)."""
        return {}

    def headers(self, client: "Client") -> dict[str, str]:
        """Headers that authorise a call. May call `client.token()` where tokens are short-lived."""
        raise NotImplementedError

    def fetch_token(self, client: "Client") -> "Grant":
        """Fetches a short-lived token; only for providers that have one."""
        raise NotImplementedError

    @property
    def has_renewable_token(self) -> bool:
        """Whether credentials of this provider have a token that can be renewed."""
        return type(self).fetch_token is not Provider.fetch_token

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        """The error that an answer means, where the provider has more to say than the status; else None."""
        return None

    def prepare(self, client: "Client", job: Job) -> Ready | NotYet:
        """Looks just before the request goes out. Must be harmless to repeat."""
        return Ready()

    def submit(self, client: "Client", job: Job) -> Accepted:
        """Sends the one request that makes the job."""
        raise NotImplementedError

    def find(self, client: "Client", job: Job) -> Accepted | Absent | Unknown:
        """Looks for the job after an answer was lost. Default: there is no way to look."""
        return Unknown(f"{self.label} has no list of jobs to look in.")

    def poll(self, client: "Client", job: Job) -> Status:
        """One look at the job."""
        raise NotImplementedError

    def check(self, client: "Client") -> Sequence[CheckStep]:
        """Tests the credential in named steps, without changing anything."""
        raise NotImplementedError

    def projects(self, client: "Client") -> Sequence[RemoteProject]:
        """What the credential can reach, to pick from."""
        return ()

    def choices(self, client: "Client", project: str, option: str) -> Sequence[tuple[str, str]]:
        """Values and labels for an option the provider can list (`Kind.pickers`)."""
        return ()

    def preflight(self, client: "Client", job: Job) -> Sequence[PreflightResult]:
        """Advice for the page before the button."""
        return ()


ABSENT_UNTIL_SECOND_SEARCH: Final = Absent(search_again_after=30.0)


def is_valid_remote_id(text: str) -> bool:
    """Whether it can be a provider's id: 1 to 200 characters without / ? # (nor control characters or half ones)."""
    odd = any(ord(sign) < 32 or ord(sign) == 127 or 0xD800 <= ord(sign) < 0xE000 for sign in text)
    return 1 <= len(text) <= 200 and not odd and not set(text) & set("/?#")
