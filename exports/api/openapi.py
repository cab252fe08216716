"""The OpenAPI document: parameters, bodies and errors that the views do not declare."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from exports.api.body import RequestBody
from exports.api.problems import PROBLEM_CONTENT_TYPE
from exports.api.schemas import Problem
from exports.exporting import pagination
from exports.exporting.filters import CHOICE_FILTERS, MAX_ID, MAX_SEARCH_LENGTH

WRITE_ERRORS: Final = (403, 411, 413, 422)
STATUS_MEANINGS: Final = {
    401: "Missing, expired or revoked token",
    403: "The token may only read, or the member's role is too small",
    404: "Not there, or another team's",
    409: "Not in a state for this; with `export_id`, the same export is still open",
    410: "The file was deleted",
    411: "The body came without its length",
    412: "A precondition in the request does not hold",
    413: "The body is too large",
    416: "The file has no such range",
    422: "Something cannot be used; `errors` holds sentences by field",
    429: "Rate limited; wait for `Retry-After` seconds",
    502: "The provider did not answer as it should",
    503: "The database cannot be used now; or a secret cannot be opened, since its sealing key is missing",
}
PAGING_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "limit",
        "in": "query",
        "description": "How many to show.",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": pagination.MAX_LIMIT,
            "default": pagination.DEFAULT_LIMIT,
        },
    },
    {
        "name": "before",
        "in": "query",
        "description": "Only those with a smaller id; `meta.next` has it.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    },
]
TIME_SCHEMA: Final = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
FILTER_PARAMETERS: Final[list[dict[str, Any]]] = [
    *(
        {
            "name": name,
            "in": "query",
            "description": "One or more of these.",
            "schema": {"type": "array", "items": {"type": "string", "enum": list(known)}, "minItems": 1},
        }
        for name, known in CHOICE_FILTERS.items()
    ),
    {
        "name": "project_id",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    },
    {"name": "since", "in": "query", "description": "Made then or later.", "schema": TIME_SCHEMA},
    {"name": "until", "in": "query", "description": "Made then or earlier.", "schema": TIME_SCHEMA},
    {
        "name": "q",
        "in": "query",
        "description": "Words to be found in project, provider, type, job id, file name or user.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_SEARCH_LENGTH},
    },
]


def header_parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """Returns a request header as a parameter for `operation_docs`."""
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string", **schema}}


def operation_docs(
    *errors: int, body: type[RequestBody] | None = None, parameters: Sequence[dict[str, Any]] = (), **responses: Any
) -> dict[str, Any]:
    """Returns the `openapi_extra` of an operation: error statuses, body, parameters, and other `responses` (s206=…)."""
    statuses = sorted({401, 429, 503, *errors, *(WRITE_ERRORS if body else ())})
    extra: dict[str, Any] = {
        "responses": {
            **{int(name[1:]): response for name, response in responses.items()},
            **{status: {"$ref": f"#/components/responses/{_component_name(status)}"} for status in statuses},
        }
    }
    if body is not None:
        schema = body.model_json_schema()
        extra["requestBody"] = {
            "required": bool(schema.get("required")),
            "content": {"application/json": {"schema": schema}},
        }
    if parameters:
        extra["parameters"] = [dict(parameter) for parameter in parameters]
    return extra


def _component_name(status: int) -> str:
    """Returns the name of a status among the components, such as "NotFound"."""
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


class PortalAPI(NinjaAPI):
    """Adds the error responses that operations refer to, and builds the document once per root path."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.documents: dict[str, OpenAPISchema] = {}

    def get_openapi_operation_id(self, operation: Any) -> str:
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        root = self.get_root_path({})
        if root not in self.documents:
            self.documents[root] = self._build(root)
        return self.documents[root]

    def _build(self, root: str) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=root)
        # HEAD is the same as GET without a body; listing it for each path would only lengthen the document.
        for operations in document["paths"].values():
            operations.pop("head", None)
        problem = Problem.model_json_schema(mode="validation")
        document["components"]["schemas"]["Problem"] = problem
        document["components"]["responses"] = {
            _component_name(status): {
                "description": meaning,
                "content": {PROBLEM_CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                **({"headers": {"Retry-After": {"schema": {"type": "integer"}}}} if status in (429, 503) else {}),
            }
            for status, meaning in STATUS_MEANINGS.items()
        }
        return document
