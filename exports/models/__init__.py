"""What the portal remembers."""

from exports.models.credential import Credential, Pause
from exports.models.export import Change, Export
from exports.models.file import File
from exports.models.life import Heartbeat
from exports.models.notice import Notice
from exports.models.project import Project
from exports.models.record import Call
from exports.models.team import Member, Team, User
from exports.models.token import IdempotencyKey, Token

__all__ = [
    "Call",
    "Change",
    "Credential",
    "Export",
    "File",
    "Heartbeat",
    "IdempotencyKey",
    "Member",
    "Notice",
    "Pause",
    "Project",
    "Team",
    "Token",
    "User",
]
