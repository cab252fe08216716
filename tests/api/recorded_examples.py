"""Calls of every kind, made one after the other, and what was answered: the examples on the API's page.

`make api-examples` writes them to exports/api/examples.json.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from exports.api import examples
from exports.api.urls import api
from tests.api.conftest import ApiClient
from tests.helpers.roles import TABLES

# So many rows of a list are written down.
MAX_ROWS: Final = 1
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
FIRST_TIME: Final = datetime(2026, 3, 2, 9, 12, 4, tzinfo=UTC)
HEADERS: Final = ("Content-Type", "Content-Length", "Content-Range", "Content-Disposition", "ETag", "Retry-After")
SECRET: Final = re.compile(r"whsec_[\w+/=]+")
KINDS: Final[dict[str, Any]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
HOST: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+")


class Recorder:
    """Makes calls and keeps the first answer of each operation and status."""

    def __init__(self) -> None:
        self.document = json.loads(json.dumps(api.get_openapi_schema()))
        self.calls: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, dict[str, Any]] = {}
        self.began = datetime.now(UTC)

    def call(
        self, client: ApiClient, method: str, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> Any:
        """Makes a call, expects the status, and returns the JSON that was answered, None where there is none."""
        answer = client.call(method, path, body, **headers)
        assert answer.status_code == status, (method, path, answer.status_code, getattr(answer, "content", ""))
        is_json = "json" in answer.headers.get("Content-Type", "")
        data = json.loads(answer.content) if is_json and answer.content else None
        about = {
            "method": method,
            "path": f"/api/v1{path}",
            **({"body": self._request(body)} if isinstance(body, dict) else {}),
            **(
                {"request_headers": {name.replace("_", "-"): value for name, value in headers.items()}}
                if headers
                else {}
            ),
        }
        shown = {name: self._plain(answer.headers[name]) for name in HEADERS if name in answer.headers}
        entry = {"status": status, "headers": shown, **({"body": self._plain(data)} if data is not None else {})}
        if status >= 400:
            self.errors.setdefault(str(status), {**about, "answer": entry})
            return data
        operation = self._operation(method, f"/api/v1{path}")
        known = self.calls.setdefault(operation, {**about, "answers": {}})
        known["answers"].setdefault(str(status), entry)
        return data

    def as_json(self) -> str:
        """Everything that was kept, as the file has it."""
        order = [
            operation["operationId"] for methods in self.document["paths"].values() for operation in methods.values()
        ]
        calls = {name: self.calls[name] for name in order if name in self.calls}
        return (
            json.dumps({"calls": calls, "errors": dict(sorted(self.errors.items()))}, indent=1, ensure_ascii=False)
            + "\n"
        )

    def _operation(self, method: str, path: str) -> str:
        bare = path.partition("?")[0]
        for template, methods in self.document["paths"].items():
            if re.fullmatch(re.sub(r"{\w+}", r"\\d+", template), bare) and method.lower() in methods:
                return str(methods[method.lower()]["operationId"])
        raise AssertionError(f"{method} {path} is in no document")

    def _request(self, body: dict[str, Any]) -> Any:
        """A request as somebody would write it: to the provider itself, with a secret of their own."""
        plain = self._plain({name: value for name, value in body.items() if name != "origin"})
        return {**plain, "secrets": {"api_key": "YOUR_API_KEY"}} if "secrets" in body else plain

    def _plain(self, value: Any) -> Any:
        """A value without what is another one each time, or is secret."""
        if isinstance(value, dict):
            return {name: self._plain(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._plain(inner) for inner in value[:MAX_ROWS]]
        if not isinstance(value, str):
            return value
        value = HOST.sub(TABLES.provider.origins["production"], SECRET.sub("whsec_…", value))
        value = re.sub(r"(hooks\.slack\.com/services/).+", r"\1YOUR/OWN/ADDRESS", value)
        return TIME.sub(self._shift, value.replace("http://testserver", examples.PORTAL))

    def _shift(self, match: "re.Match[str]") -> str:
        at = datetime.fromisoformat(match[0]) - self.began + FIRST_TIME
        return (at.replace(microsecond=0) + timedelta(0)).strftime("%Y-%m-%dT%H:%M:%SZ")


def shape(value: Any) -> Any:
    """The names and kinds of a JSON value, without its values. Rows of a list after the first are left out."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "string"


def misfits(value: Any, schema: dict[str, Any], document: dict[str, Any], at: str = "") -> list[str]:
    """Where a value is not what an OpenAPI schema says: names, kinds and choices; [] where all of it fits."""
    if "$ref" in schema:
        return misfits(value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, at)
    if options := schema.get("anyOf"):
        found = [misfits(value, option, document, at) for option in options]
        return [] if any(not one for one in found) else min(found, key=len)
    kind = schema.get("type")
    if kind and not isinstance(value, KINDS[kind]):
        return [f"{at}: {value!r} is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if kind == "array":
        return [bad for row in value for bad in misfits(row, schema.get("items", {}), document, f"{at}[]")]
    if kind != "object" or "properties" not in schema:
        return []
    missing = [f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    unknown = [f"{at}.{name} is not described" for name in value if name not in schema["properties"]]
    inner = [
        bad
        for name, part in schema["properties"].items()
        if name in value
        for bad in misfits(value[name], part, document, f"{at}.{name}")
    ]
    return missing + unknown + inner
