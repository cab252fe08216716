"""The events that can happen to exports, as rules that run in any order; `invariants` is checked after each."""

from typing import Any, Final

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exports import clock, states
from exports.errors import ConflictError, DuplicateError
from exports.exporting import actions
from exports.exporting.create import Requester
from exports.models import Export
from exports.queue import inbound_webhooks, rate_limits
from exports.queue.leases import LEASE_SECONDS, Claim, release, renew
from exports.steps.poll import PollResult, poll_provider
from exports.steps.run import begin_polls, finish_poll, run_step, settle_polls
from tests.helpers.run_exports import EVERY_STEP, claim_due, request_export
from tests.steps.invariants import (
    check_history,
    check_jobs,
    check_requests,
    check_rows,
    check_unchanged,
    rare_events_seen,
    read_rows,
    rows_of_lost_claim,
)
from tests.steps.scripted_provider import ANSWERS, TYPE_WITH_FILE, TYPE_WITHOUT_FILE, SimulatedCrashError
from tests.steps.state_machine_setup import StateMachineSetup

MAX_EXPORTS: Final = 6
TIME_SHIFTS: Final = (0.5, 2.0, 6.0, LEASE_SECONDS + 1, 31.0, 61.0, 700.0, 9000.0, 90000.0)

answers = st.sampled_from(("fine", "done", "lost", "unlucky", "dies after", *ANSWERS))
workers = st.sampled_from((1, 2))
picks = st.integers(0, MAX_EXPORTS - 1)


