"""Continuous batching: all answers share each step, and new ones join between two steps."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from tether_jupyter.errors import EngineCrashed, Internal, TetherError
from tether_jupyter.llm.local.engine.model import Model
from tether_jupyter.llm.local.engine.pace import Pace
from tether_jupyter.llm.local.engine.schedule import Schedule
from tether_jupyter.llm.local.engine.slots import Slot, Slots
from tether_jupyter.llm.local.engine.turn import Job, Part, Turn
from tether_jupyter.llm.thoughts import Said, together

Event = dict[str, Any]
Send = Callable[[list[Event]], None]

DONE, NO_ROOM, ABORTED = 0, 1, 2
DRAFTING = 2
"""With more answers than this under way, a step is full of their tokens and guesses only delay it."""
OLDEST = 4
"""A quarter of the prompt tokens of a step is for the question that came first."""
LONG_STEP = 0.015
"""Seconds of a step from which a cancelled answer is not waited for: the step is aborted and done again."""


class Engine:
    """Computes turns with one model. `run` is one thread's; the other methods may be called from any.

    Parameters
    ----------
    send:
        Takes the events of a step, see `pipe.py`, each with its `event`.
    parking:
        Bytes for conversations that have lost their slot.
    """

    def __init__(self, model: Model, send: Send, *, parking: int = 0) -> None:
        self.model = model
        self.send = send
        self.slots = Slots(model, parking)
        self.schedule = Schedule()
        self.pace = Pace()
        self.events: list[Event] = []
        self.calls: deque[Callable[[], None]] = deque()
        self.arrived: deque[Turn] = deque()
        self.changed = threading.Condition()
        self.computing: set[Job] = set()
        """The jobs of the step that is being computed."""
        self.cancels = False
        self.drafting = False
        """Whether there is room for guesses in the present step."""

    # -- any thread

    def submit(self, turn: Turn) -> None:
        """Let a turn be computed. Its last event is `done` or `error`."""
        with self.changed:
            self.arrived.append(turn)
            beside = [job.low for job in self.computing]
            if beside and all(beside) and not turn.job.rank and self.model.partial:
                self.cut_short()
            self.changed.notify()

    def call(self, function: Callable[[], None]) -> None:
        """Run a function between two steps."""
        with self.changed:
            self.calls.append(function)
            self.changed.notify()

    def cancel(self, job: Job) -> None:
        """End a job's turn, wherever it is; within one step, which is cut short if it is a long one."""
        with self.changed:
            job.cancelled = self.cancels = True
            # A model that knows no part of a conversation could not go on with the others' answers.
            alone = all(each.cancelled for each in self.computing)
            if job in self.computing and (self.model.partial or alone):
                self.cut_short()
            self.changed.notify()

    def cut_short(self) -> None:
        """Abort the present step, unless it is about to end. Under the lock."""
        if self.pace.remaining() > LONG_STEP:
            self.model.abort()
        elif (began := self.pace.began) is not None:
            late = threading.Timer(LONG_STEP, self.cut_late, [began])
            late.daemon = True
            late.start()

    def cut_late(self, began: float) -> None:
        """Abort the step that began then: it was waited for, and did not end when it should have."""
        with self.changed:
            if self.pace.began == began:
                self.model.abort()

    def status(self) -> dict[str, Any]:
        """Return the present figures, see the pipe's `status`."""
        return {
            "waiting": len(self.schedule) + len(self.arrived),
            "running": sum(slot.turn is not None for slot in self.slots.all),
            "slots": len(self.slots.all),
            "conversations": sum(slot.length > 0 for slot in self.slots.all) + len(self.slots.parked),
            "kv_bytes": self.model.log.kv_bytes,
            "kv_tokens": sum(slot.length for slot in self.slots.all),
            "parked_bytes": self.slots.parked_bytes,
            **self.pace.figures(),
        }

    # -- the engine's thread

    def run(self) -> None:
        """Compute until the process ends."""
        while True:
            try:
                self.receive()
                self.step()
            except Exception as reason:  # noqa: BLE001 - whatever it is, everybody must be told
                traceback.print_exc()
                self.fail_all(reason if isinstance(reason, TetherError) else Internal())
            self.flush()

    def receive(self) -> None:
        """Take in what has come; wait for it where there is nothing else to do."""
        with self.changed:
            while not (self.arrived or self.calls or self.cancels or len(self.schedule) or self.active()):
                self.changed.wait()
            arrived, calls = list(self.arrived), list(self.calls)
            self.arrived.clear()
            self.calls.clear()
            cancels, self.cancels = self.cancels, False
        for turn in arrived:
            self.schedule.add(turn)
        if cancels or any(turn.job.cancelled for turn in arrived):
            for turn in [*self.schedule.waiting, *self.active()]:
                if turn.job.cancelled:
                    self.finish(turn, "cancelled")
        for function in calls:
            function()

    def active(self) -> list[Turn]:
        """Return the turns that have a slot."""
        return [slot.turn for slot in self.slots.all if slot.turn is not None]

    def admit(self) -> None:
        """Give slots to those whose turn it is, and tell the others where they stand."""
        if not len(self.schedule):
            return
        people = False
        for turn in self.schedule.order(self.active()):
            if turn.job.batch and not self.room_for_batch():
                continue
            if turn.job.low and people:
                continue
            if not turn.job.rank and not self.slots.free():
                self.give_way()
            try:
                taken = self.slots.take(turn)
            except TetherError as reason:
                self.fail(turn, reason)
                continue
            if taken:
                self.schedule.served_now(turn)
                continue
            people = people or not turn.job.rank
            if not self.slots.free():
                break
        for position, turn in enumerate(self.schedule.order(self.active()), 1):
            if turn.position != position:
                turn.position = position
                self.emit("queued", turn.job.id, position=position)

    def give_way(self) -> None:
        """Free a slot for somebody: what is still being read goes back in the queue, an answer ends early."""
        low = [turn for turn in self.active() if turn.job.low]
        turn = max(low, key=lambda turn: (turn.pending is None, turn.job.came), default=None)
        if turn is None or turn.slot is None:
            return
        if turn.pending is not None:
            self.finish(turn, "length")
            return
        self.slots.release(turn.slot)
        turn.slot, turn.read, turn.cached = None, 0, 0
        self.schedule.add(turn)

    def room_for_batch(self) -> bool:
        """Return whether one more row may run: the last slot is kept for people."""
        rows = sum(turn.job.batch for turn in self.active())
        return rows < max(1, len(self.slots.all) - 1)

    def step(self) -> None:
        """Compute one batch: the next tokens of all answers, and some of the prompts that are being read."""
        self.admit()
        # Who has gone, waits or is refused is told so before the others' next step, and not after it.
        self.flush()
        parts = self.compose()
        if not parts:
            return
        code = self.decode(parts)
        if code == NO_ROOM and self.slots.forget():
            return
        if code != DONE:
            self.go_back(parts, code)
            return
        for part in parts:
            part.slot.extend(part.tokens)
            if part.turn.pending is None:
                part.turn.read += len(part.tokens)
        for part in parts:
            if part.wanted:
                try:
                    self.advance(part)
                except Exception as reason:  # noqa: BLE001 - one turn's failure must not end the others
                    traceback.print_exc()
                    self.fail(part.turn, reason if isinstance(reason, TetherError) else Internal())

    def compose(self) -> list[Part]:
        """Fill the batch, and return what is in it."""
        batch = self.model.batch
        batch.clear()
        parts = []
        taken = [slot for slot in self.slots.all if slot.turn is not None]
        answering = [(s, t) for s in taken if (t := s.turn) is not None and t.pending is not None]
        reading = [(s, t) for s in taken if (t := s.turn) is not None and t.pending is None]
        answered = len([t for _, t in answering if not t.job.low])
        people = answered + len([t for _, t in reading if not t.job.low])
        drafting = self.drafting = (people or len(taken)) <= DRAFTING
        for slot, turn in answering:
            # What gives way takes no room for guesses that others would wait for.
            guessing = drafting and not (turn.job.low and people)
            said = [turn.pending, *(self.draft(slot, turn) if guessing else ())]
            row = batch.add(slot.number, said, slot.length, len(said))
            parts.append(Part(slot, turn, said, len(said), row))
        room = min(batch.room, self.pace.prompt_tokens(batch.size, answered, people - answered))
        # The shortest prompt first gives the best mean wait; a part is kept for who waits longest.
        oldest = min((t for _, t in reading), key=lambda t: (t.job.rank, t.job.came), default=None)
        reading.sort(key=lambda pair: (pair[1].job.rank, pair[1].unread))
        done = False
        for slot, turn in reading:
            kept = room // OLDEST if turn is not oldest and not done else 0
            most = room - kept
            if turn.job.low and people:
                most = min(most, self.pace.beside(answered))
            tokens = turn.tokens[turn.read : turn.read + most]
            done = done or turn is oldest
            if not len(tokens):
                continue
            wanted = int(len(tokens) == turn.unread)
            row = batch.add(slot.number, tokens, slot.length, wanted)
            parts.append(Part(slot, turn, tokens, wanted, row + len(tokens) - 1))
            room -= len(tokens)
        return parts

    def draft(self, slot: Slot, turn: Turn) -> list[int]:
        """Return what a turn's next tokens after the pending one may be."""
        turn.guessed = False
        room = min(turn.limit - turn.count, self.model.context_length - slot.length) - 1
        room = min(room, self.model.batch.room // DRAFTING - 1)
        if turn.lookup is None:
            return []
        if certain := turn.sampler.certain(room):
            return certain
        if not turn.copies:
            return []
        turn.guessed = True
        return turn.lookup.draft(room)

    def decode(self, parts: list[Part]) -> int:
        """Compute the batch, and note how long that took."""
        prompts = sum(len(part.tokens) for part in parts if part.turn.pending is None)
        with self.changed:
            self.computing = {part.turn.job for part in parts}
            if any(job.cancelled for job in self.computing):
                self.computing.clear()
                return ABORTED
            self.pace.begin(self.model.batch.count, prompts)
        code = self.model.decode()
        with self.changed:
            self.computing.clear()
            self.pace.end(code == DONE)
            self.model.go_on()
        return code

    def go_back(self, parts: list[Part], code: int) -> None:
        """Put memory in order after a step that was not computed to its end."""
        for part in parts:
            self.slots.mend(part.slot)
            if part.slot.length < part.turn.read:  # A model that knows no part of a conversation: anew.
                part.turn.read = 0
                if part.turn.pending is not None:
                    self.fail(part.turn, EngineCrashed("The answer was interrupted. Ask again."))
        if code == NO_ROOM:
            youngest = max((part.turn for part in parts), key=lambda turn: turn.job.came)
            self.fail(youngest, EngineCrashed("The model's memory is full. Ask again in a moment."))
        elif code != ABORTED:
            self.fail_all(
                EngineCrashed(
                    f"The model stopped in the middle of its answer (llama.cpp says {code}). Ask again."
                )
            )

    def advance(self, part: Part) -> None:
        """Choose a turn's next tokens, from what was computed."""
        turn, slot = part.turn, part.slot
        drafted = part.tokens[1:] if turn.pending is not None else []
        said: list[Said] = []
        reason, taken = None, 0
        lookup = turn.lookup
        for index in range(part.wanted):
            token = turn.sampler.sample(part.row + index, turn.limit - turn.count)
            reason, more = self.say(turn, token)
            said += more
            if reason:
                break
            turn.pending = token
            if index == len(drafted) or token != drafted[index]:
                break
            taken += 1
        if drafted:
            # The slot holds the drafted tokens: those that came true stay, the others never were.
            self.slots.cut(slot, slot.length - len(drafted) + taken)
            if lookup is not None and turn.guessed and not reason:
                lookup.learn(len(drafted), taken)
        if lookup is not None and self.drafting and not reason:
            turn.copies = not lookup.ready or turn.sampler.may_copy(part.row + index, token)
        self.tell(turn, said)
        if reason:
            self.finish(turn, reason)
        elif slot.length >= self.model.context_length:
            self.finish(turn, "length")

    def say(self, turn: Turn, token: int) -> tuple[str | None, list[Said]]:
        """Take a chosen token into the answer; return why it ends there, if it does, and the certain text."""
        turn.first = turn.first or time.perf_counter()
        if self.model.vocabulary.ends(token):
            return "stop", []
        turn.count += 1
        self.pace.said += 1
        if turn.lookup is not None:
            turn.lookup.extend((token,))
        if mark := self.model.vocabulary.marks.get(token):
            said = turn.thoughts.mark(mark)
        else:
            said = turn.thoughts.feed(turn.text.feed(self.model.vocabulary.piece(token)))
        if turn.text.stopped:
            return "stop", said
        return ("length" if turn.count >= turn.limit else None), said

    def tell(self, turn: Turn, said: list[Said]) -> None:
        """Note what a step has said, in as few events as there are kinds."""
        for kind, text in together(said):
            self.emit(kind, turn.job.id, text=text)

    # -- ends

    def finish(self, turn: Turn, reason: str) -> None:
        """End a turn with its figures."""
        if reason != "cancelled":
            self.tell(turn, turn.thoughts.feed(turn.text.finish()) + turn.thoughts.finish())
        self.release(turn)
        self.emit("done", turn.job.id, finish_reason=reason, usage=turn.usage())

    def fail(self, turn: Turn, reason: TetherError) -> None:
        """End a turn with an error."""
        self.release(turn)
        self.emit("error", turn.job.id, error=reason.payload())

    def fail_all(self, reason: TetherError) -> None:
        """End every turn that is under way, and trust nothing that the context holds."""
        for turn in self.active():
            self.fail(turn, reason)
        for slot in self.slots.all:
            self.slots.cut(slot, 0)

    def release(self, turn: Turn) -> None:
        """Give back what a turn has."""
        turn.sampler.close()
        self.schedule.remove(turn)
        if turn.slot is not None:
            self.pace.turn_ended(time.perf_counter() - turn.job.came)
            self.slots.release(turn.slot)
            turn.slot = None

    def emit(self, event: str, id: str, **fields: Any) -> None:
        """Note an event of this step."""
        self.events.append({"event": event, "id": id, **fields})

    def flush(self) -> None:
        """Send the events of this step."""
        if self.events:
            events, self.events = self.events, []
            self.send(events)
