"""Models of the API's responses and request bodies. Their docstrings are descriptions in the OpenAPI document."""

from typing import Any

from pydantic import BaseModel, Field

from exports.api.body import ProjectId, RemoteId, RequestBody
from exports.exporting.filters import TYPES
from exports.representations import CredentialOut as CredentialOut
from exports.representations import ErrorOut as ErrorOut
from exports.representations import ExportOut as ExportOut
from exports.representations import FileOut as FileOut
from exports.representations import Moment as Moment
from exports.representations import ProjectOut as ProjectOut
from exports.representations import ScheduleOut as ScheduleOut
from exports.representations import TeamOut as TeamOut
from exports.representations import UserOut as UserOut


class Meta(BaseModel):
    """About a list. `next` is the query string of what follows, with the filters; null at the end."""

    limit: int
    next: str | None


class TeamSettingsOut(BaseModel):
    """A team. `language`: of messages to chats and of invitations.

    `quota_bytes` is the most it may keep; null: as the portal's disk has room.
    """

    id: int
    slug: str
    name: str
    time_zone: str
    language: str
    paused: bool
    paused_at: Moment | None
    odd_change_percent: int | None
    expiry_notice_days: int
    members: int
    kept_files: int
    kept_bytes: int
    quota_bytes: int | None


class MeOut(BaseModel):
    """Whose token this is."""

    user: UserOut
    team: TeamOut
    role: str
    scope: str


class OriginOut(BaseModel):
    name: str
    address: str
    note: str


class SecretOut(BaseModel):
    """A secret field of a provider's credentials."""

    name: str
    label: str
    help: str
    required: bool
    choices: list[str]


class PresetOut(BaseModel):
    """Options for a common purpose, to be sent as they are or changed before."""

    name: str
    label: str
    help: str
    options: dict[str, Any]


class KindOut(BaseModel):
    """One kind of export. `effect` is copies, or changes (then it wants confirm: true). `options`: JSON Schema."""

    type: str
    label: str
    formats: list[str]
    effect: str
    cost: str
    options: dict[str, Any]
    presets: list[PresetOut]


class ProviderOut(BaseModel):
    """A service; `provider` is its slug elsewhere. Of origins, dialects and formats the first goes without saying."""

    slug: str
    label: str
    docs: str
    project_help: str
    lists_projects: bool
    origins: list[OriginOut]
    dialects: list[str]
    secret_fields: list[SecretOut]
    kinds: list[KindOut]


class ProvidersOut(BaseModel):
    providers: list[ProviderOut]
    meta: Meta


class CredentialsOut(BaseModel):
    credentials: list[CredentialOut]
    meta: Meta


class StepOut(BaseModel):
    name: str
    ok: bool
    detail: str


class VerdictOut(BaseModel):
    """What a test of a credential showed."""

    ok: bool
    detail: str
    steps: list[StepOut]


class RemoteProjectOut(BaseModel):
    id: str
    name: str
    note: str


class RemoteProjectsOut(BaseModel):
    projects: list[RemoteProjectOut]
    meta: Meta


class ProjectsOut(BaseModel):
    projects: list[ProjectOut]
    meta: Meta


class SchedulesOut(BaseModel):
    schedules: list[ScheduleOut]
    meta: Meta


class ExportsOut(BaseModel):
    exports: list[ExportOut]
    meta: Meta


class ChangeOut(BaseModel):
    """A row of the history."""

    from_: str | None = Field(serialization_alias="from")
    to: str
    at: Moment
    source: str
    actor: str
    provider_status: str
    note: str


class HistoryOut(BaseModel):
    history: list[ChangeOut]


class CallOut(BaseModel):
    """An exchange with the provider, without secrets."""

    at: Moment
    method: str
    url: str
    status: int | None
    seconds: float
    error: str


class CallsOut(BaseModel):
    calls: list[CallOut]


class CountsOut(BaseModel):
    """How many there are only in the new file, only in the old one, and in both with another content."""

    added: int
    removed: int
    changed: int


class ColumnChangesOut(BaseModel):
    """Names of columns that only the new or only the old file has."""

    added: list[str]
    removed: list[str]


class TableChangesOut(BaseModel):
    """Of csv and xlsx. `key`: the column by which rows were matched; null: whole rows were, none counts as changed."""

    rows: CountsOut
    columns: ColumnChangesOut
    key: str | None


class MemberChangesOut(BaseModel):
    """Of zip: files in the archive, by name, size and checksum."""

    members: CountsOut


class FilmChangesOut(BaseModel):
    """Of mp4: the old and the new file's size in bytes and length in seconds, null where the video does not say it."""

    size: list[int] = Field(min_length=2, max_length=2)
    seconds: list[float | None] = Field(min_length=2, max_length=2)


class ComparisonOut(BaseModel):
    """What changed since the export `previous`; all null or false where there is none. `note` is there only where
    the files could not be compared, for example because they are too large: a sentence.
    """

    previous: int | None
    identical: bool
    changes: TableChangesOut | MemberChangesOut | FilmChangesOut | None
    note: str = ""


class Problem(BaseModel):
    """An error (RFC 9457). `errors`, on 422: sentences by field. `export_id`, on 409: the export that is still open."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]] = Field(default_factory=dict)
    export_id: int | None = None


class NewCredential(RequestBody):
    """`secrets`: the provider's secret fields. `origin`: an address, or one of the provider's names."""

    provider: str
    name: str = Field(json_schema_extra={"minLength": 1, "maxLength": 100})
    secrets: dict[str, Any] = Field(repr=False, json_schema_extra={"additionalProperties": {"type": "string"}})
    origin: str | None = None
    dialect: str | None = None


class NewProject(RequestBody):
    """`credential_id` is the portal's, `remote_id` the provider's id of the project or the address of its page."""

    credential_id: int
    remote_id: ProjectId
    name: str | None = Field(None, json_schema_extra={"maxLength": 200})


class NewExport(RequestBody):
    """What to export. `options` as GET /providers describes them; `adopt`: id of a job that runs at the provider."""

    type: str = Field(json_schema_extra={"enum": list(TYPES)})
    format: str | None = Field(None, min_length=1)
    options: dict[str, Any] | None = None
    confirm: bool | None = Field(None, description="Must be true for a kind that changes the project at the provider.")
    adopt: RemoteId | None = None
    allow_twin: bool | None = Field(None, description="True: also when the same export is still open.")


class Retry(RequestBody):
    """How to ask again."""

    allow_twin: bool | None = None


class Adoption(RequestBody):
    """`remote_id`: the job at the provider."""

    remote_id: RemoteId


class EmptyBody(RequestBody):
    """No fields."""
