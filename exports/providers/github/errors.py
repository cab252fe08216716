"""What GitHub's error bodies mean: `{message, errors, documentation_url}`."""

from typing import Final

from exports.providers import parsing
from exports.transport.errors import BusyError, NotFoundError, ProviderError, RefusedError

NOT_FOUND: Final = "For an organization it also means that the token lacks the scope admin:org, or its owner's role."


def error_from_body(status: int, body: object) -> ProviderError | None:
    """A limit that is answered 403 may be told by its words alone; 422 has a list of errors."""
    reason = parsing.text(parsing.mapping(body).get("message"), 300)
    if status == 403 and "rate limit" in reason.lower():
        return BusyError(f"GitHub asks for a pause: {reason}", seconds=60, pause=True)
    if status == 404:
        return NotFoundError(f"GitHub answered 404: {reason}. {NOT_FOUND}", provider_status="404")
    wrong = parsing.mapping(body).get("errors")
    if status == 422 and isinstance(wrong, list):
        rows = [[parsing.text(value) for value in parsing.mapping(row).values()] for row in wrong[:5]]
        reasons = "; ".join(" ".join(filter(None, row)) for row in rows)[:300]
        return RefusedError(f"GitHub answered 422: {reason}: {reasons}", provider_status="422")
    return None
