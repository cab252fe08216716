"""Whatever a project is called, its name mentions nobody, is no link and has no format in any chat or phone."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports.models.alert import DISCORD, NTFY, SLACK, TEAMS
from exports.notify.figures import plain
from exports.notify.formatters import request_for
from exports.notify.notification import BAD, GOOD, NEUTRAL, WARNING, Fact, Notification
from tests.helpers.roles import TABLES

ADDRESS = "https://chat.example/topic"
PAGE = "https://portal.example.org/t/the-team/exports/7/"
HOSTILE = (
    "@everyone",
    "@here <!channel> <!here> <@U123> <#C123> <!subteam^S1>",
    "<@123456> <@&987> <#42> <t:0> <:x:1>",
    "[win](https://evil.example) <https://evil.example|win>",
    "https://evil.example http://evil.example ntfy.evil.example mail@evil.example",
    "**bold** _it_ ~~no~~ `code` ```block``` ||spoiler|| > quote",
    "# heading - list 1. one * two",
    "{{DATE(2017-02-14T06:00:00Z, SHORT)}} <at>Someone</at>",
    ":rotating_light: :+1:",
    "\\@everyone \\\\",
    "&lt;!channel&gt;",
    "\u202egnp.exe",
)
names = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=150), st.text("@<>[](){}*_`~|#:/.\\&!- hteps", max_size=350)
)
few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def notifications(choose: st.DrawFn) -> Notification:
    """A notification with a hostile text wherever one can come from outside."""
    drawn = itertools.cycle([plain(text, 500) or "x" for text in choose(st.lists(names, min_size=1, max_size=4))])
    return Notification(
        choose(st.sampled_from([GOOD, BAD, WARNING, NEUTRAL])),
        "Failed",
        next(drawn),
        tuple(next(drawn) for _ in range(choose(st.integers(0, 3)))),
        tuple(Fact("What", next(drawn)) for _ in range(choose(st.integers(0, 14)))),
        next(drawn),
        choose(st.sampled_from([PAGE, ""])),
        "Open the export",
        "#7",
    )


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


@pytest.mark.slow(seconds=5)
@few
@given(notifications())
def test_slack_formats_nothing_but_our_own_link(notification: Notification) -> None:
    body = request_for(SLACK, ADDRESS, notification).body
    formatted = [node["text"] for node in nodes(body["blocks"]) if node.get("type") == "mrkdwn"]
    assert formatted == ([f"<{PAGE}|Open the export>"] if notification.url else [])
    plain_texts = [node for node in nodes(body["blocks"]) if node.get("type") == "plain_text"]
    assert all(node["emoji"] is False and 1 <= len(node["text"]) <= 3000 for node in plain_texts)
    assert len(body["blocks"][0]["text"]["text"]) <= 150
    fields = [node["fields"] for node in nodes(body["blocks"]) if "fields" in node]
    assert all(len(one) <= 10 and all(len(field["text"]) <= 2000 for field in one) for one in fields)
    assert not re.search(r"[<>|]|&(?!(amp|lt|gt);)", body["text"])
    assert (body["parse"], body["mrkdwn"], body["unfurl_links"]) == ("none", False, False)


@few
@given(notifications())
def test_teams_gets_texts_only_where_markdown_is_not_read(notification: Notification) -> None:
    body = request_for(TEAMS, ADDRESS, notification).body
    [attachment] = body["attachments"]
    card = attachment["content"]
    assert {node["type"] for node in nodes(card["body"])} == {"RichTextBlock", "TextRun"}
    assert "entities" not in card["msteams"]
    assert [one["url"] for one in card.get("actions", [])] == ([PAGE] if notification.url else [])
    assert not any("{{" in node["text"] for node in nodes(card["body"]) if node["type"] == "TextRun")
    assert len(json.dumps(body, ensure_ascii=False).encode()) < 28_000


@few
@given(notifications())
def test_discord_gets_every_punctuation_mark_escaped_within_its_limits(notification: Notification) -> None:
    body = request_for(DISCORD, ADDRESS, notification).body
    [embed] = body["embeds"]
    assert body["allowed_mentions"] == {"parse": []}
    assert "content" not in body
    formatted = [embed["title"], *embed["description"].split("\n")]
    formatted += [text for field in embed["fields"] for text in (field["name"], field["value"])]
    punctuation = r"!-/:-@\[-`{-~"
    assert all(re.fullmatch(rf"(\\[{punctuation}]|[^{punctuation}])*", text) for text in formatted)
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert len(embed["fields"]) <= 25
    assert all(1 <= len(field["name"]) <= 256 and 1 <= len(field["value"]) <= 1024 for field in embed["fields"])
    assert sum(map(len, [*formatted, embed["footer"]["text"]])) <= 6000
    assert embed.get("url", "") == notification.url


@few
@given(notifications())
def test_ntfy_gets_plain_text_in_which_phones_find_no_link(notification: Notification) -> None:
    request = request_for(NTFY, f"{ADDRESS}?auth=abc", notification)
    assert request.url == "https://chat.example/?auth=abc"
    assert request.body["topic"] == "topic"
    assert "markdown" not in request.body
    for text in (request.body["title"], request.body["message"]):
        assert "://" not in text
        assert not re.search(r"\w\.[a-z]", text)
        assert len(text.encode()) <= 4096
    assert request.body.get("click", "") == notification.url


@pytest.mark.parametrize("kind", [SLACK, TEAMS, DISCORD, NTFY])
def test_every_service_gets_title_sentence_facts_and_link(kind: str) -> None:
    notification = Notification(
        BAD,
        "Failed",
        "Orders failed",
        (f"{TABLES.label} said no",),
        (Fact("Took", "4 min"),),
        "Crew",
        PAGE,
        "Open",
        "#7",
    )
    text = json.dumps(request_for(kind, ADDRESS, notification).body, ensure_ascii=False)
    assert all(part in text for part in ("Orders failed", f"{TABLES.label} said no", "Took", "4 min", "Crew", PAGE))


@given(st.text(max_size=1000), st.integers(2, 300))
def test_texts_have_one_line_and_no_invisible_letters(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert not re.search("[\\x00-\\x1f\\x7f-\\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)
