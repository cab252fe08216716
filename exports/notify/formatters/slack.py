"""Slack: incoming webhooks with Block Kit.

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://docs.slack.dev/reference/block-kit/blocks (header 150 characters, section 3 000, at most 10 fields of 2 000),
https://docs.slack.dev/reference/block-kit/composition-objects/text-object (`plain_text` is not formatted, and no
mention or link in it is parsed), https://docs.slack.dev/messaging/formatting-message-text (`&`, `<`, `>` are escaped
in what is formatted).
"""

from typing import Any, Final

from exports.notify.figures import shorten
from exports.notify.notification import TONE_MARKS, Notification

MAX_HEADER: Final = 150
MAX_SECTION: Final = 3000
MAX_FIELDS: Final = 10
MAX_FIELD: Final = 2000
MAX_FALLBACK: Final = 300


def body(notification: Notification) -> dict[str, Any]:
    """The message. Texts of the notification stand in `plain_text` alone; `text` is what phones show of it."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(f"{TONE_MARKS[notification.tone]} {notification.title}", MAX_HEADER)},
        {"type": "section", "text": _plain("\n".join(notification.sentences) or notification.label, MAX_SECTION)},
    ]
    if notification.facts:
        fields = [_plain(f"{fact.label}\n{fact.value}", MAX_FIELD) for fact in notification.facts[:MAX_FIELDS]]
        blocks.append({"type": "section", "fields": fields})
    if notification.url:
        link = f"<{_escape(notification.url)}|{_escape(notification.link_label)}>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link, "verbatim": True}})
    reference = " ".join(filter(None, (notification.label, notification.reference)))
    blocks.append({"type": "context", "elements": [_plain(f"{notification.team} · {reference}", MAX_FIELD)]})
    return {
        "text": _escape(shorten(notification.title, MAX_FALLBACK)),
        "mrkdwn": False,
        "parse": "none",
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": shorten(text, limit), "emoji": False}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "¦")
