"""What a provider's test folder tells of it, for the tests that run for every provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Answers:
    """One provider's answers as its documents show them; the job is number 501 where jobs have numbers.

    secrets: a credential, clearly not real.
    project: the id of the project that the answers are about; that of the stand-in, where answers name their project.
    answers: what the first line of a request begins with, and what is answered; the first that fits counts. A link
    begins with `json_changes.ORIGIN`.
    submit: method and path of the request for a job. creates: what every request that makes a job begins with, where
    that is less than `submit`.
    job_id: what a job is polled by.
    options: by type, what a kind needs. more_options: sets of options that change what is called.
    fault_ends, fault_jobs: how fault projects end, and how many jobs they make, otherwise than elsewhere, by number.
    """

    secrets: Mapping[str, str]
    project: str
    answers: tuple[tuple[str, Any], ...]
    submit: str
    creates: str = ""
    job_id: str = ""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    more_options: tuple[Mapping[str, Any], ...] = ()
    fault_ends: Mapping[int, str] = field(default_factory=dict)
    fault_jobs: Mapping[int, int] = field(default_factory=dict)

    @property
    def remote_id(self) -> str:
        """What a job is polled by."""
        return self.job_id


@dataclass(frozen=True, kw_only=True)
class Sample(Answers):
    """The same, of a provider whose requests are told apart by method and path alone.

    pages: addresses that people copy, with `{}` for the project's id.
    poll, list: method and path of a poll, and of the list that shows every job (empty where there is none).
    listed: the body of that list, for these jobs.
    before: what else is read around a request, by method and path.
    link: method and path of the call that tells the link, where a poll does not. linked: its body, with this link.
    accepted, running: the body that accepts a request, and that of a poll meanwhile. done: that of a job that is done,
    with this link (without one where it is empty). More fields are put beside the id.
    forbidden, not_found: its own words for 403 and 404.
    renews_token: the credential is exchanged for a token, which a 401 renews.
    ids_are_texts: a number with a fraction is no id.
    file_path: where the file is, of a provider that makes the link out of an id and is told none.
    file: a whole file of the first kind's first format, where tests have none of that format.
    """

    pages: tuple[str, ...]
    poll: str
    list: str = ""
    listed: Callable[..., Any] = lambda *jobs: None
    before: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    linked: Callable[[str], Any] = lambda link: None
    accepted: Callable[..., Any]
    running: Callable[..., Any]
    done: Callable[..., Any]
    forbidden: Any
    not_found: Any
    renews_token: bool = False
    ids_are_texts: bool = False
    file_path: str = ""
    file: bytes = b""

    @property
    def remote_id(self) -> str:
        """The last part of the path of a poll."""
        return self.poll.rpartition("/")[2]

    @property
    def names_jobs(self) -> bool:
        """Whether a job has an id of its own, and not that of its project."""
        return self.remote_id != self.project
