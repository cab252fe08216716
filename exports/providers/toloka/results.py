"""Results in a Toloka project that archiving leaves behind, or that stop it. Advice for the page, before the button.

Source: https://toloka.ai/docs/api/ (assignments, pool archive).
"""

from collections.abc import Sequence
from typing import Final

from exports.providers import parsing
from exports.providers.contract import PreflightResult
from exports.providers.toloka import operations as api
from exports.providers.toloka.pools import Pool, format_pools
from exports.transport.client import Client
from exports.transport.errors import ProviderError

# Toloka says it pool by pool, and only whether there are any, so only so many are asked about.
MAX_POOLS: Final = 5
UNREVIEWED: Final = (
    "Answers wait for review in {pools}. Accept or reject them in Toloka first: it archives no such pool."
)
# Whether somebody downloaded them, Toloka does not say.
ACCEPTED: Final = (
    "It has accepted results, in {pools}. The portal does not export them, so download them from Toloka first. They"
    " stay readable in archived pools, but can no longer be accepted or rejected there."
)


def advise(client: Client, pools: Sequence[Pool]) -> list[PreflightResult]:
    """Advice on the answers in the first pools. None on any error."""
    main_pools = [pool for pool in pools if pool.list == "pools"]
    read = main_pools[:MAX_POOLS]
    try:
        unreviewed = [pool for pool in read if pool.status != "ARCHIVED" and _has_answers(client, pool, "SUBMITTED")]
        accepted = [pool for pool in read if _has_answers(client, pool, "ACCEPTED")]
    except ProviderError:
        return []
    advice = []
    if unreviewed:
        advice.append(PreflightResult(False, UNREVIEWED.format(pools=format_pools(unreviewed))))
    if accepted:
        advice.append(PreflightResult(True, ACCEPTED.format(pools=format_pools(accepted)), notice=True))
    if len(main_pools) > len(read):
        sentence = f"The portal looked for answers in the first {len(read)} of {len(main_pools)} pools."
        advice.append(PreflightResult(True, sentence, notice=True))
    return advice


def _has_answers(client: Client, pool: Pool, status: str) -> bool:
    """GET /assignments of the pool, one entry."""
    params = {"pool_id": pool.id, "status": status, "limit": 1}
    rows = parsing.object_list(client.get(f"{api.API_PREFIX}/assignments", params).body, "items")
    # A list that ignores the filter says nothing.
    return any(parsing.text(row.get("status")) == status for row in rows)
