"""A run from prompts to answers: the cache first, then three rows, then the rest."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tether_jupyter.client.fitting import fitted
from tether_jupyter.client.schemas import InvalidAnswer, Schema
from tether_jupyter.core.redact import safe
from tether_jupyter.errors import TetherError
from tether_jupyter.frames.asking import Answer, Asker
from tether_jupyter.frames.cache import Cache, Kept, key_of, key_with
from tether_jupyter.frames.columns import Columns
from tether_jupyter.frames.estimate import Estimate, NotConfirmed, agreed, estimate
from tether_jupyter.frames.gate import Gate
from tether_jupyter.frames.job import Job
from tether_jupyter.frames.progress import Progress, State, progress_for
from tether_jupyter.frames.results import Outcome
from tether_jupyter.frames.run import Run
from tether_jupyter.frames.service import Service, service_of
from tether_jupyter.frames.verdict import OF_THE_SERVER, Verdict

FIRST = 3
ASK_FROM_USD = 0.05
"""Below this, nobody is asked whether it may cost that."""
TICK = 0.1
KEEP_SECONDS = 0.2


class Interrupted(KeyboardInterrupt):
    """A run was interrupted; the message says how to go on."""


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer says: its value, the same by columns, and what is wrong with it."""

    value: Any
    cells: dict[str, Any]
    error: str | None


@dataclass(slots=True)
class Distinct:
    """Rows that ask the same: their prompt, the key of its answer, their numbers, and how many are shown."""

    prompt: str
    key: bytes
    rows: list[int]
    shown: int = 0
    answer: Answer | None = None
    read: Read | None = None


