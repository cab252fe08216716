"""The stand-in's own paths: the page at the root, the ledger, faults and settings."""

from typing import Any

from exports.sandbox.index_page import root_page
from exports.sandbox.request_parsing import InvalidBody, Request, Response, html_response, json_response
from exports.sandbox.state import SandboxState


class Control:
    """Answers the requests that belong to no provider."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def page(self, call: Request) -> Response:
        """The HTML page at the root."""
        return root_page(self._state, call.origin)

    def respond(self, call: Request) -> Response:
        """The answer to one request outside the providers' prefixes; errors are `{"error": "<text>"}`."""
        method = "GET" if call.method == "HEAD" else call.method
        try:
            match (method, call.path):
                case ("GET", "/"):
                    return self.page(call)
                case ("GET", "/ledger"):
                    return json_response(self.ledger())
                case ("GET", "/control/faults"):
                    return json_response(self.faults())
                case ("POST", "/control/faults"):
                    return json_response(self._state.add_fault(call.data()), 201)
                case ("DELETE", "/control/faults"):
                    return self._drop_all()
                case ("DELETE", path) if path.startswith("/control/faults/"):
                    return self._drop(path.rpartition("/")[2])
                case ("POST", "/control/reset"):
                    self._state.reset()
                    return Response(204)
                case ("POST", "/control/expire_tokens"):
                    self._state.expire_tokens()
                    return Response(204)
                case ("GET", "/control/settings"):
                    return json_response(self._state.settings.as_dict())
                case ("POST", "/control/settings"):
                    return json_response(self.change(call.data()))
        except (InvalidBody, ValueError) as wrong:
            return json_response({"error": str(wrong)}, 400)
        if call.path.startswith(("/control", "/ledger")):
            return json_response({"error": "no such control"}, 404)
        return html_response("Nothing here", '<p>See <a href="/">the first page</a>.</p>', 404)

    def ledger(self) -> dict[str, Any]:
        """The ledger as JSON can carry it."""
        with self._state.lock:
            return self._state.ledger.as_dict()

    def faults(self) -> dict[str, Any]:
        """The active rules: those added by requests, and those of the fault projects."""
        with self._state.lock:
            faults = self._state.faults
            standing = [rule.as_dict() for rules in faults.standing.values() for rule in rules]
            return {"faults": [rule.as_dict() for rule in faults.requested], "fault_projects": standing}

    def change(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Changes settings and returns them all; ValueError names the setting that is wrong."""
        with self._state.lock:
            self._state.settings.change(changes)
            self._state.limits.clear()
            return self._state.settings.as_dict()

    def _drop_all(self) -> Response:
        with self._state.lock:
            for rule in list(self._state.faults.requested):
                self._state.faults.drop(rule.id)
        return Response(204)

    def _drop(self, number: str) -> Response:
        with self._state.lock:
            dropped = number.isdecimal() and self._state.faults.drop(int(number))
        return Response(204) if dropped else json_response({"error": "no such fault"}, 404)
