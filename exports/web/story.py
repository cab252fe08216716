"""What an export's page says in sentences: how far it is, what happens next, whose turn it is and what helps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from exports import states
from exports.models import Export
from exports.templatetags.pages import heading, provider_label, state_word

TURNS: Final = {
    "you": "Your turn",
    "us": "The portal's turn",
    "provider": "The provider's turn",
    "none": "Nothing to do",
}
# Reason of a failure to what helps. {provider} is filled in.
ADVICE: Final = {
    "rejected": "Mend what {provider} complains about, here or there, then ask again.",
    "credential": "Test the credential, replace its secrets if it is dead, then retry.",
    "not_found": "Check that the project still exists at {provider} and that the credential may see it, then retry.",
    "precondition": "Do at {provider} what is named above, then retry.",
    "provider_failed": "Retry. If it fails again, ask {provider}: the portal's request was right.",
    "no_file": "Retry. If it stays so, ask {provider}: it says that it is done and gives no file.",
    "bad_file": "Retry. The portal keeps no file that it could not verify.",
    "too_large": "Ask the portal's staff for a higher limit, then retry.",
    "deadline": "If the job still runs at {provider}, watch it again; nothing is asked for twice. Or retry.",
    "unconfirmed": "A retry asks anew. If the job runs there already, it then runs twice.",
    "address": "Retry. The portal opens no address that could lead into a private network.",
    "unreadable": "Retry later. {provider} answers in a way that nobody could foresee.",
    "storage": "The portal's staff must look after its storage; then retry.",
    "internal": "Tell the portal's staff; they find this export by its number.",
}
# What stands to reason first: the button that is offered before the others.
FIRST: Final = {"credential": "credential", "rejected": "edit", "unconfirmed": "adopt", "deadline": "watch"}


@dataclass(frozen=True)
class Stage:
    """One of the finish lines. `mark` is an icon; `at` when it was passed."""

    label: str
    mark: str
    at: datetime | None = None
    current: bool = False


@dataclass(frozen=True)
class Next:
    """What happens next, when, and why it waits. `now`: it is under way."""

    text: str
    at: datetime | None
    now: bool
    why: str


@dataclass(frozen=True)
class Trouble:
    """A failure: whose turn it is, what helps, and the button that is offered first."""

    turn: str
    advice: str
    first: str


def title(export: Export) -> str:
    """For the window's title: state first."""
    return f"{state_word(export.status)}: {heading(export)}"


def stages(export: Export) -> list[Stage]:
    """Asked, done at the provider, file here: different facts, shown as such."""
    provider = provider_label(export.project.credential)
    done = export.status == states.SUCCEEDED
    sent = bool(export.remote_id or export.submitted_at) or done
    over = done or export.step == states.FETCH
    with_file = export.format != "none"
    passed = [
        (f"Taken by {provider}", sent, export.started_at if sent else None),
        (f"Done at {provider}", over, None if with_file else export.finished_at if done else None),
    ]
    if with_file:
        passed.append(("File here and verified", done, export.file.verified_at if export.file else None))
    made = []
    current = export.is_open
    for label, is_passed, at in passed:
        made.append(Stage(label, "check" if is_passed else "empty", at, current and not is_passed))
        current = current and is_passed
    return made


def next_step(export: Export) -> Next | None:
    """What the portal does next with an open export."""
    if not export.is_open:
        return None
    provider = provider_label(export.project.credential)
    if export.step == states.FETCH:
        text = "The portal fetches the file and verifies it."
    elif export.step == states.POLL:
        text = f"The portal asks {provider} how the job is doing."
    elif export.asked_at is not None:
        text = (
            f"The answer to the request was lost, so the portal looks for the job at {provider}. It does not ask twice."
        )
    else:
        text = f"The portal asks {provider} to start the job."
    now = timezone.now()
    held = export.held_until is not None and export.held_until > now
    due = export.next_step_at is not None and export.next_step_at <= now
    return Next(text, export.next_step_at, held or due, export.wait_note)


def trouble(export: Export) -> Trouble | None:
    """Why it failed, in a form that leads on."""
    if export.status != states.FAILED:
        return None
    provider = provider_label(export.project.credential)
    advice = ADVICE.get(export.error_code, "Retry.").format(provider=provider)
    first = FIRST.get(export.error_code, "retry")
    if first == "watch" and not export.remote_id:
        first = "adopt"
    return Trouble(TURNS.get(export.error_action, ""), advice, first)
