"""Models of the API's responses and request bodies. Their docstrings are descriptions in the OpenAPI document.

Plain pydantic models: ninja's Schema resolves every value as a template would, which doubled the time of lists.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from exports.api.body import ProjectId, RemoteId, RequestBody
from exports.exporting.filters import TYPES


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


class Meta(BaseModel):
    """About a list. `next` is the query string of what follows, with the filters; null at the end."""

    limit: int
    next: str | None


class UserOut(BaseModel):
    id: int
    email: str
    name: str


class TeamOut(BaseModel):
    id: int
    slug: str
    name: str


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


class KindOut(BaseModel):
    """One kind of export. `effect` is copies, or changes (then it wants confirm: true). `options`: JSON Schema."""

    type: str
    label: str
    formats: list[str]
    effect: str
    cost: str
    options: dict[str, Any]


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


class CredentialOut(BaseModel):
    """A credential without its secrets: `secret_fields` names those that are set. `trouble` is empty when it works."""

    id: int
    provider: str
    name: str
    origin: str
    dialect: str
    secret_fields: list[str]
    created_at: Moment
    used_at: Moment | None
    checked_at: Moment | None
    trouble: str


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


class ProjectOut(BaseModel):
    id: int
    credential_id: int
    provider: str
    remote_id: str
    name: str
    created_at: Moment


class ProjectsOut(BaseModel):
    projects: list[ProjectOut]
    meta: Meta


class ErrorOut(BaseModel):
    """Why an export failed. `action` says whose turn it is: you, us, provider or none."""

    code: str
    message: str
    action: str


class FileOut(BaseModel):
    """The verified file."""

    name: str
    size: int
    sha256: str
    content_type: str
    verified_at: Moment
    expires_at: Moment | None
    unchecked: str | None = Field(description="A sentence about what of it could not be checked; null where all was.")


class ExportOut(BaseModel):
    """An export. Times are the portal's own. `remote_id` and `provider_status` are empty until they are known."""

    id: int
    project_id: int
    provider: str
    type: str
    format: str
    options: dict[str, Any]
    status: str
    step: str
    progress: float | None
    provider_status: str
    messages: list[Any]
    error: ErrorOut | None
    created_at: Moment
    submitted_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None
    next_step_at: Moment | None
    deadline_at: Moment
    remote_id: str
    url: str | None = Field(description="Where the portal hands out the file; null until there is one.")
    file: FileOut | None
    user: UserOut
    trigger: str
    retry_of: int | None


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
