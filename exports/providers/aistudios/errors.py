"""What AI Studios' refusals mean. The editor API publishes no codes, and refuses with any status, also 200.

Source: docs.aistudios.com (v3), reference, and the codes of its sister API (reference/interactive-avatar).
"""

import re
from typing import Final

from exports.providers import parsing
from exports.providers.refusals import SELF_EXPLAINING_STATUSES, error_by_status
from exports.transport.errors import ProviderError, UnknownRefusalError
from exports.transport.responses import error_text

# Declared final: HTTP's own codes for faults of the caller, and those of the sister API, which are HTTP's with a 0
# behind.
FINAL_CODES: Final = frozenset(
    f"{code}{zero}" for code in (400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422) for zero in ("", "0")
)
# What the sentence says, where the code is none of these.
RATE_LIMITED: Final = re.compile(r"^4290?\b|too many|rate.?limit", re.I)
PASSING: Final = re.compile(r"^5[0-9]{2}0\b|temporar|try again|internal|timed? ?out|unavailable|overload", re.I)
UNAUTHENTICATED: Final = re.compile(r"^4010?\b|\btoken\b|jwt|unauth|authori[sz]|authenti|expired|credential", re.I)
FORBIDDEN: Final = re.compile(r"^4030?\b|forbidden|permission|not allowed", re.I)
NOT_FOUND: Final = re.compile(r"^4040?\b|not.?found|(not|n't) exist|no such", re.I)
UNPAID: Final = re.compile(r"\bcredits?\b|\bquota\b|\bbalance\b", re.I)
FINAL_SENTENCES: Final = (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, UNPAID)


def error_from_envelope(label: str, status: int, body: object) -> ProviderError | None:
    """The error that an envelope's `success: false` means, at any status; None for every other answer.

    Inside a 2xx it is a refusal only where code or sentence is declared final above; else an UnknownRefusalError.
    """
    if parsing.below(body, "success") is not False or status in SELF_EXPLAINING_STATUSES:
        return None
    code = parsing.text(parsing.below(body, "error", "code"))
    reason = f"{code} {error_text(body)}".strip()
    sentence, word = f"{label} refused: {reason or 'it gave no reason'}", code or str(status)
    if status >= 500 or re.fullmatch(r"5[0-9]{2}", code):
        return error_by_status(500, sentence, word)
    if RATE_LIMITED.search(reason):
        return error_by_status(429, sentence, word)
    says_so = code in FINAL_CODES or any(pattern.search(reason) for pattern in FINAL_SENTENCES)
    is_passing = code not in FINAL_CODES and PASSING.search(reason) is not None
    if is_passing or (status < 400 and not says_so):
        return UnknownRefusalError(sentence, passing=is_passing, provider_status=word)
    return error_by_status(_meant(status, reason), sentence, word)


def _meant(status: int, reason: str) -> int:
    """The status that fits what the sentence says."""
    if status in (404, 410):
        return status
    if status == 401 or UNAUTHENTICATED.search(reason):
        return 401
    if status == 403:
        return status
    if NOT_FOUND.search(reason):
        return 404
    return 403 if FORBIDDEN.search(reason) else max(status, 400)
