"""What the page of one export in the admin site shows: facts, history, calls, and which actions it offers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from exports import clock
from exports.exporting.fetch_again import may_fetch_again
from exports.metrics import backlog
from exports.models import Call, Change, Export, User

MAX_CHANGES: Final = 200
MAX_CALLS: Final = 50


@dataclass(frozen=True)
class Fact:
    """A name and a value: a time, a number, a text."""

    label: Promise
    value: Any

    @property
    def is_time(self) -> bool:
        """Whether it is shown as a time."""
        return isinstance(self.value, datetime)


# What the engine keeps of an export; facts that are empty or zero are left out.
ENGINE_FACTS: Final[tuple[tuple[Promise, str], ...]] = (
    (_l("Next step"), "step"),
    (_l("Due"), "next_step_at"),
    (_l("Waits because"), "wait_note"),
    (_l("Held by a worker until"), "held_until"),
    (_l("Deadline"), "deadline_at"),
    (_l("Request sent"), "request_sent_at"),
    (_l("In doubt since"), "in_doubt_since"),
    (_l("Steps in a row without result"), "consecutive_failures"),
    (_l("Unreadable answers in a row"), "unreadable_answers"),
    (_l("Last error of a step"), "last_error_code"),
    (_l("Searches for its job"), "search_attempts"),
    (_l("Polls"), "polls"),
    (_l("Files fetched and refused"), "refetches"),
    (_l("Claims (fence)"), "fence"),
)


def get_context(export: Export, user: User | AnonymousUser, *, may_act: bool) -> dict[str, Any]:
    """Returns what the template needs, in at most three queries; history and calls by the person's permissions."""
    now = clock.now()
    facts = [Fact(label, getattr(export, name)) for label, name in ENGINE_FACTS]
    facts.append(Fact(_l("Crashes in a row"), backlog.count_crashes(export, now)))
    return {
        "export": export,
        "facts": [fact for fact in facts if fact.value],
        "is_stuck": backlog.seems_stuck(export, now),
        "history": _history(export) if user.has_perm("exports.view_change") else None,
        "calls": _calls(export) if user.has_perm("exports.view_call") else None,
        "max_calls": MAX_CALLS,
        "may_redrive": may_act and export.is_open,
        "may_fetch_again": may_act and may_fetch_again(export),
        "may_act": may_act,
    }


def _history(export: Export) -> list[Change]:
    """The last changes, oldest first."""
    return list(Change.objects.filter(export=export).order_by("-seq")[:MAX_CHANGES])[::-1]


def _calls(export: Export) -> list[Call]:
    """The last calls, newest first."""
    return list(Call.objects.filter(export=export).order_by("-id")[:MAX_CALLS])
