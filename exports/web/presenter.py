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
from exports.exporting.fetch_again import may_fetch_again
from exports.models import Change, Export
from exports.providers.contract import Kind
from exports.templatetags.pages import heading, provider_label, status_label

ACTION_LABELS: Final = {
    "you": _l("Your turn"),
    "us": _l("The portal's turn"),
    "provider": _l("{provider}'s turn"),
    "none": _l("Nothing to do"),
}
# By error code: what happened, and what the reader can do. `{provider}` is replaced by the provider's name.
FAILURE_TITLES: Final = {
    "rejected": _l("{provider} refused the request"),
    "credential": _l("{provider} did not accept the credential"),
    "not_found": _l("{provider} does not know this project"),
    "precondition": _l("{provider} cannot do it as things stand"),
    "provider_failed": _l("The job failed at {provider}"),
    "no_file": _l("{provider} finished, but there is no file"),
    "bad_file": _l("The file that came is not usable"),
    "too_large": _l("The file is larger than this portal keeps"),
    "deadline": _l("It took too long, so the portal stopped watching"),
    "unconfirmed": _l("It is not known whether there is a job at {provider}"),
    "address": _l("The portal refused to open an address"),
    "unreadable": _l("{provider} answers in a way that cannot be read"),
    "storage": _l("The portal could not store the file"),
    "internal": _l("The portal stumbled over its own fault"),
}
FAILURE_ADVICE: Final = {
    "rejected": _l("Read what {provider} says, change the options or the project accordingly, and ask again."),
    "credential": _l(
        "Test the credential. If it is dead, replace its secrets; if it may not do this, use one that"
        " may. Then come back here and retry."
    ),
    "not_found": _l(
        "Look whether the project still exists at {provider} and whether the credential may see it, then retry."
    ),
    "precondition": _l("Do at {provider} what is named above, then come back here and retry."),
    "provider_failed": _l(
        "The fault lies there, not in what you asked for. It often passes, so a retry may do. If it"
        " fails again, ask {provider}."
    ),
    "no_file": _l(
        "The fault lies there, not in what you asked for. It often passes, so a retry may do. If it stays so,"
        " ask {provider} where the file is."
    ),
    "bad_file": _l(
        "What came is not kept, since nobody could use it. A retry has it made anew. If it stays so, ask {provider}."
    ),
    "too_large": _l("Ask the portal's staff for a higher limit, then retry."),
    "deadline": _l(
        "If the job still runs at {provider}, watch it again: nothing is asked for twice. If it does not run"
        " any more, retry."
    ),
    "unconfirmed": _l(
        "Look at {provider} whether the job runs there. If it does, adopt it: give its id, and the portal"
        " follows that job and asks for nothing twice. If it does not, retry. A retry beside a job that runs makes it"
        " run twice."
    ),
    "address": _l(
        "The link that {provider} gave leads to a place that the portal opens for nobody. A retry may bring a"
        " better one. If it stays so, ask {provider}, and tell the portal's staff."
    ),
    "unreadable": _l("It may pass, so retry later. If it stays so, ask {provider}, and tell the portal's staff."),
    "storage": _l("The portal's staff must make room first; then retry."),
    "internal": _l("Tell the portal's staff, who find this export by its number. A retry asks {provider} anew."),
}
# By error code, for exports whose job the provider had accepted.
ACCEPTED_FAILURE_TITLES: Final = {"not_found": _l("{provider} does not know the job any more")}
ACCEPTED_FAILURE_ADVICE: Final = {
    "not_found": _l("The job is gone at {provider}, and its file with it. Retry to have it made anew."),
    "no_file": _l(
        "The job is done there, so nothing has to be asked for anew: fetch the file again when it is there. If it stays"
        " so, ask {provider} where the file is; a retry has it made anew."
    ),
    "bad_file": _l(
        "What came is not kept, since nobody could use it. Fetch the file again: nothing is asked for anew. If it stays"
        " so, a retry has it made anew, or ask {provider}."
    ),
    "too_large": _l(
        "Delete files, or ask the portal's staff for a higher limit. Then fetch the file again: nothing is asked for"
        " anew."
    ),
    "storage": _l("The portal's staff must make room first. Then fetch the file again: nothing is asked for anew."),
    "address": _l(
        "The link that {provider} gave leads to a place that the portal opens for nobody. Fetch the file again: there"
        " may be a better link by then. If it stays so, ask {provider}, and tell the portal's staff."
    ),
}
# A 403: the credential is good, and may not do this.
NO_ACCESS_ADVICE: Final = _l(
    "Give the credential's account access to the project at {provider}, or use a credential that has it. Then come back"
    " here and retry."
)
# By error code: the action that is offered before the others; otherwise "retry".
PRIMARY_REMEDIES: Final = {"credential": "credential", "rejected": "edit", "unconfirmed": "adopt", "deadline": "watch"}
# Error codes that only occur after the provider has finished the job.
CODES_AFTER_COMPLETION: Final = frozenset({"no_file", "bad_file", "too_large", "storage"})
# Sources of a change that report a cancellation at the provider; the others cancel in the portal.
PROVIDER_SOURCES: Final = frozenset({"poll", "webhook", "worker"})
MAX_RETRIES_SHOWN: Final = 20


