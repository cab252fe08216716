"""What Ulule's refusals mean. Source: https://developers.ulule.com, overview/errors."""

from exports.providers.parsing import text
from exports.providers.refusals import SELF_EXPLAINING_STATUSES, error_by_status
from exports.transport.errors import ProviderError
from exports.transport.responses import error_text


def error_from_response(status: int, body: object) -> ProviderError | None:
    """The error that a body with Ulule's errors means, with their sentences; None for every other answer."""
    reasons, classifications = _reasons(body)
    if not reasons or not 400 <= status < 500 or status in SELF_EXPLAINING_STATUSES:
        return None
    meant = 403 if "PermissionError" in classifications and status != 401 else status
    return error_by_status(meant, f"Ulule refused: {reasons}", word=str(status))


def _reasons(body: object) -> tuple[str, list[str]]:
    """Sentence and classifications of `[{classification, fieldNames, message}]` or of one such object."""
    items = [item for item in (body if isinstance(body, list) else [body]) if isinstance(item, dict)][:5]
    sentences = []
    for item in items:
        names = item.get("fieldNames") or item.get("field_names")
        fields = ", ".join(map(text, names)) if isinstance(names, list) else ""
        sentence = error_text(item) or text(item.get("classification"))
        sentences.append(": ".join(filter(None, (fields, sentence))))
    return "; ".join(filter(None, sentences))[:300], [text(item.get("classification")) for item in items]
