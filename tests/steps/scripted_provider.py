"""A provider that gives the answers set by the test, needs no network, and keeps a ledger of the jobs it created."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final

from exports.providers.contract import (
    Absent,
    Accepted,
    Job,
    Kind,
    NoOptions,
    NotYet,
    Provider,
    Ready,
    SecretField,
    Status,
)
from exports.providers.contract import Unknown as NobodyKnows
from exports.transport.client import CallRecord, Client
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnknownRefusalError,
    UnreadableError,
)

TYPE_WITH_FILE: Final = "sheet"  # has a file, and its jobs can be found again
TYPE_WITHOUT_FILE: Final = "act"  # has none, and nothing can be found
FILE_CONTENT: Final = b"id,name\n1,one\n2,two\n"

ERRORS: Final[Mapping[str, Callable[[], ProviderError]]] = {
    "refused": lambda: RefusedError("It says no."),
    "forbidden": lambda: CredentialError("It does not know the token."),
    "gone": lambda: NotFoundError("It is not there."),
    "busy": lambda: BusyError("Too many.", seconds=30, pause=True),
    "locked": lambda: BusyError("Not now.", seconds=15, provider_status="423"),
    "unlucky": lambda: UnclearError("It answered 500."),
    "gateway": lambda: UnclearError("It answered 502."),
    "unsent": lambda: NotSentError("It could not be reached."),
}
# A 2xx that names no job, and there is none; a firewall's page; an error in an envelope that may pass.
ERRORS_WITHOUT_WORD: Final[Mapping[str, Callable[[], ProviderError]]] = {
    "names nothing": lambda: UnreadableError("It took the request, but named no job."),
    "firewall": lambda: not_final(CredentialError("It answered 403.")),
    "passing": lambda: UnknownRefusalError("It has a fault of its own."),
}
# The request was executed, but its answer is unusable.
ERRORS_AFTER_EXECUTION: Final[Mapping[str, Callable[[], ProviderError]]] = {
    "lost": lambda: UnclearError("The answer was cut off."),
    "garbage": lambda: UnreadableError("That is not JSON."),
    "another project": lambda: UnreadableError("That is about another project.", final=True),
}
PROVABLY_NOT_EXECUTED: Final = frozenset({"refused", "forbidden", "gone", "busy", "locked", "unsent", "firewall"})
UNAVAILABLE: Final = frozenset({"gateway", "unsent"})
RUNNING_STATUSES: Final = ("queued", "rendering")
# Every answer that can be set; one that does not fit the call is a good answer.
ANSWERS: Final = (
    "fine",
    "done",
    "no link",
    "failed",
    "canceled",
    "unknown word",
    *RUNNING_STATUSES,
    "not yet",
    *ERRORS,
    *ERRORS_WITHOUT_WORD,
    *ERRORS_AFTER_EXECUTION,
    "dies before",
    "dies after",
)


def not_final(error: RefusedError) -> RefusedError:
    """The error, as an answer that is not the provider's own word means it."""
    error.final = False
    return error


class SimulatedCrashError(BaseException):
    """Simulates that the process ended here; no code of the portal catches it."""


@dataclass
class CreatedJob:
    """A job that the provider created, and the export it is for."""

    number: int
    export: int
    project: str
    type: str


