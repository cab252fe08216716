"""A provider that answers as it is told, needs no network, and keeps a ledger of the jobs it made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final

from exports.providers.base import Absent, Accepted, Job, Kind, NoOptions, NotYet, Provider, Ready, Secret, Sight
from exports.providers.base import Unknown as NobodyKnows
from exports.providers.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnreadableError,
)
from exports.providers.http import CallRecord, Client

SHEET: Final = "sheet"  # has a file, and its jobs can be found again
ACT: Final = "act"  # has none, and nothing can be found
GOOD: Final = b"id,name\n1,one\n2,two\n"

ERRORS: Final[Mapping[str, Callable[[], ProviderError]]] = {
    "refused": lambda: RefusedError("It says no."),
    "forbidden": lambda: CredentialError("It does not know the token."),
    "gone": lambda: NotFoundError("It is not there."),
    "busy": lambda: BusyError("Too many.", seconds=30, pause=True),
    "locked": lambda: BusyError("Not now.", seconds=15, word="423"),
    "unlucky": lambda: UnclearError("It answered 500."),
    "gateway": lambda: UnclearError("It answered 502."),
    "unsent": lambda: NotSentError("It could not be reached."),
}
# Of these the request was executed, and the answer is no good.
LOST: Final[Mapping[str, Callable[[], ProviderError]]] = {
    "lost": lambda: UnclearError("The answer was cut off."),
    "garbage": lambda: UnreadableError("That is not JSON."),
    "another project": lambda: UnreadableError("That is about another project.", final=True),
}
DOWN: Final = frozenset({"gateway", "unsent"})
WORDS: Final = ("queued", "rendering")
# Everything it can be told to answer; what does not fit the question is a plain good answer.
ANSWERS: Final = (
    "fine",
    "done",
    "no link",
    "failed",
    "canceled",
    "unknown word",
    *WORDS,
    "not yet",
    *ERRORS,
    *LOST,
    "dies before",
    "dies after",
)


class DiedError(BaseException):
    """The process ended here: nothing of ours catches it."""


@dataclass
class Made:
    """One job it made, and for which export."""

    number: int
    export: int
    project: str
    type: str


@dataclass
class Script(Provider):
    """`answer` is what the next questions get; `stepping` whose step runs; `meanwhile` happens once, after a job was
    made and before its answer arrives.
    """

    slug: ClassVar[str] = "scripted"
    label: ClassVar[str] = "The script"
    docs: ClassVar[str] = "https://scripted.example.org/docs"
    origins: ClassVar[Mapping[str, str]] = {"production": "https://scripted.example.org"}
    secrets: ClassVar[tuple[Secret, ...]] = (Secret("token", "Token"),)
    kinds: ClassVar[tuple[Kind, ...]] = (
        Kind(SHEET, "Sheet", ("csv",), NoOptions, timedelta(hours=2)),
        Kind(ACT, "Act", ("none",), NoOptions, timedelta(hours=2), alone=True),
    )
    words: ClassVar[Mapping[str, str]] = {}  # type: ignore[assignment]
    limits: ClassVar[Mapping[str, tuple[int, float]]] = {"normal": (6, 60.0)}

    answer: str = "fine"
    stepping: list[int] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None
    ledger: list[Made] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def _question(self, client: Client, verb: str, job: Job) -> None:
        """Remembers and records the call, and raises what it was told to."""
        self.asked.append((verb, job.project))
        client.made += 1
        if self.answer in ("dies before", "dies after") and not (verb == "submit" and self.answer == "dies after"):
            raise DiedError
        error = ERRORS[self.answer]() if self.answer in ERRORS else None
        said = error.message if error else ""
        client.record(CallRecord("GET", f"https://scripted/{verb}", 200, 0.1, said, "c", self.answer in DOWN))
        if error is not None:
            raise error

    def prepare(self, client: Client, job: Job) -> Ready | NotYet:
        if self.answer == "not yet":
            return NotYet(5, "Something must come first.")
        return Ready({"last": len(self.ledger)})

    def submit(self, client: Client, job: Job) -> Accepted:
        client.before_send()
        self._question(client, "submit", job)
        made = Made(len(self.ledger) + 1, self.stepping[-1], job.project, job.type)
        self.ledger.append(made)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            answer = self.answer
            happens()
            self.answer = answer
        if self.answer == "dies after":
            raise DiedError
        if self.answer in LOST:
            raise LOST[self.answer]()
        return Accepted(str(made.number), self._sight(self.answer))

    def find(self, client: Client, job: Job) -> Accepted | Absent | NobodyKnows:
        self._question(client, "find", job)
        if job.type == ACT:
            return NobodyKnows("It has no list.", look_again=1)
        last = int(job.baseline["last"])
        for made in self.ledger[last:]:
            if (made.project, made.type) == (job.project, job.type) and str(made.number) not in job.taken:
                return Accepted(str(made.number))
        return Absent(again_after=30.0)

    def poll(self, client: Client, job: Job) -> Sight:
        self._question(client, "poll", job)
        if self.answer in LOST:
            raise LOST[self.answer]()
        return self._sight(self.answer)

    def _sight(self, answer: str) -> Sight:
        if answer == "done":
            return Sight("done", "done", link="https://scripted.example.org/file")
        if answer == "no link":
            return Sight("done", "done")
        if answer == "failed":
            return Sight("failed", "error", message="It broke.")
        if answer == "canceled":
            return Sight("canceled", "cancelled")
        if answer == "unknown word":
            return Sight("unknown", "frobnicating")
        return Sight("running", answer if answer in WORDS else "running", progress=float(len(self.asked) % 100))


@dataclass
class Opened:
    """A link as it was opened: what `fetch` uses of one."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    tells_its_end: bool = True

    def chunks(self, size: int) -> Iterator[bytes]:
        yield self.body


@contextmanager
def open_link(script: Script) -> Iterator[Opened]:
    """What the file's host answers, by what the script was told."""
    answer = script.answer
    if answer in ("dies before", "dies after"):
        raise DiedError
    if answer in ("lost", "unlucky", "gateway", "locked"):
        raise UnclearError("The download was cut off.")
    if answer == "unsent":
        raise NotSentError("The file's host could not be reached.")
    status = {"gone": 404, "forbidden": 403, "refused": 400, "busy": 429}.get(answer, 200)
    body = b"<html>Sorry</html>" if answer in ("garbage", "another project") else GOOD
    yield Opened(status, body, {"Content-Length": str(len(body)), "ETag": '"one"'})
