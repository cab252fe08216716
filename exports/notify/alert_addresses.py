"""Addresses of alerts, which are secrets: which are taken for which kind, and how they are masked."""

from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from exports.credentials.client import address_guard
from exports.crypto import CryptoError
from exports.models import Alert, Member, Team, User
from exports.models.alert import DISCORD, MAIL, NTFY, SLACK, TEAMS
from exports.notify.formatters import ntfy
from exports.transport.errors import AddressError

UNREADABLE: Final = "(can't be decrypted)"
# What people paste by mistake: hosts of the service that are no webhook's, and the sentence that says where one is.
SLACK_PAGES: Final = ("slack.com", "app.slack.com")
RETIRED_TEAMS_HOSTS: Final = ("outlook.office.com", "outlook.office365.com", "webhook.office.com")
DISCORD_HOSTS: Final = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")


def check_address(team: Team, kind: str, address: str) -> str:
    """The address as it is stored. Raises ValueError with a sentence that says what is wrong."""
    address = address.strip()
    if not address:
        raise ValueError("Enter an address.")
    if kind == MAIL:
        return _check_mail_address(team, address.lower())
    try:
        parts = address_guard().check(address)
    except AddressError as error:
        raise ValueError(error.message) from None
    host, path = (parts.hostname or "").lower(), parts.path.rstrip("/")
    if kind == NTFY:
        if not ntfy.is_topic_url(address):
            raise ValueError("Enter the server and the topic, like https://ntfy.sh/your-topic.")
    elif not path:
        raise ValueError("Enter the whole address of the webhook, not only its host.")
    elif kind == SLACK and (host in SLACK_PAGES or host.endswith(".enterprise.slack.com")):
        raise ValueError("That's a page of Slack. A webhook's address begins with https://hooks.slack.com/services/.")
    elif kind == DISCORD and host in DISCORD_HOSTS and not path.startswith("/api/webhooks/"):
        raise ValueError(f"That's a page of Discord. A webhook's address begins with https://{host}/api/webhooks/.")
    elif kind == DISCORD and path.endswith(("/slack", "/github")):
        raise ValueError("Leave out the last part: this address takes messages in another format.")
    elif kind == TEAMS and any(host == name or host.endswith(f".{name}") for name in RETIRED_TEAMS_HOSTS):
        raise ValueError("Microsoft has retired connectors. Make a workflow in Teams and paste its address.")
    return address


def _check_mail_address(team: Team, address: str) -> str:
    try:
        validate_email(address)
    except ValidationError:
        raise ValueError(f"“{address}” is not an e-mail address.") from None
    user = member_with_address(team, address)
    if user is None:
        raise ValueError(f"{address} isn't a member of this team. Invite them first.")
    if not user.email_confirmed:
        raise ValueError(f"{address} hasn't been confirmed yet, so no mail goes there.")
    return address


def member_with_address(team: Team, address: str) -> User | None:
    """The active member of the team with this mail address."""
    rows = Member.objects.filter(team=team, user__email__iexact=address, user__is_active=True).select_related("user")
    member = rows.first()
    return member.user if member else None


def masked_address(alert: Alert) -> str:
    """The address as everybody may see it: the first letter of a mailbox, or the host of a URL."""
    try:
        address = alert.address()
    except CryptoError:
        return UNREADABLE
    return mask(alert.kind, address)


def mask(kind: str, address: str) -> str:
    """The address without what is secret in it."""
    if kind == MAIL:
        mailbox, _, domain = address.rpartition("@")
        return f"{mailbox[:1]}…@{domain}"
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"
