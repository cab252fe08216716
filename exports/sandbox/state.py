"""The state of one running stand-in, and the steps by which a request is answered."""

import json
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exports.sandbox.fault_projects import standing_rules
from exports.sandbox.faults import JOB_ENDING_FAULTS, REFUSAL_FAULTS, FaultRules, Rule, parse_rule
from exports.sandbox.file_server import Files
from exports.sandbox.jobs import Job, Jobs
from exports.sandbox.ledger import Ledger
from exports.sandbox.options import Settings
from exports.sandbox.provider_base import Route, Service
from exports.sandbox.rate_limiter import RateLimits
from exports.sandbox.registry import STAND_INS
from exports.sandbox.request_parsing import InvalidBody, Request, Response
from exports.sandbox.response_faults import apply_fault, replacement_response
from exports.sandbox.webhook_sender import Webhooks

# Faults that do not change the answer by themselves; they are counted when their effect has shown.
COUNTED_WHEN_SHOWN = JOB_ENDING_FAULTS


class SandboxState:
    """State and request handling; every public method is safe to call from any thread."""

    def __init__(self, settings: Settings, stand_ins: Sequence[type[Service]] = STAND_INS) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.ledger = Ledger(kind.declaration.slug for kind in stand_ins)
        self.jobs = Jobs()
        self.limits = RateLimits(settings)
        self.faults = FaultRules(lambda: standing_rules(kind.declaration for kind in stand_ins))
        self.webhooks = Webhooks()
        self.files = Files(self)
        self.services: dict[str, Service] = {kind.declaration.slug: kind(self) for kind in stand_ins}
        self._changes = 0

    def mark_changed(self) -> None:
        """Notes a change that the state file has to keep."""
        self._changes += 1

    @property
    def change_count(self) -> int:
        """A number that rises with every change that the state file has to keep."""
        return self._changes + self.jobs.change_count

    def reset(self) -> None:
        """Back to the initial state: no jobs, no added faults, an empty ledger. Settings stay."""
        with self.lock:
            self.jobs.clear()
            self.faults.clear()
            self.ledger.clear()
            self.limits.clear()
            self.files.clear()
            self.webhooks.clear()
            for service in self.services.values():
                service.clear()
            self.mark_changed()

    def expire_tokens(self) -> None:
        """Makes every access token issued so far invalid."""
        with self.lock:
            for service in self.services.values():
                service.expire_tokens()
            self.mark_changed()

    def add_fault(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Adds a fault and returns it with its id; ValueError says what is wrong with it."""
        with self.lock:
            return self.faults.add(parse_rule(fields, self.services)).as_dict()

    def respond(self, slug: str, call: Request) -> Response:
        """The answer of one provider to one request."""
        service = self.services[slug]
        if call.path.startswith("/files/"):
            return self.files.respond(service, call)
        with self.lock:
            route = service.find_route(call)
            if route is None:
                self.ledger.requests[slug]["unknown"] += 1
                return service.path_not_found()
            self.ledger.requests[slug][route.kind] += 1
            caller = service.authenticate(call)
            if isinstance(caller, Response):
                if not route.public:
                    return caller
                caller = ""
            call.caller = caller
            fits, headers = self.limits.consume(service.declaration, caller or "anonymous", route.limit)
            if not fits:
                self.ledger.rate_limited[slug] += 1
                reply = service.error_response(429)
            else:
                reply = self._handle(service, route, call)
            reply.headers |= {name: value for name, value in headers.items() if name not in reply.headers}
            return reply

    def _handle(self, service: Service, route: Route, call: Request) -> Response:
        try:
            project, job = route.find_subject(call)
            if route.kind == "file":
                call.job = job
                return route.handle(call)
            key = (
                job.id if job and route.kind == "poll" else str(len(self.jobs.of_project(service.slug, project or "")))
            )
            rule = self.faults.pick(
                service.slug, route.kind, project, key, lambda rule: _can_show(service, route, rule, job)
            )
            call.rule, call.job = rule, job
            if rule is None:
                return route.handle(call)
            return self._misbehave(service, route, call, rule, key)
        except InvalidBody as wrong:
            return service.error_response(400, str(wrong))

    def _misbehave(self, service: Service, route: Route, call: Request, rule: Rule, key: str) -> Response:
        if not rule.executes_request:
            rule.fired += 1
            return replacement_response(rule, service)
        if rule.fault == "vanish":
            rule.fired += 1
            return service.job_not_found()
        reply = route.handle(call)
        if not reply.ok:
            # Refused for another reason, so the fault has no answer to change.
            rule.undo_match(key)
            return reply
        if rule.fault not in COUNTED_WHEN_SHOWN:
            rule.fired += 1
        return replacement_response(rule, service) if rule.fault in REFUSAL_FAULTS else apply_fault(rule, call, reply)

    def save(self, path: Path) -> None:
        """Writes jobs, links and tokens to a file that only its owner can read, and replaces it atomically."""
        with self.lock:
            kept = {
                "jobs": self.jobs.snapshot(),
                "services": {slug: service.snapshot() for slug, service in self.services.items()},
            }
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump(kept, out)
        fresh.replace(path)

    def load(self, path: Path) -> None:
        """Takes over what `save` wrote; a missing file counts as empty. ValueError if it is not such a file."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        with self.lock:
            try:
                self.jobs.restore(kept["jobs"])
                for slug, snapshot in kept["services"].items():
                    if slug in self.services:
                        self.services[slug].restore(snapshot)
            except (KeyError, TypeError) as wrong:
                raise ValueError(f"{path} was not written by this stand-in") from wrong


def _can_show(service: Service, route: Route, rule: Rule, job: Job | None) -> bool:
    """Whether this answer can show this fault. Progress, for example, can go back only while the job runs."""
    if (route.kind, rule.fault) in service.declaration.faults_without_field:
        return False
    return rule.fault != "progress_back" or (job is not None and job.progress(time.time()) < 1)
