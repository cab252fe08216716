"""Texts and values of an export's page: stages, next step, explanation of a failure, related exports, options."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import states
from exports.exporting import actions
from exports.exporting.fetch_again import may_fetch_again
from exports.models import Call, Change, Export
from exports.providers.contract import Kind
from exports.sentences import translated
from exports.templatetags.elements import status_label
from exports.templatetags.pages import heading, provider_label

ACTION_LABELS: Final = {
    "you": _l("Your turn"),
    "us": _l("Needs an admin"),
    "provider": _l("{provider}'s turn"),
    "none": _l("Nothing to do"),
}
# By error code: what happened, and what the reader can do. `{provider}` is replaced by the provider's name.
FAILURE_TITLES: Final = {
    "rejected": _l("{provider} rejected the request"),
    "credential": _l("{provider} no longer accepts this credential"),
    "not_found": _l("{provider} can't find this project"),
    "precondition": _l("{provider} can't do this yet"),
    "provider_failed": _l("The job failed at {provider}"),
    "no_file": _l("{provider} finished but produced no file"),
    "bad_file": _l("The file is damaged"),
    "too_large": _l("The file is over the size limit"),
    "deadline": _l("Still not done, so we stopped watching"),
    "unconfirmed": _l("We don't know if {provider} got the request"),
    "address": _l("We blocked the download link"),
    "unreadable": _l("{provider} sent an answer we can't read"),
    "storage": _l("Storage is full"),
    "internal": _l("Something broke on our side"),
}
FAILURE_ADVICE: Final = {
    "rejected": _l("Change what it names, then run it."),
    "credential": _l("Replace the secret, or use another credential."),
    "not_found": _l(
        "It was deleted there, or the credential can't see it. Check its id and its credential, then retry."
    ),
    "precondition": _l("Finish the step it names, then retry."),
    "provider_failed": _l("Your request was fine. A retry often works."),
    "no_file": _l("Your request was fine. A retry often works."),
    "bad_file": _l("We didn't keep it. Retry to have it made again."),
    "too_large": _l("Ask an admin to raise it, then retry."),
    "deadline": _l("If it's still running there, follow it; nothing is requested twice."),
    "unconfirmed": _l("Check there first: retrying could run it twice. If it runs there, follow it."),
    "address": _l("It points somewhere this portal never fetches from. A retry may bring a better one."),
    "unreadable": _l("Retry later. If it stays, tell an admin."),
    "storage": _l("An admin has to free space. Then retry."),
    "internal": _l("Retrying is safe. If it fails again, tell an admin the number below."),
}
# By error code, for exports whose job the provider had accepted.
ACCEPTED_FAILURE_TITLES: Final = {"not_found": _l("The job is gone at {provider}")}
ACCEPTED_FAILURE_ADVICE: Final = {
    "not_found": _l("Retry to run a new one."),
    "no_file": _l("The job is done there. Fetch the file again, or retry to have it made again."),
    "bad_file": _l("We didn't keep it. Fetch it again, or retry to have it made again."),
    "too_large": _l("Delete files, or ask an admin to raise the limit. Then fetch the file again."),
    "storage": _l("An admin has to free space. Then fetch the file again."),
    "address": _l(
        "It points somewhere this portal never fetches from. Fetch the file again; the link may have changed."
    ),
}
# A 403: the credential is good, and may not do this.
NO_ACCESS_ADVICE: Final = _l(
    "Give the credential's account access to the project at {provider}, then retry. Or replace the secret with one "
    "of an account that has access."
)
# By error code: the action that is offered before the others; otherwise "retry".
PRIMARY_REMEDIES: Final = {
    "credential": "credential",
    "rejected": "edit",
    "not_found": "project",
    "unconfirmed": "adopt",
    "deadline": "watch",
}
# Sources of a change that report a cancellation at the provider; the others cancel in the portal.
PROVIDER_SOURCES: Final = frozenset({"poll", "webhook", "worker"})
MAX_RETRIES_SHOWN: Final = 20


@dataclass(frozen=True)
class NextStep:
    """What the portal does next, when, and why it waits. `is_running`: due or under way."""

    text: str
    at: datetime | None
    is_running: bool
    wait_reason: str


@dataclass(frozen=True)
class Failure:
    """An explained failure: what happened, who must act, what helps, and the action that is offered first."""

    title: str
    action_label: str
    advice: str
    primary_remedy: str


@dataclass(frozen=True)
class RelatedExports:
    """The export of the same project and kind before this one, and the retries of this one."""

    previous: Export | None
    retries: list[Export]


@dataclass(frozen=True)
class OptionValue:
    """An option with its form label. `changed`: the previous export had `previous_value` ("": not set)."""

    label: str
    value: str
    changed: bool = False
    previous_value: str = ""


def window_title(export: Export) -> str:
    """Returns the window's title: state, then kind and project."""
    return f"{status_label(export.status)}: {heading(export)}"


