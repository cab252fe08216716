"""Rules that make a stand-in misbehave, and the count of how often each really did."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

# auth: tokens and the own user. list: everything read before a job is started. submit: starts a job. side: starts
# another job that the first one needs. poll: reads a job. file: downloads its file.
REQUEST_KINDS = ("auth", "list", "submit", "side", "poll", "file")
API = frozenset(("auth", "list", "submit", "side", "poll"))
JOB = frozenset(("submit", "side", "poll"))
FILE = frozenset(("file",))
ANY = frozenset(REQUEST_KINDS)

# The kinds of request that each fault can affect. A rule without `on` applies to `poll` for general faults, and for
# others to the first of these in the order of REQUEST_KINDS, which for the faults of jobs is `submit`.
FAULTS: dict[str, frozenset[str]] = {
    "slow": ANY,
    "drip": ANY,
    "status": ANY,
    "429": ANY,
    "cut": ANY,
    "lost_answer": API,
    "half_answer": ANY,
    "gzip": ANY,
    "garbage": API,
    "huge_json": API,
    "other_project": frozenset(("list", "submit", "poll")),
    "unknown_word": JOB,
    "vanish": frozenset(("poll",)),
    "progress_back": frozenset(("poll",)),
    "endless": JOB,
    "job_fails": JOB,
    "canceled_by_staff": JOB,
    "no_file": JOB,
    "late_link": JOB,
    "late_list": frozenset(("list",)),
    "id_as_text": frozenset(("list", "submit", "poll")),
    "stale": frozenset(("submit",)),
    "truncated": FILE,
    "truncated_quietly": FILE,
    "cut_once": FILE,
    "no_ranges": FILE,
    "wrong_range": FILE,
    "changed_file": FILE,
    "dead_link": FILE,
    "dead_for_good": FILE,
    "wrong_type": FILE,
    "empty_file": FILE,
    "endless_file": FILE,
    "redirect_private": FILE,
    "redirect_loop": FILE,
    "redirect_scheme": FILE,
    "redirect_ok": FILE,
    "redirect_elsewhere": FILE,
}
# Faults that decide how a job ends: they stay with the job for all later requests.
JOB_ENDING_FAULTS = frozenset(("endless", "job_fails", "canceled_by_staff", "no_file", "late_link", "stale"))
# Those of them that only a job with a file can show.
FAULTS_OF_RESULTS = frozenset(("no_file", "late_link"))
# Faults that prevent the work unless `done` is true; all others do the work and then change the answer.
REFUSAL_FAULTS = frozenset(("status", "429", "cut"))
DEFAULT_REQUEST_KIND = "poll"
SYNONYMS = {"baseline": "list", "baseline/list": "list"}
RULE_FIELDS = (
    *("provider", "project", "on", "fault", "times", "after", "probability", "seed", "seconds", "status", "body"),
    *("retry_after", "location", "word", "variant", "done", "headers"),
)


@dataclass(slots=True)
class Rule:
    """One fault: where it applies, how often, and its details.

    `times` is how often it may fire (None: always) after the first `after` matching requests. With `per_job` both are
    counted for each job, so that a fault project can be tried any number of times.
    """

    provider: str
    project: str
    on: str
    fault: str
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    seconds: float | None = None
    status: int | None = None
    body: Any = None
    retry_after: Any = None
    location: str | None = None
    word: str | None = None
    variant: str | None = None
    done: bool | None = None
    headers: dict[str, str] = field(default_factory=dict)
    id: int = 0
    per_job: bool = False
    matched: int = 0
    fired: int = 0
    _seen: Counter[str] = field(default_factory=Counter)
    _taken: Counter[str] = field(default_factory=Counter)
    _dice: random.Random | None = None

    @property
    def executes_request(self) -> bool:
        """Whether the requested work is done although the answer is changed."""
        return self.fault not in REFUSAL_FAULTS if self.done is None else self.done

    def applies_to(self, provider: str, kind: str, project: str | None) -> bool:
        """Whether the rule covers requests of this kind."""
        return (
            self.provider in ("*", provider)
            and self.project in ("*", project)
            and (kind in FAULTS[self.fault] if self.on == "*" else self.on == kind)
        )

    def should_fire(self, key: str) -> bool:
        """Counts a matching request; whether the fault applies to it."""
        key = key if self.per_job else ""
        self.matched += 1
        self._seen[key] += 1
        if self._seen[key] <= self.after or (self.times is not None and self._taken[key] >= self.times):
            return False
        if self.probability < 1:
            self._dice = self._dice or random.Random(self.seed)  # noqa: S311 - repeatable on purpose
            if self._dice.random() >= self.probability:
                return False
        self._taken[key] += 1
        return True

    def undo_match(self, key: str) -> None:
        """Takes back a firing, because the request turned out to be refused for another reason."""
        self._taken[key if self.per_job else ""] -= 1

    def as_dict(self) -> dict[str, Any]:
        """The rule as JSON can carry it, with its counts."""
        shown = {name: getattr(self, name) for name in RULE_FIELDS}
        shown = {name: value for name, value in shown.items() if value not in (None, {})}
        return {"id": self.id, **shown, "matched": self.matched, "fired": self.fired}


def parse_rule(given: Mapping[str, Any], providers: Collection[str]) -> Rule:
    """The rule that the control endpoint was sent, for one of `providers`; ValueError says what is wrong with it."""
    unknown = set(given) - set(RULE_FIELDS)
    if unknown:
        raise ValueError(f"unknown field: {', '.join(sorted(unknown))}")
    values = dict(given)
    fault = values.get("fault")
    if not isinstance(fault, str) or fault not in FAULTS:
        raise ValueError(f"fault must be one of: {', '.join(FAULTS)}")
    if values.get("provider", "*") not in (*providers, "*"):
        raise ValueError(f"provider must be one of: {', '.join(providers)}, *")
    possible = FAULTS[fault]
    on = values.get("on") or (
        DEFAULT_REQUEST_KIND if len(possible) > 3 else next(kind for kind in REQUEST_KINDS if kind in possible)
    )
    on = SYNONYMS.get(on, on)
    if on != "*" and on not in possible:
        raise ValueError(
            f"{fault} can only be put on: {', '.join(kind for kind in REQUEST_KINDS if kind in possible)}, *"
        )
    values |= {"provider": values.get("provider", "*"), "project": str(values.get("project", "*")), "on": on}
    for name, types, wanted in _TYPES:
        value = values.get(name)
        if value is not None and (not isinstance(value, types) or (isinstance(value, bool) and types is not bool)):
            raise ValueError(f"{name} must be {wanted}")
    values = {name: value for name, value in values.items() if value is not None}
    return Rule(**values)


_TYPES: tuple[tuple[str, Any, str], ...] = (
    ("times", int, "a whole number or null"),
    ("after", int, "a whole number"),
    ("probability", int | float, "a number"),
    ("seed", int, "a whole number"),
    ("seconds", int | float, "a number"),
    ("status", int, "a whole number"),
    ("location", str, "a text"),
    ("word", str, "a text"),
    ("variant", str, "a text"),
    ("done", bool, "true or false"),
    ("headers", dict, "an object"),
)
assert {field_.name for field_ in fields(Rule)} >= set(RULE_FIELDS)  # noqa: S101 - a missing field would be ignored silently


class FaultRules:
    """The active rules: those added by requests, and those of the fault projects. Callers hold the stand-in's lock."""

    def __init__(self, standing: Callable[[], Iterable[Rule]]) -> None:
        self._make_standing = standing
        self._numbers = itertools.count(1)
        self.clear()

    def clear(self) -> None:
        """Removes the added rules, and counts those of the fault projects from zero."""
        self.requested: list[Rule] = []
        self.by_id: dict[int, Rule] = {}
        self.standing: dict[tuple[str, str], list[Rule]] = {}
        for rule in self._make_standing():
            self._number(rule)
            self.standing.setdefault((rule.provider, rule.project), []).append(rule)

    def _number(self, rule: Rule) -> None:
        rule.id = next(self._numbers)
        self.by_id[rule.id] = rule

    def add(self, rule: Rule) -> Rule:
        """Activates a rule and gives it an id."""
        self._number(rule)
        self.requested.append(rule)
        return rule

    def drop(self, number: int) -> bool:
        """Removes one added rule; False if there is none with this id."""
        rule = self.by_id.get(number)
        if rule is None or rule not in self.requested:
            return False
        self.requested.remove(rule)
        return True

    def fired(self, number: int) -> None:
        """Counts that a fault which stays with a job has shown."""
        rule = self.by_id.get(number)
        if rule is not None:
            rule.fired += 1

    def pick(
        self, provider: str, kind: str, project: str | None, key: str, fits: Callable[[Rule], bool] = lambda _: True
    ) -> Rule | None:
        """The first rule that applies to this request; later rules do not count it. `key` identifies the job."""
        standing = self.standing.get((provider, project or ""), [])
        for rule in itertools.chain(self.requested, standing):
            if rule.applies_to(provider, kind, project) and fits(rule) and rule.should_fire(key):
                return rule
        return None