class ExportStateMachine(RuleBasedStateMachine):
    """Two workers, one provider, people, and time. `claimed`: each worker's claims whose steps have not begun."""

    def __init__(self, setup: StateMachineSetup) -> None:
        super().__init__()
        self.state, self.provider = setup, setup.provider
        setup.reset()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.claimed: dict[int, list[Claim]] = {1: [], 2: []}
        self.poll_results: list[PollResult] = []
        self.finished_claims: list[Claim] = []
        self.previous_rows: dict[int, dict[str, Any]] = {}

    def teardown(self) -> None:
        try:
            self._end_all_exports()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def _end_all_exports(self) -> None:
        """Without faults, after the death of every worker that holds a claim, every export ends."""
        for _ in range(60):
            if not Export.objects.open().exists():
                break
            self.state.time.shift(75.0)
            for claim in claim_due(EVERY_STEP, 100):
                self._take(claim, "done")
        else:
            left = list(Export.objects.open().values("pk", "status", "step", "wait_note"))
            raise AssertionError(f"still open: {left}")
        self.invariants_hold()
        self.state.rare_events_seen |= rare_events_seen()

    def _take(self, claim: Claim, answer: str) -> None:
        self.provider.answer = answer
        self.provider.running_export_ids.append(claim.export.pk)
        kept = rows_of_lost_claim(claim)
        try:
            run_step(claim)
        except SimulatedCrashError:
            pass
        finally:
            self.provider.running_export_ids.pop()
        check_unchanged(kept)
        self.finished_claims.append(claim)

    def _export(self, pick: int) -> Export | None:
        rows = list(Export.objects.order_by("pk"))
        return rows[pick % len(rows)] if rows else None

    # ---------------------------------------------------------------- people

    @initialize(type_=st.sampled_from((TYPE_WITH_FILE, TYPE_WITHOUT_FILE)))
    def the_first_export(self, type_: str) -> None:
        request_export(self.state.projects[0], self.state.cast.member, type_)

    @precondition(lambda self: len(self.previous_rows) < MAX_EXPORTS)
    @rule(
        project=st.sampled_from((0, 0, 1)), type_=st.sampled_from((TYPE_WITH_FILE, TYPE_WITH_FILE, TYPE_WITHOUT_FILE))
    )
    def somebody_asks(self, project: int, type_: str) -> None:
        request_export(self.state.projects[project], self.state.cast.member, type_, allow_duplicate=True)

    @rule(pick=picks)
    def somebody_cancels(self, pick: int) -> None:
        if (export := self._export(pick)) is not None and export.is_open:
            actions.cancel(export, actor="member@example.org", source="person")

    @precondition(lambda self: len(self.previous_rows) < MAX_EXPORTS)
    @rule(pick=picks)
    def somebody_retries(self, pick: int) -> None:
        if (export := self._export(pick)) is not None:
            try:
                actions.retry(export, Requester(self.state.cast.member.user))
            except (ConflictError, DuplicateError):
                assert Export.objects.open().exists()

    @rule(pick=picks)
    def a_webhook_hints(self, pick: int) -> None:
        if (export := self._export(pick)) is not None:
            inbound_webhooks.receive_webhook(export.pk, inbound_webhooks.url_signature(export.pk))

    # ---------------------------------------------------------------- time

    @rule(seconds=st.sampled_from(TIME_SHIFTS))
    def time_passes(self, seconds: float) -> None:
        self.state.time.shift(seconds)
        rate_limits.release_unused_slots()

    def _make_due(self) -> None:
        Export.objects.open().filter(held_until=None).update(next_step_at=clock.now())

    # ---------------------------------------------------------------- workers

    @rule(worker=workers, limit=st.integers(1, 4))
    def a_worker_claims(self, worker: int, limit: int) -> None:
        self._make_due()
        self.claimed[worker] += claim_due(EVERY_STEP, limit)

    @precondition(lambda self: self.claimed[1] or self.claimed[2])
    @rule(worker=workers, answer=answers)
    def a_worker_takes_a_step(self, worker: int, answer: str) -> None:
        if self.claimed[worker]:
            self._take(self.claimed[worker].pop(0), answer)

    @rule(answer=answers, due=st.booleans())
    def a_step_is_claimed_and_taken(self, answer: str, due: bool) -> None:
        if due:
            self._make_due()
        for claim in claim_due(EVERY_STEP, 2):
            self._take(claim, answer)

    @rule(answer=answers, other=answers, cancel=st.booleans())
    def an_answer_comes_after_another_took_over(self, answer: str, other: str, cancel: bool) -> None:
        def meanwhile() -> None:
            self.state.time.shift(LEASE_SECONDS + 1)
            if cancel:
                self.somebody_cancels(0)
            for claim in claim_due(EVERY_STEP, 10):
                self._take(claim, other)

        self._make_due()
        for claim in claim_due(EVERY_STEP, 1):
            self.provider.before_answer = meanwhile
            self._take(claim, answer)

    @precondition(lambda self: self.finished_claims)
    @rule(answer=answers)
    def a_step_is_delivered_twice(self, answer: str) -> None:
        claim = self.finished_claims[-1]
        if not claim.lost and claim.export.step in EVERY_STEP:
            self._take(claim, answer)

    @rule(worker=workers)
    def leases_are_kept(self, worker: int) -> None:
        renew(self.claimed[worker])

    @rule(worker=workers)
    def a_worker_dies(self, worker: int) -> None:
        self.claimed[worker].clear()

    @rule(worker=workers)
    def a_worker_stops(self, worker: int) -> None:
        for claim in self.claimed[worker]:
            release(claim)
        self.claimed[worker].clear()

    @rule(answer=answers)
    def many_are_polled(self, answer: str) -> None:
        self.provider.answer = answer
        self._make_due()
        try:
            self.poll_results += [poll_provider(claim) for claim in begin_polls(claim_due((states.POLL,), 4))]
        except SimulatedCrashError:
            self.poll_results.clear()

    @precondition(lambda self: self.poll_results)
    @rule()
    def poll_results_are_written(self) -> None:
        results, self.poll_results = self.poll_results, []
        # The result of a lost claim may be written together with that of the claim that replaced it, which counts.
        standing = {result.claim.export.pk for result in results if not rows_of_lost_claim(result.claim)}
        lost_rows = [item for result in results for item in rows_of_lost_claim(result.claim).items()]
        kept = {pk: row for pk, row in lost_rows if pk not in standing}
        for result in settle_polls(results):
            finish_poll(result)
        check_unchanged(kept)

    # ---------------------------------------------------------------- invariants

    @invariant()
    def invariants_hold(self) -> None:
        rows = read_rows()
        check_rows(rows, self.previous_rows)
        check_history(rows)
        check_jobs(rows, self.provider.ledger)
        check_requests(self.provider.requests)
        self.previous_rows = rows
