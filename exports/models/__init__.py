"""The models of the portal."""

from exports.models.audit_entry import AuditEntry
from exports.models.cache import Cached
from exports.models.call import Call
from exports.models.change import Change
from exports.models.credential import Credential, RateLimitPause, RateWindow
from exports.models.download import Download
from exports.models.export import Export
from exports.models.file import File
from exports.models.heartbeat import Heartbeat, OpenCircuit
from exports.models.invitation import Invitation
from exports.models.outbox import OutboxMessage
from exports.models.project import Project
from exports.models.reservation import Reservation
from exports.models.team import Member, Team, User
from exports.models.token import IdempotencyKey, Token

__all__ = [
    "AuditEntry",
    "Cached",
    "Call",
    "Change",
    "Credential",
    "Download",
    "Export",
    "File",
    "Heartbeat",
    "IdempotencyKey",
    "Invitation",
    "Member",
    "OpenCircuit",
    "OutboxMessage",
    "Project",
    "RateLimitPause",
    "RateWindow",
    "Reservation",
    "Team",
    "Token",
    "User",
]
