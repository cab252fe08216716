"""What can happen to exports, as rules in any order; what must hold after each is in `house`."""

from typing import Any, Final

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exports import states
from exports.engine import budget, clock, end, hooks
from exports.engine.advance import advance, begin_looks, end_looks, finish_look
from exports.engine.claim import LEASE_SECONDS, Claim, claim_due, release, renew
from exports.engine.poll import Look, look_at
from exports.engine.problem import ConflictError, TwinError
from exports.engine.request import Asker
from exports.models import Export
from tests.drive import EVERY_STEP, ask
from tests.engine.house import check_history, check_jobs, check_kept, check_rows, look_at_rows, reached, too_late
from tests.engine.scripted import ACT, ANSWERS, SHEET, DiedError
from tests.engine.world import World

MOST: Final = 6
TIMES: Final = (0.5, 2.0, 6.0, LEASE_SECONDS + 1, 31.0, 61.0, 700.0, 9000.0, 90000.0)

answers = st.sampled_from(("fine", "done", "lost", "unlucky", "dies after", *ANSWERS))
workers = st.sampled_from((1, 2))
picks = st.integers(0, MOST - 1)


class Events(RuleBasedStateMachine):
    """Two workers, one provider, people, and time. `hands`: what each worker has claimed and not begun."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.script = world, world.script
        world.begin()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.hands: dict[int, list[Claim]] = {1: [], 2: []}
        self.looks: list[Look] = []
        self.spent: list[Claim] = []
        self.known: dict[int, dict[str, Any]] = {}

    def teardown(self) -> None:
        try:
            self._calm()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def _calm(self) -> None:
        """The faults stop, the workers that hold something die: everything ends."""
        for _ in range(60):
            if not Export.objects.open().exists():
                break
            self.world.time.shift(75.0)
            for claim in claim_due(EVERY_STEP, 100):
                self._take(claim, "done")
        else:
            left = list(Export.objects.open().values("pk", "status", "step", "wait_note"))
            raise AssertionError(f"still open: {left}")
        self.the_rules_of_the_house_hold()
        self.world.reached |= reached()

    def _take(self, claim: Claim, answer: str) -> None:
        self.script.answer = answer
        self.script.stepping.append(claim.export.pk)
        kept = too_late(claim)
        try:
            advance(claim)
        except DiedError:
            pass
        finally:
            self.script.stepping.pop()
        check_kept(kept)
        self.spent.append(claim)

    def _export(self, pick: int) -> Export | None:
        rows = list(Export.objects.order_by("pk"))
        return rows[pick % len(rows)] if rows else None

    # ---------------------------------------------------------------- people

    @initialize(type_=st.sampled_from((SHEET, ACT)))
    def the_first_export(self, type_: str) -> None:
        ask(self.world.projects[0], self.world.cast.member, type_)

    @precondition(lambda self: len(self.known) < MOST)
    @rule(project=st.sampled_from((0, 0, 1)), type_=st.sampled_from((SHEET, SHEET, ACT)))
    def somebody_asks(self, project: int, type_: str) -> None:
        ask(self.world.projects[project], self.world.cast.member, type_, allow_twin=True)

    @rule(pick=picks)
    def somebody_cancels(self, pick: int) -> None:
        if (export := self._export(pick)) is not None and export.is_open:
            end.cancel(export, actor="member@example.org", source="person")

    @precondition(lambda self: len(self.known) < MOST)
    @rule(pick=picks)
    def somebody_retries(self, pick: int) -> None:
        if (export := self._export(pick)) is not None:
            try:
                end.retry(export, Asker(self.world.cast.member.user))
            except (ConflictError, TwinError):
                assert Export.objects.open().exists()

    @rule(pick=picks)
    def a_webhook_hints(self, pick: int) -> None:
        if (export := self._export(pick)) is not None:
            hooks.receive(export.pk, hooks.mark(export.pk))

    # ---------------------------------------------------------------- time

    @rule(seconds=st.sampled_from(TIMES))
    def time_passes(self, seconds: float) -> None:
        self.world.time.shift(seconds)
        budget.tidy()

    def _make_due(self) -> None:
        Export.objects.open().filter(held_until=None).update(next_step_at=clock.now())

    # ---------------------------------------------------------------- workers

    @rule(worker=workers, limit=st.integers(1, 4))
    def a_worker_claims(self, worker: int, limit: int) -> None:
        self._make_due()
        self.hands[worker] += claim_due(EVERY_STEP, limit)

    @precondition(lambda self: self.hands[1] or self.hands[2])
    @rule(worker=workers, answer=answers)
    def a_worker_takes_a_step(self, worker: int, answer: str) -> None:
        if self.hands[worker]:
            self._take(self.hands[worker].pop(0), answer)

    @rule(answer=answers, due=st.booleans())
    def a_step_is_claimed_and_taken(self, answer: str, due: bool) -> None:
        if due:
            self._make_due()
        for claim in claim_due(EVERY_STEP, 2):
            self._take(claim, answer)

    @rule(answer=answers, other=answers, cancel=st.booleans())
    def an_answer_comes_after_another_took_over(self, answer: str, other: str, cancel: bool) -> None:
        def meanwhile() -> None:
            self.world.time.shift(LEASE_SECONDS + 1)
            if cancel:
                self.somebody_cancels(0)
            for claim in claim_due(EVERY_STEP, 10):
                self._take(claim, other)

        self._make_due()
        for claim in claim_due(EVERY_STEP, 1):
            self.script.meanwhile = meanwhile
            self._take(claim, answer)

    @precondition(lambda self: self.spent)
    @rule(answer=answers)
    def a_step_is_delivered_twice(self, answer: str) -> None:
        claim = self.spent[-1]
        if not claim.lost and claim.export.step in EVERY_STEP:
            self._take(claim, answer)

    @rule(worker=workers)
    def leases_are_kept(self, worker: int) -> None:
        renew(self.hands[worker])

    @rule(worker=workers)
    def a_worker_dies(self, worker: int) -> None:
        self.hands[worker].clear()

    @rule(worker=workers)
    def a_worker_stops(self, worker: int) -> None:
        for claim in self.hands[worker]:
            release(claim)
        self.hands[worker].clear()

    @rule(answer=answers)
    def many_are_looked_at(self, answer: str) -> None:
        self.script.answer = answer
        self._make_due()
        try:
            self.looks += [look_at(claim) for claim in begin_looks(claim_due((states.POLL,), 4))]
        except DiedError:
            self.looks.clear()

    @precondition(lambda self: self.looks)
    @rule()
    def what_was_seen_is_written(self) -> None:
        looks, self.looks = self.looks, []
        # A worker that looked too late may write together with the one that took over, whose look counts.
        counts = {look.claim.export.pk for look in looks if not too_late(look.claim)}
        kept = {pk: row for look in looks for pk, row in too_late(look.claim).items() if pk not in counts}
        for look in end_looks(looks):
            finish_look(look)
        check_kept(kept)

    # ---------------------------------------------------------------- what holds

    @invariant()
    def the_rules_of_the_house_hold(self) -> None:
        rows = look_at_rows()
        check_rows(rows, self.known)
        check_history(rows)
        check_jobs(rows, self.script.ledger)
        self.known = rows