@dataclass
class ScriptedProvider(Provider):
    """`answer`: the answer to the next calls. `running_export_ids`: the exports whose steps run, innermost last.
    `before_answer`: called once, after a job was created and before its answer arrives. `requests`: by export, the
    answers to its requests that may have been executed.
    """

    slug: ClassVar[str] = "scripted"
    label: ClassVar[str] = "The script"
    docs: ClassVar[str] = "https://scripted.example.org/docs"
    origins: ClassVar[Mapping[str, str]] = {"production": "https://scripted.example.org"}
    secrets: ClassVar[tuple[SecretField, ...]] = (SecretField("token", "Token"),)
    kinds: ClassVar[tuple[Kind, ...]] = (
        Kind(TYPE_WITH_FILE, "Sheet", ("csv",), NoOptions, timedelta(hours=2)),
        Kind(TYPE_WITHOUT_FILE, "Act", ("none",), NoOptions, timedelta(hours=2), exclusive=True),
    )
    status_map: ClassVar[Mapping[str, str]] = {}  # type: ignore[assignment]
    limits: ClassVar[Mapping[str, tuple[int, float]]] = {"normal": (6, 60.0)}

    answer: str = "fine"
    running_export_ids: list[int] = field(default_factory=list)
    before_answer: Callable[[], None] | None = None
    ledger: list[CreatedJob] = field(default_factory=list)
    received_calls: list[tuple[str, str]] = field(default_factory=list)
    requests: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def _record_call(self, client: Client, verb: str, job: Job) -> None:
        """Records the call, and raises the error that is set as the answer."""
        self.received_calls.append((verb, job.project))
        client.call_count += 1
        if self.answer in ("dies before", "dies after") and not (verb == "submit" and self.answer == "dies after"):
            raise SimulatedCrashError
        make_error = {**ERRORS, **ERRORS_WITHOUT_WORD}.get(self.answer)
        error = make_error() if make_error else None
        message = error.message if error else ""
        client.record_call(
            CallRecord("GET", f"https://scripted/{verb}", 200, 0.1, message, "c", self.answer in UNAVAILABLE)
        )
        if error is not None:
            raise error

    def prepare(self, client: Client, job: Job) -> Ready | NotYet:
        if self.answer == "not yet":
            return NotYet(5, "Something must come first.")
        return Ready({"last": len(self.ledger)})

    def submit(self, client: Client, job: Job) -> Accepted:
        client.before_send()
        if self.answer not in PROVABLY_NOT_EXECUTED:
            self.requests[self.running_export_ids[-1]].append(self.answer)
        self._record_call(client, "submit", job)
        made = CreatedJob(len(self.ledger) + 1, self.running_export_ids[-1], job.project, job.type)
        self.ledger.append(made)
        if self.before_answer is not None:
            callback, self.before_answer = self.before_answer, None
            answer = self.answer
            callback()
            self.answer = answer
        if self.answer == "dies after":
            raise SimulatedCrashError
        if self.answer in ERRORS_AFTER_EXECUTION:
            raise ERRORS_AFTER_EXECUTION[self.answer]()
        return Accepted(str(made.number), self._status(self.answer))

    def find(self, client: Client, job: Job) -> Accepted | Absent | NobodyKnows:
        self._record_call(client, "find", job)
        if job.type == TYPE_WITHOUT_FILE:
            return NobodyKnows("It has no list.", may_turn_up=True)
        last = int(job.baseline["last"])
        for made in self.ledger[last:]:
            if (made.project, made.type) == (job.project, job.type) and str(made.number) not in job.watched_ids:
                return Accepted(str(made.number))
        return Absent()

    def poll(self, client: Client, job: Job) -> Status:
        self._record_call(client, "poll", job)
        if self.answer in ERRORS_AFTER_EXECUTION:
            raise ERRORS_AFTER_EXECUTION[self.answer]()
        return self._status(self.answer)

    def _status(self, answer: str) -> Status:
        if answer == "done":
            return Status("done", "done", link="https://scripted.example.org/file")
        if answer == "no link":
            return Status("done", "done")
        if answer == "failed":
            return Status("failed", "error", message="It broke.")
        if answer == "canceled":
            return Status("canceled", "cancelled")
        if answer == "unknown word":
            return Status("unknown", "frobnicating")
        return Status(
            "running",
            answer if answer in RUNNING_STATUSES else "running",
            progress=float(len(self.received_calls) % 100),
        )


@dataclass
class OpenedLink:
    """An opened link, with the attributes that the fetch step uses."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    has_explicit_end: bool = True
    is_encoded: bool = False
    has_surplus: bool = False

    @property
    def length(self) -> int:
        return len(self.body)

    def chunks(self, size: int) -> Iterator[bytes]:
        yield self.body


@contextmanager
def open_link(script: ScriptedProvider) -> Iterator[OpenedLink]:
    """The answer of the file's host, according to the answer that is set."""
    answer = script.answer
    if answer in ("dies before", "dies after"):
        raise SimulatedCrashError
    if answer in ("lost", "unlucky", "gateway", "locked"):
        raise UnclearError("The download was cut off.")
    if answer == "unsent":
        raise NotSentError("The file's host could not be reached.")
    status = {"gone": 404, "forbidden": 403, "refused": 400, "busy": 429}.get(answer, 200)
    body = b"<html>Sorry</html>" if answer in ("garbage", "another project") else FILE_CONTENT
    yield OpenedLink(status, body, {"Content-Length": str(len(body)), "ETag": '"one"'})
