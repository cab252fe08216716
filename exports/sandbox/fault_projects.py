"""Projects that misbehave in a fixed way, so that every fault can be tried by hand.

The same number means the same fault at every stand-in; the ids are formed as its declaration says. Every stand-in has
those of COMMON_FAULT_PROJECTS, those of files only where it has files.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from exports.sandbox.declaration import Declaration, FaultProject
from exports.sandbox.faults import FAULTS_OF_RESULTS, Rule

FIREWALL_PAGE = "<html>Attention required: checking your browser</html>"


def _row(number: int, about: str, on: str, fault: str, **details: Any) -> FaultProject:
    return FaultProject(number, ((on, fault, details),), about)


COMMON_FAULT_PROJECTS: tuple[FaultProject, ...] = (
    _row(1, "the job is made at once, the answer comes 25 s later", "submit", "slow", seconds=25),
    _row(2, "the first two answers about the job take 25 s", "poll", "slow", seconds=25, times=2),
    _row(3, "the request is refused with 500 once, nothing done", "submit", "status", status=500, times=1),
    _row(4, "500, but the job was made", "submit", "status", status=500, done=True),
    _row(5, "503 to three questions about the job", "poll", "status", status=503, times=3),
    _row(6, "a gateway's HTML page with 502, three times", "poll", "status", status=502, times=3),
    _row(7, "the request is refused with 400", "submit", "status", status=400),
    _row(8, "the request is refused with 403", "submit", "status", status=403),
    _row(9, "the request is refused with 404", "submit", "status", status=404),
    _row(10, "the request is refused with 409", "submit", "status", status=409),
    _row(11, "every question about the job is answered 401", "poll", "status", status=401),
    _row(12, "429 once, Retry-After in seconds", "submit", "429", retry_after=2, times=1),
    _row(13, "429 twice, Retry-After as a date", "poll", "429", retry_after="date", seconds=3, times=2),
    _row(14, "429 twice, no Retry-After", "poll", "429", times=2),
    _row(15, "429 once, Retry-After of thirty years", "poll", "429", retry_after="absurd", times=1),
    _row(16, "the connection is cut before anything is done, once", "submit", "cut", times=1),
    _row(17, "the connection is cut at two questions about the job", "poll", "cut", times=2),
    _row(18, "the job is made, the answer is lost", "submit", "lost_answer"),
    _row(19, "the job is made, half the answer arrives", "submit", "half_answer"),
    _row(20, "half an answer about the job, twice", "poll", "half_answer", times=2),
    _row(21, "the job never ends", "submit", "endless"),
    _row(22, "the job itself fails", "submit", "job_fails"),
    _row(25, "done, but there is no link", "submit", "no_file"),
    _row(26, "the job is made, the answer is an HTML page", "submit", "garbage"),
    _row(27, "three answers about the job are HTML pages", "poll", "garbage", times=3),
    _row(28, "every answer about the job is an HTML page", "poll", "garbage"),
    _row(29, "an answer about the job of 20 MB, once", "poll", "huge_json", times=1),
    _row(30, "the answer names another project", "poll", "other_project"),
    _row(31, "the answer to the request names another project", "submit", "other_project"),
    _row(32, "five answers carry a status word nobody knows", "poll", "unknown_word", times=5),
    _row(33, "after two questions the job is unknown", "poll", "vanish", after=2),
    _row(
        34,
        "progress goes back now and then",
        "poll",
        "progress_back",
        probability=0.4,
    ),
    _row(36, "answers about the job come compressed unasked", "poll", "gzip"),
    _row(37, "reading the project or its list fails with 500 twice", "list", "status", status=500, times=2),
    _row(38, "the answer about the job trickles in over 8 s", "poll", "drip", seconds=8, times=2),
    _row(39, "202 without a body, and nothing done", "submit", "status", status=202, body=""),
    FaultProject(
        40,
        (("submit", "id_as_text", {}), ("poll", "id_as_text", {}), ("list", "id_as_text", {})),
        "ids are texts where numbers are documented",
    ),
    _row(
        41, "a firewall's page with 403, once, about the job", "poll", "status", status=403, body=FIREWALL_PAGE, times=1
    ),
    _row(42, "done, and the link comes two seconds later", "submit", "late_link", seconds=2),
    _row(45, "every request is answered 500, nothing done", "submit", "status", status=500),
    _row(51, "the file's connection is cut in the middle, every time", "file", "truncated"),
    _row(52, "the file is shorter than it should be, with a matching length", "file", "truncated_quietly"),
    _row(53, "the file's connection is cut in the middle, once; it can be resumed", "file", "cut_once"),
    FaultProject(
        54,
        (("file", "cut_once", {}), ("file", "no_ranges", {})),
        "cut in the middle, then Range is ignored",
    ),
    _row(55, "cut in the middle, then the file is another one", "file", "changed_file"),
    _row(56, "the first link answers 403, the next one works", "file", "dead_link", status=403),
    _row(57, "the first link answers 404, the next one works", "file", "dead_link", status=404),
    _row(58, "the first link answers 410, the next one works", "file", "dead_link", status=410),
    _row(59, "no link ever works", "file", "dead_for_good"),
    _row(60, "a page comes instead of the file", "file", "wrong_type"),
    _row(61, "the file is empty", "file", "empty_file"),
    _row(62, "the file's link leads to a private address", "file", "redirect_private"),
    _row(63, "the file's link leads to itself", "file", "redirect_loop"),
    _row(64, "the file's link leads to ftp:", "file", "redirect_scheme"),
    _row(65, "the file's link leads elsewhere, and the file is there", "file", "redirect_ok"),
    _row(66, "the file comes compressed unasked", "file", "gzip"),
    _row(67, "the file starts after 25 s, once", "file", "slow", seconds=25, times=1),
    FaultProject(
        68,
        (("file", "cut_once", {}), ("file", "wrong_range", {})),
        "cut in the middle, then a range not asked for",
    ),
    _row(69, "the file never ends", "file", "endless_file"),
    _row(70, "503 twice for the file", "file", "status", status=503, times=2),
    _row(71, "the link leads to a storage outside the API, and the file is there", "file", "redirect_elsewhere"),
)
# Where a file is downloaded with the credential. A link without one is dead when it answers 401.
FAULT_PROJECTS_OF_AUTHORISED_DOWNLOADS: tuple[FaultProject, ...] = (
    _row(72, "every download is answered 401", "file", "status", status=401),
)


def fault_projects(stand_in: Declaration) -> Iterator[FaultProject]:
    """The fault projects of one stand-in, by number; none of one that has a single project."""
    if not stand_in.fault_project_id:
        return iter(())
    rows = [*COMMON_FAULT_PROJECTS, *stand_in.own_fault_projects]
    if stand_in.authorised_downloads:
        rows += FAULT_PROJECTS_OF_AUTHORISED_DOWNLOADS
    return (row for row in sorted(rows, key=lambda row: row.number) if _can_show(stand_in, row))


def _can_show(stand_in: Declaration, project: FaultProject) -> bool:
    needs_file = any(on == "file" or fault in FAULTS_OF_RESULTS for on, fault, _ in project.rules)
    if needs_file and not stand_in.content_types:
        return False
    return not any((on, fault) in stand_in.faults_without_field for on, fault, _ in project.rules)


def standing_rules(stand_ins: Iterable[Declaration]) -> Iterator[Rule]:
    """New rules for all fault projects."""
    for stand_in in stand_ins:
        for row in fault_projects(stand_in):
            for on, fault, details in row.rules:
                yield Rule(stand_in.slug, stand_in.fault_project(row.number), on, fault, per_job=True, **details)
