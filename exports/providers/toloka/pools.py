"""Toloka's pools and trainings, which must be archived before their project.

Source: https://toloka.ai/docs/api/ (pools, pool archive, training archive).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from exports.providers import contract, paged_lists, parsing
from exports.providers.toloka import operations as api
from exports.transport.client import Client
from exports.transport.errors import ProviderError, UnreadableError

MAX_NAMED: Final = 20
FIELDS: Final = paged_lists.texts("id", "project_id", "private_name", "status")


class Pool(NamedTuple):
    """A pool or a training. `list` names the list that it is in: "pools" or "trainings"."""

    list: str
    id: str
    name: str
    status: str

    def __str__(self) -> str:
        return " ".join(
            filter(None, (self.list[:-1], self.id, f"“{self.name}”" if self.name else "", f"({self.status})"))
        )


def list_all(client: Client, project: str, *names: str) -> list[Pool]:
    """What is in these lists ("pools", "trainings"), in order. Raises UnreadableError."""
    listed = []
    for name in names:
        path, params = f"{api.API_PREFIX}/{name}", {**api.PAGE_PARAMETERS, "project_id": project}
        for row in paged_lists.collect_entries(client, path, params, "items", api.NEXT_PAGE, FIELDS):
            # What a list that ignores the filter names must not be archived.
            if not parsing.check_id(row.get("project_id"), project):
                raise UnreadableError(f"Toloka lists {name} without their project.")
            title, status = parsing.text(row.get("private_name"), 60), parsing.text(row.get("status"))
            listed.append(Pool(name, parsing.text(row["id"]), title, status))
    return listed


def list_unarchived(client: Client, project: str, *names: str) -> list[Pool]:
    """What is not archived yet in these lists, in order. Raises UnreadableError."""
    return unarchived_of(list_all(client, project, *names))


def unarchived_of(pools: Sequence[Pool]) -> list[Pool]:
    """Those that are not archived."""
    return [pool for pool in pools if pool.status != "ARCHIVED"]


def format_pools(pools: Sequence[Pool]) -> str:
    """The first twenty, and how many more there are."""
    more = f" and {len(pools) - MAX_NAMED} more" if len(pools) > MAX_NAMED else ""
    return ", ".join(map(str, pools[:MAX_NAMED])) + more


def count_by_status(pools: Sequence[Pool]) -> str:
    """How many there are of each list and status: "2 CLOSED pools, 1 OPEN pool"."""
    counts = Counter((pool.list, pool.status) for pool in pools)
    return ", ".join(f"{n} {status} {name if n > 1 else name[:-1]}" for (name, status), n in counts.items())


def advise(unarchived: Sequence[Pool], archives_pools: bool) -> contract.PreflightResult:
    """Whether Toloka would archive the project with these pools as they are."""
    if stuck := [pool for pool in unarchived if not (archives_pools and pool.status == "CLOSED")]:
        sentence = f"Not archived yet: {count_by_status(stuck)}. Toloka archives a project only after them."
        if any(pool.status == "OPEN" for pool in stuck):
            sentence += " In open pools people may be at work: close them in Toloka when they are done."
        return contract.PreflightResult(False, sentence)
    if not unarchived:
        return contract.PreflightResult(True, "All pools are archived.")
    return contract.PreflightResult(True, f"Archived first: {count_by_status(unarchived)}.")


def describe_unarchived(client: Client, project: str) -> str:
    """A sentence for a conflict: the pools that are not archived, or else the trainings. "" when Toloka lists none."""
    try:
        pools = list_unarchived(client, project, "pools") or list_unarchived(client, project, "trainings")
    except ProviderError:
        return ""
    return f" Not archived: {format_pools(pools)}." if pools else ""
