"""The models of the portal."""

from exports.models.alert import Alert, Webhook
from exports.models.audit_entry import AuditEntry
from exports.models.cache import Cached
from exports.models.call import Call
from exports.models.change import Change
from exports.models.credential import Credential, RateLimitPause, RateWindow
from exports.models.database_identity import DatabaseIdentity
from exports.models.discovery import AutoProtection, RemoteProject
from exports.models.download import Download
from exports.models.event import Event
from exports.models.export import Export
from exports.models.file import File
from exports.models.heartbeat import Heartbeat, OpenCircuit
from exports.models.incident import Incident, LastRun
from exports.models.invitation import Invitation
from exports.models.outbox import OutboxMessage
from exports.models.project import Project
from exports.models.reservation import Reservation
from exports.models.retention import RetentionRule
from exports.models.rollup import Rollup
from exports.models.saved_filter import SavedFilter
from exports.models.schedule import Schedule, ScheduleRun
from exports.models.team import Member, Team, User
from exports.models.token import IdempotencyKey, Token

__all__ = [
    "Alert",
    "AuditEntry",
    "AutoProtection",
    "Cached",
    "Call",
    "Change",
    "Credential",
    "DatabaseIdentity",
    "Download",
    "Event",
    "Export",
    "File",
    "Heartbeat",
    "IdempotencyKey",
    "Incident",
    "Invitation",
    "LastRun",
    "Member",
    "OpenCircuit",
    "OutboxMessage",
    "Project",
    "RateLimitPause",
    "RateWindow",
    "RemoteProject",
    "Reservation",
    "RetentionRule",
    "Rollup",
    "SavedFilter",
    "Schedule",
    "ScheduleRun",
    "Team",
    "Token",
    "User",
    "Webhook",
]
