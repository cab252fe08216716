"""What the portal remembers."""

from exports.models.audit import Event
from exports.models.cache import Cached
from exports.models.credential import Allowance, Credential, Pause
from exports.models.download import Download
from exports.models.export import Change, Export
from exports.models.file import File
from exports.models.invitation import Invitation
from exports.models.life import Heartbeat, Outage
from exports.models.notice import Notice
from exports.models.project import Project
from exports.models.record import Call
from exports.models.reservation import Reservation
from exports.models.team import Member, Team, User
from exports.models.token import IdempotencyKey, Token

__all__ = [
    "Allowance",
    "Cached",
    "Call",
    "Change",
    "Credential",
    "Download",
    "Event",
    "Export",
    "File",
    "Heartbeat",
    "IdempotencyKey",
    "Invitation",
    "Member",
    "Notice",
    "Outage",
    "Pause",
    "Project",
    "Reservation",
    "Team",
    "Token",
    "User",
]