@dataclass(frozen=True)
class Stage:
    """A stage of an export: accepted, done at the provider, file verified. `at`: when it was passed."""

    label: str
    icon: str
    at: datetime | None = None
    current: bool = False


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


def build_stages(export: Export) -> list[Stage]:
    """Returns the stages of an export in order; `current` marks the first one that an open export has not passed."""
    stages = []
    current = export.is_open
    for label, is_passed, at in _stage_facts(export):
        stages.append(Stage(label, "check" if is_passed else "empty", at, current and not is_passed))
        current = current and is_passed
    return stages


def _stage_facts(export: Export) -> list[tuple[str, bool, datetime | None]]:
    """Returns label, whether it is passed, and when, of each stage."""
    provider = provider_label(export.project.credential)
    succeeded = export.status == states.SUCCEEDED
    accepted = bool(export.remote_id or export.submitted_at) or succeeded
    # A link is only opened after the job, so an address that was refused then means that the job was done.
    refused = export.error_code == "address" and bool(export.remote_id)
    done = succeeded or export.step == states.FETCH or export.error_code in CODES_AFTER_COMPLETION or refused
    accepted_label = _("Taken by %(provider)s") % {"provider": provider}
    done_label = _("Done at %(provider)s") % {"provider": provider}
    facts = [(accepted_label, accepted, export.started_at if accepted else None)]
    if export.format == "none":
        return [*facts, (done_label, done, export.finished_at if succeeded else None)]
    deleted = export.file is not None and export.file.deleted_at is not None
    file_label = _("File verified, deleted since") if deleted else _("File here and verified")
    verified_at = export.file.verified_at if export.file else None
    return [*facts, (done_label, done, None), (file_label, succeeded, verified_at)]


def describe_next_step(export: Export) -> NextStep | None:
    """Returns the next step of an open export, or None when it has ended."""
    if not export.is_open:
        return None
    provider = provider_label(export.project.credential)
    if export.step == states.FETCH:
        text = _("The portal fetches the file and verifies it.")
    elif export.step == states.POLL:
        text = _("The portal asks %(provider)s how the job is doing.") % {"provider": provider}
    elif export.request_sent_at is not None:
        if export.may_ask_again:
            text = _(
                "It is not known whether %(provider)s made the job, so the portal looks for it there."
                " Only where a complete list stays without the job for minutes is the request sent once more."
            )
        else:
            text = _(
                "It is not known whether %(provider)s made the job, so the portal looks for it there."
                " The request is not sent again."
            )
        text %= {"provider": provider}
    elif not export.may_ask_again:
        text = _(
            "%(provider)s listed no job of the first request, so the portal sends it once more,"
            " and not again after that."
        ) % {"provider": provider}
    else:
        text = _("The portal asks %(provider)s to start the job.") % {"provider": provider}
    now = timezone.now()
    held = export.held_until is not None and export.held_until > now
    due = export.next_step_at is not None and export.next_step_at <= now
    return NextStep(text, export.next_step_at, held or due, export.wait_note)


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
    if remedy == "retry" and may_fetch_again(export):
        remedy = "fetch"
    action_label = str(ACTION_LABELS.get(export.error_action, "")).format(provider=provider)
    return Failure(title.format(provider=provider), action_label, advice.format(provider=provider), remedy)


def canceled_at_provider(export: Export, changes: Iterable[Change | None]) -> bool:
    """Whether the last cancellation came from the provider and not from the portal."""
    sources = [change.source for change in changes if change and change.to_status == states.CANCELED]
    return export.status == states.CANCELED and bool(sources) and sources[-1] in PROVIDER_SOURCES


def find_related(export: Export) -> RelatedExports:
    """Returns the previous export and at most MAX_RETRIES_SHOWN retries, in one query."""
    earlier = Export.objects.filter(project_id=export.project_id, type=export.type, pk__lt=export.pk)
    previous = Subquery(earlier.order_by("-pk").values("pk")[:1])
    rows = list(Export.objects.filter(Q(pk=previous) | Q(retry_of=export)).order_by("pk")[: MAX_RETRIES_SHOWN + 1])
    return RelatedExports(
        next((row for row in rows if row.pk < export.pk), None), [row for row in rows if row.retry_of_id == export.pk]
    )


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
        rows.append(OptionValue(str(label), _display_value(value), value != old_value, _display_value(old_value)))
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
