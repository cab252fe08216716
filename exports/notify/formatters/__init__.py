"""A notification as each service takes it: pure functions that make the request which is sent.

No text of a notification can mention anybody, become a link or be formatted there: names of projects come from outside.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from exports.models.alert import DISCORD, NTFY, SLACK, TEAMS
from exports.notify.formatters import discord, microsoft_teams, ntfy, slack
from exports.notify.notification import Notification


@dataclass(frozen=True)
class OutgoingRequest:
    """A POST of a JSON body. `url` is a secret."""

    url: str = field(repr=False)
    body: dict[str, Any]


_BODIES: Final[dict[str, Callable[[Notification], dict[str, Any]]]] = {
    SLACK: slack.body,
    TEAMS: microsoft_teams.body,
    DISCORD: discord.body,
}


def request_for(kind: str, address: str, notification: Notification) -> OutgoingRequest:
    """The request that tells a service of this kind the notification."""
    if kind == NTFY:
        return OutgoingRequest(*ntfy.url_and_body(address, notification))
    return OutgoingRequest(address, _BODIES[kind](notification))
