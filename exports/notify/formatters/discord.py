"""Discord: a webhook with one embed.

Sources: https://discord.com/developers/docs/resources/webhook#execute-webhook,
https://discord.com/developers/docs/resources/message#embed-object-embed-limits (title 256, description 4 096, 25
fields, field name 256 and value 1 024, footer 2 048, together 6 000 characters; `allowed_mentions` with an empty
`parse` mentions nobody), https://support.discord.com/hc/articles/210298617 (Markdown; a backslash makes punctuation
plain, also that of an address).
"""

import re
from typing import Any, Final

from exports.notify.figures import shorten
from exports.notify.notification import BAD, GOOD, NEUTRAL, TONE_MARKS, WARNING, Notification

COLORS: Final = {GOOD: 0x11693A, BAD: 0xB01E26, WARNING: 0x8A5A00, NEUTRAL: 0x555866}
MAX_TITLE: Final = 256
MAX_DESCRIPTION: Final = 1500
MAX_FIELDS: Final = 10
MAX_NAME: Final = 100
MAX_VALUE: Final = 250
# Everything in ASCII that Markdown, mentions, emojis, times and addresses begin with or are held together by.
PUNCTUATION: Final = re.compile(r"[!-/:-@\[-`{-~]")


def body(notification: Notification) -> dict[str, Any]:
    """The message. Its texts are within Discord's limits, one by one and together."""
    embed: dict[str, Any] = {
        "title": _escape(f"{TONE_MARKS[notification.tone]} {notification.title}", MAX_TITLE),
        "description": "\n".join(_escape(text, MAX_DESCRIPTION // 4) for text in notification.sentences[:4]),
        "color": COLORS[notification.tone],
        "fields": [
            {"name": _escape(fact.label, MAX_NAME), "value": _escape(fact.value, MAX_VALUE), "inline": True}
            for fact in notification.facts[:MAX_FIELDS]
            if fact.label and fact.value
        ],
        # Not formatted by Discord.
        "footer": {
            "text": shorten(
                " · ".join(filter(None, (notification.team, notification.label, notification.reference))), 200
            )
        },
    }
    if notification.url:
        embed["url"] = notification.url
    return {"username": "Export portal", "allowed_mentions": {"parse": []}, "embeds": [embed]}


def _escape(text: str, limit: int) -> str:
    """The text with a backslash before each punctuation mark, at most `limit` characters, none of them half escaped."""
    escaped = [f"\\{letter}" if PUNCTUATION.match(letter) else letter for letter in text]
    if sum(map(len, escaped)) <= limit:
        return "".join(escaped)
    kept, length = [], 1
    for piece in escaped:
        if length + len(piece) > limit:
            break
        kept.append(piece)
        length += len(piece)
    return "".join(kept) + "…"
