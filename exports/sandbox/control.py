"""The stand-in's own paths: the page at the root, the ledger, and what makes it misbehave."""

from typing import Any

from exports.sandbox.index_page import root_page
from exports.sandbox.request_parsing import InvalidBody, Request, Response, html_response, json_response
from exports.sandbox.state import SandboxState


class Control:
    """Answers everything that belongs to no provider."""

    def __init__(self, world: SandboxState) -> None:
        self._world = world

    def page(self, call: Request) -> Response:
        """What this is, for a person."""
        return root_page(self._world, call.origin)

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
                    return json_response(self._world.add_fault(call.data()), 201)
                case ("DELETE", "/control/faults"):
                    return self._drop_all()
                case ("DELETE", path) if path.startswith("/control/faults/"):
                    return self._drop(path.rpartition("/")[2])
                case ("POST", "/control/reset"):
                    self._world.reset()
                    return Response(204)
                case ("POST", "/control/expire_tokens"):
                    self._world.expire_tokens()
                    return Response(204)
                case ("GET", "/control/settings"):
                    return json_response(self._world.settings.as_dict())
                case ("POST", "/control/settings"):
                    return json_response(self.change(call.data()))
        except (InvalidBody, ValueError) as wrong:
            return json_response({"error": str(wrong)}, 400)
        if call.path.startswith(("/control", "/ledger")):
            return json_response({"error": "no such control"}, 404)
        return html_response("Nothing here", '<p>See <a href="/">the first page</a>.</p>', 404)

    def ledger(self) -> dict[str, Any]:
        """The ledger now."""
        with self._world.lock:
            return self._world.ledger.as_dict()

    def faults(self) -> dict[str, Any]:
        """The rules in force: those asked for, and those of the fault projects."""
        with self._world.lock:
            faults = self._world.faults
            standing = [rule.as_dict() for rules in faults.standing.values() for rule in rules]
            return {"faults": [rule.as_dict() for rule in faults.asked], "fault_projects": standing}

    def change(self, given: dict[str, Any]) -> dict[str, Any]:
        """Change settings; ValueError says what is wrong with one."""
        with self._world.lock:
            self._world.settings.change(given)
            self._world.limits.clear()
            return self._world.settings.as_dict()

    def _drop_all(self) -> Response:
        with self._world.lock:
            for rule in list(self._world.faults.asked):
                self._world.faults.drop(rule.id)
        return Response(204)

    def _drop(self, number: str) -> Response:
        with self._world.lock:
            dropped = number.isdecimal() and self._world.faults.drop(int(number))
        return Response(204) if dropped else json_response({"error": "no such fault"}, 404)
