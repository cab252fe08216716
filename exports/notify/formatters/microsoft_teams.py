"""Microsoft Teams: an adaptive card, for a workflow that begins with "When a Teams webhook request is received".

Sources: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using (the
envelope; a message has at most 28 KB), https://learn.microsoft.com/adaptive-cards/schema-explorer/text-run ("Markdown
is not supported"; it is in TextBlock and FactSet, so they are not used), and
https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features (`{{DATE(…)}}`). Nobody is mentioned without
an entity in `msteams`, and the card has none.
"""

from typing import Any, Final

from exports.notify.figures import shorten
from exports.notify.notification import BAD, GOOD, NEUTRAL, TONE_MARKS, WARNING, Notification

COLORS: Final = {GOOD: "Good", BAD: "Attention", WARNING: "Warning", NEUTRAL: "Default"}
# All texts together stay far below 28 KB, also with four bytes a character.
MAX_TEXT: Final = 500
MAX_FACTS: Final = 10
WORD_JOINER: Final = "\u2060"


def body(notification: Notification) -> dict[str, Any]:
    """The message: texts stand in `TextRun` alone."""
    reference = " ".join(filter(None, (notification.label, notification.reference)))
    blocks = [
        _block(_run(f"{TONE_MARKS[notification.tone]} {reference}", color=COLORS[notification.tone], weight="Bolder")),
        _block(_run(notification.title, size="Large", weight="Bolder")),
        *(_block(_run(sentence)) for sentence in notification.sentences[:4]),
        *(_block(_run(f"{fact.label}: ", isSubtle=True), _run(fact.value)) for fact in notification.facts[:MAX_FACTS]),
        _block(_run(notification.team, isSubtle=True, size="Small")),
    ]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "msteams": {"width": "Full"},
    }
    if notification.url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": notification.link_label, "url": notification.url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _block(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **style: Any) -> dict[str, Any]:
    # A date function of a card, which would be replaced.
    text = shorten(text, MAX_TEXT).replace("{{", "{" + WORD_JOINER + "{")
    return {"type": "TextRun", "text": text, **style}
