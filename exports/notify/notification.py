"""A notification: what a message says, as plain text. Whoever sends it escapes it for the format that it is sent in."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from exports.models import Credential, Export
from exports.notify.figures import plain
from exports.sentences import translated

GOOD, BAD, WARNING, NEUTRAL = "good", "bad", "warning", "neutral"
# How each tone looks beside its word, where there is no icon.
TONE_MARKS: Final = {GOOD: "✓", BAD: "✕", WARNING: "!", NEUTRAL: "•"}
MAX_NAME: Final = 120


@dataclass(frozen=True)
class Fact:
    """A line of the table below the sentences."""

    label: str
    value: str


@dataclass(frozen=True)
class Notification:
    """What is told. `label` is one word for the tone; `url` is "" when the portal does not know its own address."""

    tone: str
    label: str
    title: str
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    team: str
    url: str
    link_label: str
    reference: str = ""


def heading(export: Export) -> str:
    """What an export is, as in "Orders of Bakery Campaign"."""
    project = plain(export.project, MAX_NAME)
    try:
        kind = export.kind
    except KeyError:  # The portal no longer has the provider.
        return _("%(kind)s of %(project)s") % {"kind": export.type, "project": project}
    names = {"kind": translated(kind.label), "project": project}
    return _("%(kind)s: %(project)s") % names if kind.effect == "changes" else _("%(kind)s of %(project)s") % names


def provider_label(credential: Credential) -> str:
    """The provider's name."""
    try:
        return credential.provider_definition.label
    except KeyError:
        return credential.provider
