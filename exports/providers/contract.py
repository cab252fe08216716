"""The contract between providers and the engine.

A provider is one object: attributes declare origins, secrets, kinds and status words; methods submit, poll and find a
job. They get a `Client`, which records every exchange, and return the dataclasses of answers.py or raise a
ProviderError. This module names everything that a provider needs; packages of others import it from here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from exports.providers.answers import (
    Absent,
    Accepted,
    CheckStep,
    Job,
    JobState,
    NotYet,
    PreflightResult,
    Ready,
    RemoteProject,
    Status,
    Unknown,
)
from exports.providers.declarations import (
    DOWNLOAD,
    LISTS,
    MAX_RESENDS,
    NORMAL,
    Kind,
    NoOptions,
    OptionsForm,
    PollInterval,
    Preset,
    SecretField,
)
from exports.providers.project_ids import ANY_ID, IdRule
from exports.transport.errors import ProviderError
from exports.transport.provider_api import RateHeaders

if TYPE_CHECKING:
    from exports.transport.client import Client
    from exports.transport.provider_api import Grant

__all__ = [
    "CONTRACT_VERSION",
    "DOWNLOAD",
    "LISTS",
    "MAX_RESENDS",
    "NORMAL",
    "OLDEST_CONTRACT_VERSION",
    "Absent",
    "Accepted",
    "CheckStep",
    "IdRule",
    "Job",
    "JobState",
    "Kind",
    "NoOptions",
    "NotYet",
    "OptionsForm",
    "PollInterval",
    "PreflightResult",
    "Preset",
    "Provider",
    "RateHeaders",
    "Ready",
    "RemoteProject",
    "SecretField",
    "Status",
    "Unknown",
    "is_valid_remote_id",
]

# Raised with each change that a provider can notice; a package says in `contract_version` which it was written for.
# Versions from the oldest on are kept: that one is raised when a provider that kept the contract no longer would.
CONTRACT_VERSION: Final = 1
OLDEST_CONTRACT_VERSION: Final = 1


class Provider:
    """One service. Subclasses set the attributes and override the methods that the service supports.

    `status_map`: the provider's status word (lower case) to a state; every other word is "unknown" and changes no
    status. `limits`: rate class to (calls, seconds) as published. `origins`: name to address; the first is the
    default; empty where every installation has its own, which a credential then must give. `origin_notes`: origin to a
    sentence shown beside it; `address_help`: what an address of one's own looks like. `dialects`: the first is the
    default; empty where there is only one. `project_pattern`: matches the path of a project's page; its first group is
    the project's id.
    `rate_headers`: names of the headers that tell of its limits. `keeps_cookies`: cookies that an answer sets are sent
    back to the very host that set them, for as long as one client lives (`Client.cookies`).
    `project_id`: the rule for the ids of its projects. `icon`: a symbol of icons.svg; `hue`: orange, purple, teal or
    pink, the color of its mark on pages. `lists_projects`: whether `projects` can be asked; `lists_all_projects`:
    whether its list is complete, so that what is not in it is not there. `translated`: whether the catalogues have its
    texts; they stay English until then.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str] = "box"
    hue: ClassVar[str] = ""
    docs: ClassVar[str]
    origins: ClassVar[Mapping[str, str]] = {}
    origin_notes: ClassVar[Mapping[str, str]] = {}
    address_help: ClassVar[str] = ""
    secrets: ClassVar[tuple[SecretField, ...]]
    kinds: ClassVar[tuple[Kind, ...]]
    status_map: ClassVar[Mapping[str, JobState]]
    dialects: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[Mapping[str, tuple[int, float]]] = {}
    rate_headers: ClassVar[RateHeaders] = RateHeaders()
    keeps_cookies: ClassVar[bool] = False
    project_help: ClassVar[str] = ""
    project_pattern: ClassVar[str] = ""
    project_id: ClassVar[IdRule] = ANY_ID
    lists_projects: ClassVar[bool] = False
    lists_all_projects: ClassVar[bool] = True
    translated: ClassVar[bool] = True
    supports_webhooks: ClassVar[bool] = False
    cancel_note: ClassVar[str] = "The job may go on at the provider."

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

    def download_headers(self, client: "Client", address: str) -> Mapping[str, str]:
        """Headers of its own for the file at this address, besides those of `Kind.authorised_download`; default: none.

        Called anew for each hop of a download, with that hop's address; what it returns is sent to that address alone.
        It decides by the host: the address comes from an answer, so it may be anybody's.
        """
        return {}

    @property
    def has_download_headers(self) -> bool:
        """Whether files of this provider may want headers of its own."""
        return type(self).download_headers is not Provider.download_headers

    def clean_up(self, client: "Client", job: Job) -> None:
        """Removes at the provider what the job left there; for kinds with `cleans_up`, after the file is kept.

        May be called again after it succeeded, so what is gone already is no error. Raises ProviderError.
        """
        raise NotImplementedError

    def check(self, client: "Client") -> Sequence[CheckStep]:
        """Tests the credential in named steps, without changing anything."""
        raise NotImplementedError

    def projects(self, client: "Client") -> Sequence[RemoteProject]:
        """The projects that the credential can reach, to pick from; an `IncompleteList` where some may lack."""
        return ()

    def resolve_project(self, client: "Client", project: str) -> RemoteProject:
        """Checks an id when its project is added, and returns the one spelling that is kept, with the project's name.

        `project` keeps the rule `project_id`. Only for providers that can ask; without it, the rule alone decides.
        Raises NotFoundError where there is no such project, other ProviderErrors where that cannot be said.
        """
        return RemoteProject(project, "")

    @property
    def resolves_projects(self) -> bool:
        """Whether an id is checked at the provider when its project is added."""
        return type(self).resolve_project is not Provider.resolve_project

    def choices(self, client: "Client", project: str, option: str) -> Sequence[tuple[str, str]]:
        """Values and labels of an option that the provider can list (`Kind.options_with_choices`)."""
        return ()

    def preflight(self, client: "Client", job: Job) -> Sequence[PreflightResult]:
        """Advice for the page, before a request is made."""
        return ()


# Whether a text can be the id of a job.
is_valid_remote_id: Final = ANY_ID.matches
