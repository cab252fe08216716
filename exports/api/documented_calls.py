"""The calls of the OpenAPI document as the API's page shows them: parameters, curl, examples, what to mind."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from exports.api.examples import PORTAL, load_examples

TOKEN_VARIABLE: Final = "EXPORT_TOKEN"  # noqa: S105
# The words of the pages for what they do too; the others by the names of their functions.
TITLES: Final = {
    "me": "Who am I",
    "list_providers": "Providers",
    "create_credential": "Add a credential",
    "check_credential": "Test a credential",
    "remove_credential": "Delete a credential",
    "create_project": "Add a project",
    "create_export": "Run an export",
    "get_export": "Read an export",
    "retry_export": "Run again",
    "adopt_export": "Follow existing job",
    "fetch_export_again": "Fetch the file again",
    "get_history": "History",
    "get_calls": "Provider calls",
    "export_file": "Download a file",
    "delete_export_file": "Delete a file",
    "compare_export": "Compare with the export before",
    "discover": "List a provider's projects anew",
    "rotate_webhook_secret": "Replace a webhook's secret",
    "redeliver": "Send a delivery again",
}
# What a person should know before trying a call; the others by their methods.
COSTS: Final = "Runs an export at the provider. That may cost credits, and a kind that changes the project changes it."
EFFECTS: Final = {
    "create_export": COSTS,
    "retry_export": COSTS,
    "run_schedule": COSTS,
    "check_credential": "Signs in at the provider. Nothing changes there.",
    "discover": "Lists the provider's projects anew. Nothing changes there.",
    "export_file": "Counts as a download.",
    "archive_project": "Archives the project. Adding its id again brings it back.",
    "test_alert": "Sends a message.",
    "test_webhook": "Sends a request to the webhook's address.",
    "redeliver": "Sends a request to the webhook's address.",
}
EFFECTS_BY_METHOD: Final = {
    "POST": "Changes something in your team.",
    "PUT": "Changes something in your team.",
    "PATCH": "Changes something in your team.",
    "DELETE": "Deletes for good. This can't be undone.",
}
JSON_TOKEN: Final = re.compile(r'("(?:[^"\\]|\\.)*")(:?)|(-?\d[\d.eE+-]*|true|false|null)')


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body or an object. `place`: path, query, header or body; "" of an object."""

    name: str
    type: str
    place: str = ""
    description: str = ""
    required: bool = False
    example: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer of success with a recorded example, as HTML; "" where it has no body."""

    status: str
    phrase: str
    type: str
    example: SafeString

    @property
    def target(self) -> str:
        """The object that its type names first."""
        return self.type.partition(" or ")[0]


@dataclass(frozen=True)
class DocumentedCall:
    """One call. `errors`: statuses and phrases. `effect`: what to mind before trying it, "" for nothing."""

    id: str
    title: str
    method: str
    path: str
    group: str
    description: str
    parameters: list[Field]
    fields: list[Field]
    answers: list[Answer]
    errors: list[tuple[str, str]]
    curl: str
    body: str
    effect: str

    @property
    def all_fields(self) -> list[Field]:
        """What can be sent."""
        return [*self.parameters, *self.fields]

    @property
    def changes(self) -> bool:
        """Whether it must be confirmed before it is tried."""
        return self.method != "GET"


@dataclass
class Builder:
    """Makes the calls of a document. `ids`: of objects of the reader's team, by the names of the parameters."""

    document: dict[str, Any]
    portal: str
    ids: Mapping[str, int] = field(default_factory=dict)

    def calls(self) -> list[DocumentedCall]:
        """Returns all calls, in the order of the document, those of a group together."""
        calls = [
            self._call(path, method.upper(), operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        ]
        order = list(dict.fromkeys(call.group for call in calls))
        return sorted(calls, key=lambda call: order.index(call.group))

    def errors(self) -> list[dict[str, Any]]:
        """Returns status, phrase, meaning and a recorded example of every error."""
        recorded = load_examples()["errors"]
        meanings = {
            str(HTTPStatus[_constant(name)].value): response["description"]
            for name, response in self.document["components"]["responses"].items()
        }
        return [
            {
                "status": status,
                "phrase": HTTPStatus(int(status)).phrase,
                "meaning": meaning,
                "example": self._shown(recorded[status]["answer"]["body"]),
            }
            for status, meaning in sorted(meanings.items())
        ]

    def schemas(self) -> list[dict[str, Any]]:
        """Returns the objects with their fields."""
        return [
            {"name": name, "description": schema.get("description", ""), "fields": schema_fields(schema)}
            for name, schema in sorted(self.document["components"]["schemas"].items())
        ]

    def _call(self, path: str, method: str, operation: dict[str, Any]) -> DocumentedCall:
        example = load_examples()["calls"][operation["operationId"]]
        called = example["path"].replace(PORTAL, "")
        if method == "GET" and all(name in self.ids for name in re.findall(r"{(\w+)}", path)):
            query = called.partition("?")[2]
            called = path.format(**self.ids) + (f"?{query}" if query else "")
        body = json.dumps(example["body"], ensure_ascii=False) if example.get("body") else ""
        responses = sorted(operation["responses"].items(), key=lambda item: int(item[0]))
        return DocumentedCall(
            operation["operationId"],
            TITLES.get(operation["operationId"]) or str(operation["summary"]).capitalize(),
            method,
            path,
            (operation.get("tags") or [""])[0],
            operation["description"],
            _parameters(operation, path, called),
            _body_fields(operation),
            [self._answer(status, response, example) for status, response in responses if int(status) < 400],
            [(str(status), HTTPStatus(int(status)).phrase) for status, _ in responses if int(status) >= 400],
            self._curl(method, called, body, operation["operationId"]),
            body,
            EFFECTS.get(operation["operationId"], EFFECTS_BY_METHOD.get(method, "")),
        )

    def _answer(self, status: str, response: dict[str, Any], example: dict[str, Any]) -> Answer:
        content: list[dict[str, Any]] = list(response.get("content", {}).values())
        schema = content[0].get("schema") if content else None
        recorded = example["answers"].get(str(status), {"headers": {}})
        shown = self._shown(recorded["body"]) if "body" in recorded else _headers(recorded["headers"])
        return Answer(str(status), HTTPStatus(int(status)).phrase, field_type(schema) if schema else "", shown)

    def _curl(self, method: str, path: str, body: str, operation: str) -> str:
        lines = [f"curl '{self.portal}{path}'"]
        lines += ["-LOJ"] if operation == "export_file" else []
        lines += [f"-X {method}"] if method != "GET" else []
        lines.append(f'-H "Authorization: Bearer ${TOKEN_VARIABLE}"')
        if body:
            quoted = body.replace("'", "'\\''")
            lines += ["-H 'Content-Type: application/json'", f"-d '{quoted}'"]
        return " \\\n  ".join(lines)

    def _shown(self, value: Any) -> SafeString:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return highlight_json(text.replace(PORTAL, self.portal))


def highlight_json(text: str) -> SafeString:
    """Returns JSON as HTML in which names, texts and numbers have classes."""
    pieces, at = [], 0
    for match in JSON_TOKEN.finditer(text):
        kind = ("k" if match[2] else "s") if match[1] else "n"
        pieces.append((text[at : match.start()], kind, match[1] or match[3], match[2] or ""))
        at = match.end()
    html = format_html_join("", '{}<span class="{}">{}</span>{}', pieces)
    return format_html("{}{}", html, text[at:])


def schema_fields(schema: dict[str, Any], place: str = "") -> list[Field]:
    """Returns the fields of an object. `place`: where it stands, as in Field."""
    required = schema.get("required", ())
    return [
        Field(name, field_type(part), place, part.get("description", ""), name in required)
        for name, part in schema.get("properties", {}).items()
    ]


def field_type(schema: dict[str, Any]) -> str:
    """Returns the type of a schema as a short text."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(field_type(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {field_type(schema['items'])}" if schema.get("items") else "list"
    return str(schema.get("format") or schema.get("type") or "anything")


def _parameters(operation: dict[str, Any], path: str, called: str) -> list[Field]:
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>\\d+)", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))
    match = re.fullmatch(pattern, called.partition("?")[0])
    examples = {**(match.groupdict() if match else {}), **dict(parse_qsl(called.partition("?")[2]))}
    return [
        Field(
            one["name"],
            field_type(one.get("schema", {})),
            one["in"],
            one.get("description", ""),
            one.get("required", False),
            examples.get(one["name"], ""),
        )
        for one in operation.get("parameters", ())
    ]


def _body_fields(operation: dict[str, Any]) -> list[Field]:
    body = operation.get("requestBody")
    return schema_fields(next(iter(body["content"].values()))["schema"], "body") if body else []


def _headers(headers: dict[str, str]) -> SafeString:
    lines = [(name, value) for name, value in headers.items() if name != "Content-Length" or value != "0"]
    return format_html_join("\n", '<span class="k">{}</span>: {}', lines) if lines else mark_safe("")


def _constant(name: str) -> str:
    """The name of a status among the components as `HTTPStatus` spells it: "NotFound" is NOT_FOUND."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