def describe_next_step(export: Export) -> NextStep | None:
    """Returns the next step of an open export, or None when it has ended."""
    if not export.is_open:
        return None
    provider = provider_label(export.project.credential)
    if export.step == states.FETCH:
        text = _("Fetching and verifying the file.")
    elif export.step == states.POLL:
        text = ""
    elif export.request_sent_at is not None:
        if export.may_ask_again:
            text = _(
                "We lost %(provider)s's answer and are looking for the job."
                " We only request it again if a complete list stays without it for minutes."
            )
        else:
            text = _("We lost %(provider)s's answer and are looking for the job. We won't request it again.")
        text %= {"provider": provider}
    elif not export.may_ask_again:
        text = _(
            "%(provider)s listed no job of the first request, so we request it once more, and not again after that."
        ) % {"provider": provider}
    else:
        text = _("Requesting the export at %(provider)s.") % {"provider": provider}
    now = timezone.now()
    held = export.held_until is not None and export.held_until > now
    due = export.next_step_at is not None and export.next_step_at <= now
    return NextStep(text, export.next_step_at, held or due, export.wait_note)


def note_on_cancel(export: Export) -> str:
    """Returns what becomes of the job at the provider when the export is canceled now."""
    try:
        return translated(actions.note_on_cancel(export))
    except KeyError:  # the portal no longer has the provider
        return _("The job may go on at the provider.")


def explain_failure(export: Export) -> Failure | None:
    """Returns the explanation of a failed export, or None for another status."""
    if export.status != states.FAILED:
        return None
    provider, code = provider_label(export.project.credential), export.error_code
    accepted = bool(export.remote_id)
    title = (ACCEPTED_FAILURE_TITLES.get(code) if accepted else None) or FAILURE_TITLES.get(code) or _("It failed")
    advice = (ACCEPTED_FAILURE_ADVICE.get(code) if accepted else None) or FAILURE_ADVICE.get(code) or _("Retry.")
    if code == "credential" and export.error_message.startswith(states.NO_ACCESS):
        title, advice = _("No access to this project"), NO_ACCESS_ADVICE
    remedy = PRIMARY_REMEDIES.get(code, "retry")
    if remedy == "watch" and not accepted:
        remedy = "adopt"
    if remedy == "project" and accepted:
        remedy = "retry"
    if remedy == "retry" and may_fetch_again(export):
        remedy = "fetch"
    action_label = str(ACTION_LABELS.get(export.error_action, "")).format(provider=provider)
    return Failure(title.format(provider=provider), action_label, advice.format(provider=provider), remedy)


def answer_to_request(export: Export) -> str:
    """Returns what the provider answered to a request of which nobody knows whether it was executed, as a sentence.

    "" for other exports, where the call is in the log no more, and where the answer was a 2xx: the token that a later
    search for the job wanted is a POST with a 2xx, too, so such a call need not be the request.
    """
    if export.status != states.FAILED or export.error_code != "unconfirmed":
        return ""
    failed = Call.objects.filter(export=export).exclude(method="GET").exclude(status__range=(200, 299))
    call = failed.order_by("-pk").first()
    if call is None:
        return ""
    provider = provider_label(export.project.credential)
    if call.status is None:
        return _("%(provider)s did not answer the request.") % {"provider": provider}
    return _("%(provider)s answered the request with HTTP %(status)s.") % {"provider": provider, "status": call.status}


def canceled_at_provider(export: Export, changes: Iterable[Change | None]) -> bool:
    """Whether the last cancellation came from the provider and not from the portal."""
    sources = [change.source for change in changes if change and change.to_status == states.CANCELED]
    return export.status == states.CANCELED and bool(sources) and sources[-1] in PROVIDER_SOURCES


def find_related(export: Export) -> RelatedExports:
    """Returns the previous export and at most MAX_RETRIES_SHOWN retries, in one query."""
    earlier = Export.objects.filter(project_id=export.project_id, type=export.type, pk__lt=export.pk)
    previous = Subquery(earlier.order_by("-pk").values("pk")[:1])
    rows = list(
        Export.objects.select_related("file")
        .filter(Q(pk=previous) | Q(retry_of=export))
        .order_by("pk")[: MAX_RETRIES_SHOWN + 1]
    )
    return RelatedExports(
        next((row for row in rows if row.pk < export.pk), None), [row for row in rows if row.retry_of_id == export.pk]
    )


def last_good(export: Export) -> Export | None:
    """Returns the latest export of the same project and kind that has a file still, in one query."""
    rows = Export.objects.filter(project_id=export.project_id, status=states.SUCCEEDED, type=export.type)
    return rows.filter(file__deleted_at=None, file__isnull=False).select_related("file").order_by("-pk").first()


def compare_options(export: Export, kind: Kind | None, previous: Export | None) -> list[OptionValue]:
    """Returns the options of the export and those that only the previous one had, with the differences."""
    fields = kind.options.base_fields if kind else {}
    previous_options = previous.options if previous else export.options
    rows = []
    if previous is not None and previous.format != export.format:
        rows.append(OptionValue(_("File format"), export.format, True, previous.format))
    for name in [*export.options, *(name for name in previous_options if name not in export.options)]:
        label = (fields[name].label if name in fields else None) or name.replace("_", " ").capitalize()
        value, old_value = export.options.get(name), previous_options.get(name)
        rows.append(
            OptionValue(translated(label), _display_value(value), value != old_value, _display_value(old_value))
        )
    return rows


def _display_value(value: Any) -> str:
    """Returns an option's value as text; "" when it is not set."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
