"""Archives the closed pools and trainings of a Toloka project, before the project itself.

Source: https://toloka.ai/docs/api/ (pool archive, training archive).
"""

import json
from typing import Final

from exports.providers import contract, parsing
from exports.providers.contract import Job
from exports.providers.refusals import amended
from exports.providers.toloka import operations as api
from exports.providers.toloka.pools import Pool, describe_unarchived, format_pools, list_unarchived
from exports.transport.client import Client
from exports.transport.errors import RefusedError, UnclearError

BATCH_SIZE: Final = 20
# With growing pauses, about five minutes.
ROUNDS_UNTIL_SECOND_REQUEST: Final = 20
SECOND_REQUEST: Final = (ROUNDS_UNTIL_SECOND_REQUEST,)


def archive_project(client: Client, job: Job) -> contract.Accepted:
    """POST /projects/:id/archive, without a body: 202 (or 200) with the operation."""
    path = f"{api.API_PREFIX}/projects/{parsing.path_segment(job.project, 'Toloka')}/archive"
    try:
        answer = client.post(path, creates=True)
    except RefusedError as refusal:
        if refusal.provider_status == "UNARCHIVED_POOLS_CONFLICT":
            raise amended(refusal, refusal.message + describe_unarchived(client, job.project)) from None
        if refusal.code != "precondition" or api.project_status(client, job.project) != "ARCHIVED":
            raise
        return api.ALREADY_ARCHIVED
    if answer.status == 204 and api.project_status(client, job.project) == "ARCHIVED":
        return api.ALREADY_ARCHIVED
    return api.parse_operation(answer.body, job.project)


def archive_closed(client: Client, job: Job) -> contract.NotYet | None:
    """One round of archiving closed pools, then closed trainings; None when none is left. Harmless to repeat.

    Raises RefusedError when one is not closed, or could not be archived.
    """
    unarchived = list_unarchived(client, job.project, "pools", "trainings")
    if not_closed := [pool for pool in unarchived if pool.status != "CLOSED"]:
        names = format_pools(not_closed)
        sentence = f"Only closed ones can be archived, and the portal never closes one. Not closed: {names}."
        raise RefusedError(sentence, code="precondition", provider_status=not_closed[0].status)
    batch = [pool for pool in unarchived if pool.list == unarchived[0].list]
    ids = {pool.id for pool in batch}
    memo = {"running": {}, "unnamed": {}, **job.memo}
    running = {id_: operation for id_, operation in parsing.mapping(memo["running"]).items() if id_ in ids}
    # Rounds since a request was sent whose answer named no operation. It is sent at most twice.
    unnamed = {id_: rounds + 1 for id_, rounds in parsing.mapping(memo["unnamed"]).items() if id_ in ids}
    for pool in batch:
        if pool.id in running:
            _check_operation(client, pool, running[pool.id])
        if unnamed.get(pool.id, 0) >= 2 * ROUNDS_UNTIL_SECOND_REQUEST:
            sentence = f"Toloka was asked twice to archive {pool}, and named no operation. It is not archived."
            raise RefusedError(sentence, code="provider_failed", provider_status=pool.status)
    due = [pool for pool in batch if pool.id not in running and unnamed.get(pool.id) in (None, *SECOND_REQUEST)]
    for pool in due[: max(BATCH_SIZE - len(running), 0)]:
        if operation := _archive(client, pool):
            running[pool.id] = operation
            unnamed.pop(pool.id, None)
        else:
            unnamed.setdefault(pool.id, 0)
    seconds = min(3.0 * 1.2 ** max(unnamed.values(), default=0), 30.0)
    memo |= {"running": running, "unnamed": unnamed}
    memo = memo if unnamed else {name: value for name, value in memo.items() if name != "unnamed"}
    return contract.NotYet(seconds, f"Archives first: {format_pools(batch)}.", memo) if unarchived else None


def _check_operation(client: Client, pool: Pool, operation: str) -> None:
    """GET /operations/:id. Raises RefusedError when it failed to archive the pool."""
    path = f"{api.API_PREFIX}/operations/{parsing.path_segment(operation, 'Toloka')}"
    body = parsing.mapping(client.get(path).body)
    if api.STATUS_MAP.get(parsing.text(body.get("status")).lower()) == "failed":
        details = json.dumps(body.get("details") or {})[:500]
        sentence = f"Toloka could not archive {pool}: {details}"
        raise RefusedError(sentence, code="provider_failed", provider_status="FAIL")


def _archive(client: Client, pool: Pool) -> str:
    """POST /pools/:id/archive or /trainings/:id/archive: the operation's id, "" where the answer names none.

    That is 204 (it was archived already), another 2xx, or an answer that leaves open whether it was executed.
    """
    path = f"{api.API_PREFIX}/{pool.list}/{parsing.path_segment(pool.id, 'Toloka')}/archive"
    try:
        body = client.post(path, creates=True).body
    except UnclearError:
        return ""
    except RefusedError as refusal:
        if refusal.code != "precondition":
            raise
        raise amended(refusal, f"{pool} cannot be archived. {refusal.message}") from None
    return parsing.text(parsing.below(body, "id"))