class Flow:
    """One run.

    Parameters
    ----------
    columns:
        What the answers become: a value that does not fit is an error of its row.
    prompts:
        A prompt for each row, or `None` for one that is not asked about.
    whole:
        Whether these are all rows that there are, for the estimate of a dry run.
    """

    def __init__(
        self,
        job: Job,
        schema: Schema | None,
        columns: Columns,
        prompts: Sequence[str | None],
        *,
        whole: bool = True,
    ) -> None:
        self.job = job
        self.schema = schema
        self.columns = columns
        self.prompts = prompts
        self.whole = whole
        asked = [number for number, prompt in enumerate(prompts) if prompt is not None]
        self.shown = asked[:FIRST] if job.dry_run else list(range(len(prompts)))
        self.state = State(len(self.shown))
        self.progress: Progress = progress_for(self.state, job.progress)
        self.cache: Cache | None = None
        if job.cache is not False:
            path = None if job.cache is True else job.cache
            self.cache = Cache(path, tell=self.progress.tell)
        self.service = Service("", "")
        self.distinct: list[Distinct] = []
        self._asked: list[Distinct] = []
        self._pending: list[Distinct] = []
        self._run: Run | None = None
        self.verdict = Verdict(job.max_cost)
        self._kept_at = 0.0

    def run(self) -> Outcome:
        """Return what came of all rows.

        Raises
        ------
        TetherError
            The server or the model cannot answer at all, or the cost was not agreed to.
        KeyboardInterrupt
            The run was interrupted. What is done is kept, and the message says so.
        """
        ended = "stopped"
        try:
            outcome = self._outcome(self._go())
            ended = "done"
            return outcome
        except KeyboardInterrupt:
            said = self._rescue()
            ended = f"interrupted. {self._advice()}"
            raise interrupted(said) from None
        except TetherError as reason:
            said = self._rescue()
            if self.state.done > self.state.skipped:
                reason.message = f"{reason.message} {said}"
                reason.args = (reason.message,)
            raise
        except Exception:
            # Whatever broke, the answers are paid for.
            self._rescue()
            raise
        finally:
            if self.cache is not None:
                self.cache.close()
            self.progress.close(ended)

    def _go(self) -> int:
        """Ask what is to be asked; return how many more a dry run leaves."""
        if not self.job.dry_run:
            self.state.skipped = self.state.done = sum(prompt is None for prompt in self.prompts)
        if self.state.done == self.state.total and not self.job.dry_run:
            return 0
        with Run(self.job.server) as self._run:
            self.service = self._run.call(lambda client: service_of(client, self.job.model))
            at_once = self.job.concurrency or self.service.at_once
            self.gate = Gate(at_once)
            self.distinct = self._grouped()
            asker = Asker(self.gate, self.fields, self.schema, self.job.retries)
            self._run.ask_with(asker, self.verdict, at_once)
            left = self._unknown()
            self.progress.tick()
            if self.job.dry_run:
                first = [each for each in left if each.shown]
                self._ask(first)
                return len(left) - len(first)
            first, rest = left[:FIRST], left[FIRST:]
            if not self._must_wait(rest):
                first, rest = left, []
            self._ask(first)
            if rest:
                self._agree(rest)
                self._ask(rest)
        return 0

    def _grouped(self) -> list[Distinct]:
        """Return the rows by what they ask; the request's other fields are settled with that."""
        job, schema = self.job, self.schema
        shape = {
            "model": self.service.label,
            # An empty text keeps the server's own words out: an answer depends on what stands here alone.
            "system": job.system or "",
            **job.sampling,
        }
        self.fields = {**shape, "store": False, "priority": "batch"}
        if job.model is None and self.service.label.count(":") != 1:
            # A backend of the user's own may have a name that a request cannot hold.
            del self.fields["model"]
        if schema is not None:
            self.fields["response_format"] = schema.response_format
        told = [schema.json_schema, schema.instruction] if schema is not None else None
        key = key_of({**shape, "schema": told, "size": self.service.size})
        found: dict[str, Distinct] = {}
        shown = set(self.shown)
        for number, prompt in enumerate(self.prompts):
            if prompt is None:
                continue
            each = found.get(prompt)
            if each is None:
                each = found[prompt] = Distinct(prompt, key_with(key, prompt), [])
            each.rows.append(number)
            each.shown += number in shown
        return list(found.values())

    def _unknown(self) -> list[Distinct]:
        """Take what the cache knows, and return the rest."""
        known = self.cache.get(each.key for each in self.distinct) if self.cache is not None else {}
        left = []
        for each in self.distinct:
            kept = known.get(each.key)
            read = self._read(Answer(kept.text)) if kept is not None else None
            # A class may have learnt to refuse what it took before.
            if kept is None or read is None or read.error is not None:
                left.append(each)
                continue
            each.answer, each.read = Answer(kept.text, usage=kept.usage), read
            self.state.done += each.shown
            self.state.cached += each.shown
        self.verdict.resumed = len(left) < len(self.distinct)
        return left

    def _must_wait(self, rest: list[Distinct]) -> bool:
        """Return whether the first rows' cost is to be known before the others are sent."""
        job = self.job
        return bool(rest) and (job.max_cost is not None or (job.confirm and not self.service.is_free))

    def _agree(self, rest: list[Distinct]) -> None:
        """Raise `NotConfirmed` where the rest costs more than was agreed to."""
        found = self._estimate(len(self.prompts), len(rest))
        cost, limit = found.cost_usd, self.job.max_cost
        if limit is not None:
            if cost is None and not self.service.is_free:
                raise NotConfirmed(
                    f"{found.model} does not tell what an answer costs, so that `max_cost` cannot be kept. "
                    "Leave it out to go on."
                )
            if self.verdict.spent + (cost or 0) > limit:
                raise NotConfirmed(
                    f"{found}. That is more than `max_cost={limit:g}`: raise it, or ask about fewer rows."
                )
            return
        if not self.job.confirm or not cost or cost < ASK_FROM_USD:
            return
        answer = agreed(found)
        if answer is None:
            raise NotConfirmed(
                f"{found}. Nobody can be asked here whether it may cost that: say "
                f"`max_cost={rounded_up(cost)}`, or `confirm=False`."
            )
        if not answer:
            raise NotConfirmed(f"Not run: {found}.")

    def _estimate(self, rows: int | None, to_ask: int) -> Estimate:
        usages = [each.answer.usage for each in self.distinct if each.answer and each.answer.usage]
        service = self.service
        # The first rows were asked at once, so an engine that does not tell takes at least so many.
        at_once = min(self.gate.limit, service.slots or FIRST) if service.is_free else self.gate.limit
        return estimate(
            usages,
            rows=rows,
            to_ask=to_ask,
            at_once=at_once,
            model=service.label,
            place=service.place or "elsewhere",
        )

    def _ask(self, rows: list[Distinct]) -> None:
        """Ask these rows and wait for all of them."""
        assert self._run is not None  # noqa: S101 - it runs
        start = len(self._asked)
        self._asked += rows
        self._run.add((start + number, row.prompt) for number, row in enumerate(rows))
        if self.schema is not None:
            # What reads answers takes a moment to make, while the first ones are on their way.
            self.schema.prepare()
        left = len(rows)
        while left:
            left -= self._take(TICK)
            reason = self.verdict.reason
            if reason is not None and (left or self.verdict.is_final):
                raise reason
            self._keep(every=KEEP_SECONDS)
            self.progress.tick()
        self._keep()

    def _take(self, seconds: float) -> int:
        """Take the answers that come within so many seconds, and return how many there were."""
        assert self._run is not None  # noqa: S101 - it runs
        answers = self._run.take(seconds)
        for number, answer in answers:
            row = self._asked[number]
            row.answer = answer
            if answer.keeps:
                self._pending.append(row)
            if not isinstance(answer.error, OF_THE_SERVER):
                self.state.done += row.shown
                self.state.failed += row.shown if answer.error is not None else 0
        self.state.cost_usd = self.verdict.spent
        return len(answers)

    def _keep(self, every: float = 0.0) -> None:
        """Put what is new into the cache, not more often than every so many seconds."""
        now = time.monotonic()
        if self.cache is None or not self._pending or now < self._kept_at + every:
            return
        self._kept_at = now
        new = [
            (row.key, Kept(row.answer.text or "", row.answer.usage)) for row in self._pending if row.answer
        ]
        self.cache.put(new)
        self._pending = []

    def _rescue(self) -> str:
        """Keep what has come when a run ends early, and return how far it is in words."""
        if self._run is not None:
            with contextlib.suppress(Exception):  # What ended the run is told already.
                self._take(0)
        if self.verdict.is_hopeless and not self.verdict.is_final:
            # They did not fail because of what they are: they count as not asked.
            self.state.done -= self.state.failed
            self.state.failed = 0
        self._keep()
        return f"{self.state.done:,} of {self.state.total:,} rows are done. {self._advice()}"

    def _advice(self) -> str:
        if self.cache is not None and self.cache.works:
            return "Run this again to go on from there."
        return "They are not kept, for there is no cache."

    def _outcome(self, more: int) -> Outcome:
        count = len(self.prompts)
        found = Outcome(
            values=[None] * count,
            cells={name: [None] * count for name in self.columns.fields},
            errors=[None] * count,
            shown=self.shown,
        )
        for each in self.distinct:
            read = each.read or self._read(each.answer or Answer())
            for row in each.rows:
                found.values[row], found.errors[row] = read.value, read.error
                for name, cell in read.cells.items():
                    found.cells[name][row] = cell
        if self.job.dry_run:
            found.estimate = self._estimate(count, more) if self.whole else self._estimate(None, 1000)
        return found

    def _read(self, answer: Answer) -> Read:
        """Return an answer's value, the same by columns, and what is wrong with it."""
        error = in_words(answer.error)
        if answer.text is None:
            return Read(None, {}, error)
        if self.schema is None:
            return Read(answer.text, dict.fromkeys(self.columns.fields, answer.text), error)
        try:
            value = self.schema.validate(answer.text)
            parts = self.schema.columns(value)
            cells = {name: fitted(parts[field.name], field) for name, field in self.columns.fields.items()}
        except TetherError as reason:
            return Read(None, {}, in_words(reason))
        except ValueError as reason:
            return Read(None, {}, str(reason))
        except Exception as reason:  # noqa: BLE001 - one answer must not take the others along
            # A schema that leaves its root's type open takes a list where it names fields.
            said = safe(f"{type(reason).__name__}: {reason}", limit=200)
            return Read(None, {}, f"The answer does not fit the schema's fields ({said}).")
        return Read(value, cells, error)


def in_words(error: TetherError | None) -> str | None:
    """Return a failure as its row's column tells it."""
    if error is None:
        return None
    if isinstance(error, InvalidAnswer) and error.hint:
        return f"{error.message} {error.hint}"
    return error.message


def interrupted(message: str) -> Interrupted:
    """Return the interrupt with its message, which a notebook shows without the frames it went through."""
    reason = Interrupted(message)
    vars(reason)["_render_traceback_"] = lambda: [f"KeyboardInterrupt: {message}"]
    return reason


def rounded_up(usd: float) -> str:
    """Return a limit that the estimate keeps with some room."""
    return f"{usd * 1.25 + 0.005:.2f}"
