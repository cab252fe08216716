"""The list of exports as the page shows it: filters, rows, the way to older ones."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict

from exports import access, states
from exports.engine import browse
from exports.engine.problem import InvalidError
from exports.models import Member
from exports.providers.registry import PROVIDERS
from exports.templatetags.pages import state_word

ROWS: Final = 30
MOST_PROJECTS: Final = 300


@dataclass(frozen=True)
class Choice:
    """One filter as a box to choose from."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str]]


def exports(member: Member, data: QueryDict) -> dict[str, Any]:
    """What the list shows for this query string; filters that cannot be read are named and left out."""
    errors: dict[str, list[str]] = {}
    filters, errors = _filters(data)
    try:
        before, _ = browse.paging(data)
    except InvalidError:
        before = None
    page = browse.page(access.exports(member), filters, before, ROWS)
    return {
        "section": "exports",
        "rows": page.rows,
        "older": page.next_query,
        "newest": before is not None,
        "query": filters.query,
        "errors": errors,
        "filters": _boxes(member, data),
        "q": data.get("q", ""),
        "since": data.get("since", ""),
        "until": data.get("until", ""),
        "filtered": bool(filters.pairs),
        "resting": False,
    }


def _filters(data: QueryDict) -> tuple[browse.Filters, dict[str, list[str]]]:
    try:
        return browse.Filters.parse(data), {}
    except InvalidError as problem:
        rest = data.copy()
        for name in problem.errors:
            rest.pop(name, None)
        return browse.Filters.parse(rest), problem.errors


def _boxes(member: Member, data: QueryDict) -> list[Choice]:
    kinds: dict[str, list[str]] = {}
    for provider in PROVIDERS.values():
        for kind in provider.kinds:
            kinds.setdefault(kind.type, []).append(kind.label)
    projects = access.projects(member).order_by("name", "pk")[:MOST_PROJECTS]
    boxes = (
        ("status", "State", [(word, state_word(word)) for word in states.STATUSES]),
        ("provider", "Provider", [(slug, provider.label) for slug, provider in PROVIDERS.items()]),
        ("type", "Kind", [(type_, " or ".join(labels)) for type_, labels in kinds.items()]),
        ("project_id", "Project", [(str(project.pk), str(project)) for project in projects]),
    )
    return [_box(name, label, ",".join(data.getlist(name)), choices) for name, label, choices in boxes]


def _box(name: str, label: str, value: str, choices: list[tuple[str, str]]) -> Choice:
    # An address may name several; the box then has them as one more choice, so that nothing is lost.
    if value and value not in dict(choices):
        choices = [*choices, (value, value.replace(",", " or "))]
    return Choice(name, label, value, choices)
