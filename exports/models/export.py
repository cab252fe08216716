"""Exports. Only `Export.move` assigns a status."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from django.db import IntegrityError, connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from exports import clock, states
from exports.crypto import decrypt, encrypt
from exports.models.change import Change
from exports.models.file import File
from exports.models.project import Project
from exports.models.team import Team, User
from exports.providers import registry
from exports.providers.contract import Kind

OPEN = sorted(states.OPEN)
ENDED = sorted(states.ENDED)


class ExportQuerySet(models.QuerySet["Export"]):
    def open(self) -> "ExportQuerySet":
        """The exports that have not ended."""
        return self.filter(status__in=OPEN)

    def due(self, at: datetime) -> "ExportQuerySet":
        """The exports whose next step is due and that no worker holds, the longest overdue first."""
        idle = Q(held_until__isnull=True) | Q(held_until__lte=at)
        return self.filter(idle, next_step_at__lte=at).order_by("next_step_at")

    def with_related(self) -> "ExportQuerySet":
        """With the related rows that lists and pages show, in one query."""
        return self.select_related("project__credential", "user", "file", "team")


class Export(models.Model):
    """One intention: project, type, format, options.

    `next_step_at` is the schedule: from then on the next step may be claimed. A claim sets `held_until` (the lease) and
    adds one to `fence`; it writes no indexed column. A result counts only while the fence is unchanged. A claim without
    a result ends at `held_until`, and the step may be claimed again. `request_sent_at` is set, with `baseline`, before
    the request that creates the job is sent, and reset to None when it provably was not executed. `may_ask_again` goes
    from true to false once, when a request is sent again although the one before may have been executed, or when the
    provider took it; nothing sets it to true again, so a provider gets at most two requests that it may execute.
    """

    # No indexes of their own, since indexes below begin with these columns: every poll writes each index.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, db_index=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, help_text="Who asked, and gets the mail.")
    trigger = models.CharField(max_length=10, choices=[(word, word) for word in states.TRIGGERS])
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="retries", db_index=False
    )
    schedule = models.ForeignKey(
        "Schedule", null=True, blank=True, on_delete=models.SET_NULL, related_name="exports", db_index=False
    )
    type = models.CharField(max_length=40)
    format = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    options_key = models.CharField(max_length=64, editable=False)

    status = models.CharField(max_length=10, choices=[(word, word) for word in states.STATUSES], default=states.WAITING)
    step = models.CharField(max_length=6, choices=[(word, word) for word in states.STEPS], default=states.SUBMIT)
    progress = models.FloatField(null=True)
    provider_status = models.CharField(max_length=200, blank=True)
    messages = models.JSONField(default=list)
    error_code = models.CharField(max_length=20, blank=True)
    error_message = models.TextField(blank=True)
    error_action = models.CharField(max_length=10, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    odd_change = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="How its file differs oddly from those before, a sentence.",
    )
    file = models.OneToOneField(File, null=True, blank=True, on_delete=models.PROTECT)

    dismissed_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when the team knows of the failure and wants no reminder of it."
    )
    dismissed_by = models.ForeignKey(
        User, null=True, editable=False, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_step_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField()

    fence = models.BigIntegerField(default=0, editable=False)
    request_sent_at = models.DateTimeField(null=True, editable=False)
    may_ask_again = models.BooleanField(
        default=True, editable=False, help_text="The request may be sent again where the provider shows no job of it."
    )
    search_first = models.BooleanField(default=False, db_default=False, editable=False)
    in_doubt_since = models.DateTimeField(
        null=True, editable=False, help_text="Since when answers say neither whether there is a job, nor how it is."
    )
    baseline = models.JSONField(default=dict, editable=False)
    memo = models.JSONField(default=dict, editable=False)
    encrypted_link = models.TextField(blank=True, default="", editable=False)
    search_attempts = models.PositiveIntegerField(
        default=0, editable=False, help_text="Looks for a job after a lost answer."
    )
    consecutive_failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="Steps in a row that brought nothing."
    )
    unreadable_answers = models.PositiveIntegerField(
        default=0, editable=False, help_text="Answers in a row that say nothing certain."
    )
    resends = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Unanswered requests sent again, where that is harmless."
    )
    polls = models.PositiveIntegerField(default=0, editable=False)
    rate_slot = models.BigIntegerField(null=True, editable=False, help_text="Its place in the provider's limit.")
    crash_count = models.PositiveIntegerField(
        default=0, editable=False, help_text="Claims in a row that were not settled."
    )
    refetches = models.PositiveIntegerField(default=0, editable=False, help_text="Files that were fetched and refused.")
    largest_part_bytes = models.BigIntegerField(
        default=0, editable=False, help_text="Most bytes of the file that were here."
    )
    late_answers = models.PositiveIntegerField(
        default=0, editable=False, help_text="Times in a row that the file was not at its host yet."
    )
    needed_bytes = models.BigIntegerField(
        default=0, editable=False, help_text="Room that the file needs at least, where the disk was full."
    )
    last_error_code = models.CharField(
        max_length=20, blank=True, editable=False, help_text="Code of what the last step met."
    )
    held_until = models.DateTimeField(null=True, editable=False, help_text="The end of the claim's lease.")
    reserved = models.BooleanField(
        default=False, editable=False, help_text="Claimed for a message whose task has not begun."
    )
    polls_alone = models.BooleanField(
        default=False, editable=False, help_text="Its provider answers slowly: it is polled with other slow ones."
    )
    wake_requested = models.BooleanField(
        default=False, editable=False, help_text="A hint came while a step was under way."
    )
    wait_note = models.CharField(max_length=300, blank=True, editable=False, help_text="Why the next step waits.")

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=states.STATUSES), name="export_status_known"),
            models.CheckConstraint(condition=Q(step__in=states.STEPS), name="export_step_known"),
            models.CheckConstraint(
                condition=Q(status__in=ENDED, finished_at__isnull=False) | Q(status__in=OPEN, finished_at__isnull=True),
                name="export_ended_iff_finished_at",
            ),
            models.CheckConstraint(
                condition=(Q(status__in=ENDED, next_step_at__isnull=True, step=states.NONE))
                | (Q(status__in=OPEN, next_step_at__isnull=False) & ~Q(step=states.NONE)),
                name="export_next_step_iff_open",
            ),
            models.CheckConstraint(
                condition=Q(status=states.SUCCEEDED, file__isnull=False)
                | Q(status=states.SUCCEEDED, format="none", file__isnull=True)
                | (~Q(status=states.SUCCEEDED) & Q(file__isnull=True)),
                name="export_succeeded_iff_file_or_none",
            ),
            models.CheckConstraint(
                condition=Q(status=states.FAILED, error_code__in=states.ERROR_CODES, error_action__in=states.ACTIONS)
                | (~Q(status=states.FAILED) & Q(error_code="")),
                name="export_failed_iff_error",
            ),
            models.CheckConstraint(
                condition=~Q(status=states.WAITING) | Q(step=states.SUBMIT) | Q(step=states.POLL),
                name="export_waiting_submits",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["step", "next_step_at"], name="export_due", condition=Q(next_step_at__isnull=False)),
            models.Index(
                fields=["project", "next_step_at"],
                name="export_due_of_project",
                condition=Q(next_step_at__isnull=False),
            ),
            models.Index(fields=["schedule", "-id"], name="export_of_schedule", condition=Q(schedule__isnull=False)),
            models.Index(fields=["retry_of"], name="export_retries", condition=Q(retry_of__isnull=False)),
            models.Index(fields=["team", "-id"], name="export_of_team"),
            # Finds the ids at which a period begins and ends.
            models.Index(fields=["team", "created_at"], name="export_of_team_by_time"),
            models.Index(fields=["project", "-id"], name="export_of_project"),
            models.Index(fields=["team", "status", "-id"], name="export_of_team_by_status"),
            models.Index(fields=["project", "status", "-id"], name="export_of_project_by_status"),
            # These two hold ended exports only, so that no poll writes them.
            models.Index(
                fields=["remote_id"],
                name="export_by_remote_id",
                condition=Q(finished_at__isnull=False) & ~Q(remote_id=""),
            ),
            models.Index(fields=["finished_at"], name="export_failed", condition=Q(status=states.FAILED)),
        ]

    def __str__(self) -> str:
        return f"Export {self.pk}"

    @property
    def kind(self) -> Kind:
        """The declaration of this kind of export. Raises NotInstalledError."""
        return registry.get_kind(self.project.credential.provider, self.type)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in states.OPEN

    @property
    def may_be_executed(self) -> bool:
        """Whether a request was sent that the provider may have executed."""
        return self.request_sent_at is not None or not self.may_ask_again

    def _bound_to(self) -> str:
        return f"export|{self.pk}|{self.team_id}|link"

    def decrypt_link(self) -> str:
        """The provider's link to the file, or "". Raises CryptoError."""
        return decrypt(self.encrypted_link, self._bound_to()) if self.encrypted_link else ""

    def encrypt_link(self, link: str) -> str:
        """The link encrypted for this row; does not save it. Raises CryptoError."""
        return encrypt(link, self._bound_to()) if link else ""

    def move(
        self,
        to: str,
        *,
        source: str,
        actor: str = "",
        note: str = "",
        fence: int | None = None,
        **fields: Any,
    ) -> bool:
        """Changes the status and sets `fields`, with a history row and, at the end, an event, in one transaction.

        A compare-and-swap: nothing changes unless the row still has the status of this object, and still `fence` where
        one is given. Returns whether it changed. Raises IllegalTransitionError.
        """
        if not states.may_transition(self.status, to):
            raise states.IllegalTransitionError(f"Export {self.pk}: {self.status} to {to}")
        now = clock.now()
        if to in states.ENDED:
            fields |= {
                "finished_at": now,
                "step": states.NONE,
                "next_step_at": None,
                "encrypted_link": "",
                "wait_note": "",
                "held_until": None,
            }
        update = self._update_sql({"status": to, **fields}, fence)
        before = dict(self.__dict__)
        history = {"source": source, "actor": actor, "note": note, "at": now}
        moved = False
        try:
            moved = self._apply_move(update, {"status": to, **fields}, history)
        finally:
            if not moved:
                self.__dict__.update(before)  # The database has not changed or was rolled back, so this object neither.
        return moved

    def _apply_move(self, update: tuple[str, list[Any]], fields: Mapping[str, Any], history: Mapping[str, Any]) -> bool:
        from exports.models.event import Event

        old = self.status
        for name, value in fields.items():
            setattr(self, name, value)
        event = None if self.is_open else Event.of_ended_export(self, history["at"])
        if connection.vendor == "postgresql" and not connection.in_atomic_block:
            with suppress(IntegrityError):
                return Change.append(self, old, update=update, event=event, **history)
        # Without a savepoint: whoever opened the transaction rolls it back as a whole.
        with transaction.atomic(savepoint=False):
            with connection.cursor() as cursor:
                cursor.execute(*update)
                if not cursor.rowcount:
                    return False
            Change.append(self, old, event=event, **history)
        return True

    def _update_sql(self, fields: Mapping[str, Any], fence: int | None) -> tuple[str, list[Any]]:
        """The UPDATE that sets `fields` while the row still has this object's status, and its parameters.

        Written out, since these rows are updated at every step, and Django needs longer to compile such a statement
        than PostgreSQL to run it.
        """
        columns = {column.name: column for column in self._meta.concrete_fields}
        sets = ", ".join(f"{connection.ops.quote_name(str(columns[name].column))} = %s" for name in fields)
        values = [
            columns[name].get_db_prep_save(getattr(value, "pk", value), connection) for name, value in fields.items()
        ]
        stands = "" if fence is None else " AND fence = %s"
        keys = [self.pk, self.status, *([] if fence is None else [fence])]
        return f"UPDATE exports_export SET {sets} WHERE id = %s AND status = %s{stands}", [*values, *keys]  # noqa: S608
