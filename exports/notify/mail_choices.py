"""Whom an event is mailed to: each member's own choice of scope and events, and its default."""

from typing import Final

from exports.models import Event, Member, User
from exports.models import event as events
from exports.models.event import EVENT_TYPES

SCOPE_MINE, SCOPE_ALL, SCOPE_NONE = "mine", "all", "none"
# Told to whose the export is, unless they chose otherwise, by the two choices of the account.
BY_SUCCESS: Final = frozenset({events.EXPORT_SUCCEEDED})
BY_FAILURE: Final = frozenset({events.EXPORT_FAILED, events.EXPORT_CANCELED})


def chosen_events(member: Member, user: User, scope: str) -> frozenset[str]:
    """The events that the member is mailed with this scope: those chosen, else by the choices of the account."""
    if member.mail_events is not None:
        return frozenset(member.mail_events)
    by_account = (BY_SUCCESS if user.mail_success else frozenset()) | (BY_FAILURE if user.mail_failure else frozenset())
    others = frozenset(EVENT_TYPES) - BY_SUCCESS - BY_FAILURE
    return by_account | (others if scope == SCOPE_ALL else frozenset({events.SCHEDULE_DISABLED}))


def wants(member: Member, event: Event, is_concerned: bool) -> bool:
    """Whether the event is mailed to the member. `is_concerned`: it is about an export or schedule of theirs."""
    if member.mail_scope == SCOPE_NONE or (member.mail_scope == SCOPE_MINE and not is_concerned):
        return False
    return event.type in chosen_events(member, member.user, member.mail_scope)
