"""ntfy: a message published as JSON, on ntfy.sh or on a server of one's own.

Sources: https://docs.ntfy.sh/publish/#publish-as-json (a POST to the server's root, the topic in the body; what the
address has after "?", such as `auth`, goes along), https://docs.ntfy.sh/publish/#limitations (a message has at most
4 096 bytes; a longer one becomes an attachment). Without `markdown` a message is plain text.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from exports.notify.figures import shorten
from exports.notify.notification import BAD, GOOD, NEUTRAL, WARNING, Notification

TOPIC: Final = re.compile(r"/([-_A-Za-z0-9]{1,64})/?\Z")
# 1 (lowest) to 5; 4 rings also where a phone is quiet by default.
PRIORITIES: Final = {GOOD: 3, NEUTRAL: 3, WARNING: 3, BAD: 4}
TAGS: Final = {GOOD: "white_check_mark", BAD: "x", WARNING: "warning", NEUTRAL: "information_source"}
MAX_TITLE: Final = 200
MAX_BYTES: Final = 3500
WORD_JOINER: Final = "\u2060"


def is_topic_url(address: str) -> bool:
    """Whether the address is a server's root with a topic, and nothing else in its path."""
    return bool(TOPIC.fullmatch(urlsplit(address).path))


def url_and_body(address: str, notification: Notification) -> tuple[str, dict[str, Any]]:
    """The address to publish at, and the message. Raises ValueError when `address` is none with a topic."""
    parts = urlsplit(address)
    topic = TOPIC.fullmatch(parts.path)
    if topic is None:
        raise ValueError("The address names no topic.")
    lines = [
        *notification.sentences,
        "",
        *(f"{fact.label}: {fact.value}" for fact in notification.facts),
        notification.team,
    ]
    message = _unlinked("\n".join(lines)).encode()[:MAX_BYTES].decode(errors="ignore")
    body: dict[str, Any] = {
        "topic": topic[1],
        "title": _unlinked(shorten(notification.title, MAX_TITLE)),
        "message": message,
        "priority": PRIORITIES[notification.tone],
        "tags": [TAGS[notification.tone]],
    }
    if notification.url:
        body["click"] = notification.url
        body["actions"] = [{"action": "view", "label": notification.link_label, "url": notification.url}]
    return urlunsplit((parts.scheme, parts.netloc, "/", parts.query, "")), body


def _unlinked(text: str) -> str:
    """The text with nothing that phones turn into a link: addresses, names of hosts, mail addresses."""
    text = text.replace("://", f":{WORD_JOINER}//").replace("@", f"@{WORD_JOINER}")
    return re.sub(r"(?<=\w)\.(?=[^\W\d_])", f".{WORD_JOINER}", text)
