"""Whose tokens are where: the slots of the context, and what is kept beside it."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tether_jupyter.llm.local.engine.model import Model
from tether_jupyter.llm.local.engine.turn import Tokens, Turn, common

COPY_FROM = 32
"""Tokens that must be gained before another slot's memory is copied: a copy is not free."""
WORTH_PARKING = 256
"""Tokens under which a conversation is sooner read again than kept."""


class Slot:
    """A place for one conversation's tokens, in the context's memory."""

    def __init__(self, number: int, room: int) -> None:
        self.number = number
        self._tokens = np.zeros(room, np.int32)
        self.length = 0
        self.turn: Turn | None = None
        self.conversation: str | None = None
        self.used = 0

    @property
    def held(self) -> Tokens:
        """The tokens in memory, in order: a mirror, kept true through every failure. A view."""
        return self._tokens[: self.length]

    def extend(self, tokens: Sequence[int] | Tokens) -> None:
        """Note tokens that were computed."""
        self._tokens[self.length : self.length + len(tokens)] = tokens
        self.length += len(tokens)

    def fill(self, tokens: Tokens) -> None:
        """Note that exactly these tokens are in memory."""
        self.length = 0
        self.extend(tokens)


@dataclass(slots=True)
class Parked:
    """A conversation whose slot went to another one."""

    tokens: Tokens
    data: np.ndarray[Any, Any]


@dataclass(slots=True)
class Sources:
    """Where the beginning of a prompt can be had, in tokens."""

    own: int = 0
    donor: Slot | None = None
    donated: int = 0
    parked: str | None = None
    parked_tokens: int = 0
    coming: int = 0
    """What another turn is reading right now."""


class Slots:
    """All slots of a model, and the conversations that were put aside for want of one.

    Parameters
    ----------
    parking:
        Bytes that the conversations put aside may take; 0 for none.
    """

    def __init__(self, model: Model, parking: int = 0) -> None:
        self.model = model
        self.parking = parking
        # One token more than the context: an answer's last token is noted before it is seen to be the last.
        self.all = [Slot(number, model.context_length + 1) for number in range(model.slots)]
        self.parked: OrderedDict[str, Parked] = OrderedDict()
        self.copied = self.restored = self.evicted = 0
        self._clock = itertools.count(1)

    def free(self) -> list[Slot]:
        """Return the slots that no turn has."""
        return [slot for slot in self.all if slot.turn is None]

    @property
    def parked_bytes(self) -> int:
        """What the conversations put aside take."""
        return sum(len(entry.data) for entry in list(self.parked.values()))

    def take(self, turn: Turn) -> bool:
        """Give a turn a slot that holds as much of its prompt as can be had.

        Return whether it has one: not while all are taken, nor while another turn is reading what both
        have in common, which would otherwise be read twice.
        """
        free = self.free()
        if not free:
            return False
        slot = self.choose(free, turn)
        if turn.fresh:
            self.evict(slot, turn)
            self.cut(slot, 0)
        else:
            sources = self.sources(slot, turn)
            if sources.coming > max(sources.own, sources.donated, sources.parked_tokens) + COPY_FROM:
                return False
            self.prepare(slot, turn, sources)
        slot.turn, slot.conversation, turn.slot = turn, turn.conversation, slot
        turn.read = turn.cached = slot.length
        return True

    def choose(self, free: list[Slot], turn: Turn) -> Slot:
        """Return the slot to use: the conversation's own, one that the prompt goes on from, or the oldest."""
        if not turn.fresh:
            if turn.conversation is not None:
                for slot in free:
                    if slot.conversation == turn.conversation:
                        return slot
            whole = [s for s in free if s.length and common(s.held, turn.tokens) == s.length]
            if whole:
                return max(whole, key=lambda slot: slot.length)
        return min(free, key=lambda slot: (slot.length > 0, slot.used))

    def sources(self, slot: Slot, turn: Turn) -> Sources:
        """Find out where the beginning of a prompt can be had."""
        most = len(turn.tokens) - 1  # The last token is computed in any case: its logits are needed.
        found = Sources(own=min(common(slot.held, turn.tokens), most))
        for other in self.all:
            if other is slot or not other.length:
                continue
            shared = min(common(other.held, turn.tokens), most)
            if shared > found.donated and (self.model.partial or shared == other.length):
                found.donor, found.donated = other, shared
        for other in self.all:
            if other.turn is not None and other.turn.pending is None and not other.turn.job.cancelled:
                found.coming = max(found.coming, min(common(other.turn.tokens, turn.tokens), most))
        for name, entry in self.parked.items():
            shared = min(common(entry.tokens, turn.tokens), most)
            if shared > found.parked_tokens:
                found.parked, found.parked_tokens = name, shared
        if not self.model.partial:
            found.coming = 0
        return found

    def prepare(self, slot: Slot, turn: Turn, sources: Sources) -> None:
        """Make a slot hold the beginning of a prompt, from the best source, and nothing else."""
        # Looked up before the slot is emptied: what is put aside now may push it out.
        entry = self.parked.get(sources.parked) if sources.parked is not None else None
        if slot.conversation != turn.conversation and sources.own < slot.length:
            self.evict(slot, turn)
        best = max(sources.own, sources.donated, sources.parked_tokens)
        keep = sources.own
        if best > sources.own + COPY_FROM:
            if sources.donor is not None and sources.donated == best:
                self.model.copy(sources.donor.number, slot.number)
                slot.fill(sources.donor.held)
                keep, self.copied = sources.donated, self.copied + 1
            elif entry is not None:
                if turn.conversation is not None and sources.parked == turn.conversation:
                    self.parked.pop(turn.conversation, None)
                if self.model.restore(slot.number, entry.data):
                    slot.fill(entry.tokens)
                    keep, self.restored = sources.parked_tokens, self.restored + 1
                else:
                    slot.length = keep = 0
        self.cut(slot, keep)

    def evict(self, slot: Slot, turn: Turn) -> None:
        """Put aside the conversation that a slot holds, for it goes to another one."""
        if slot.length == 0 or slot.conversation == turn.conversation:
            return
        self.evicted += 1
        if slot.conversation is None or slot.length < WORTH_PARKING or not self.parking:
            return
        data = self.model.save(slot.number)
        if data is None or len(data) > self.parking:
            return
        self.parked.pop(slot.conversation, None)
        self.parked[slot.conversation] = Parked(slot.held.copy(), data)
        while self.parked_bytes > self.parking:
            self.parked.popitem(last=False)

    def cut(self, slot: Slot, length: int) -> None:
        """Keep a slot's first tokens, or none where the model knows no part of them."""
        if length == slot.length and length:
            return
        slot.length = length if self.model.cut(slot.number, length) else 0

    def mend(self, slot: Slot) -> None:
        """Bring memory back to what the mirror says, after a step that was not computed to its end."""
        slot.length = slot.length if self.model.cut(slot.number, slot.length) else 0

    def release(self, slot: Slot) -> None:
        """Take the turn away; the tokens stay for the next one of the conversation."""
        slot.turn = None
        slot.used = next(self._clock)

    def forget(self) -> bool:
        """Empty the slot that was used longest ago and is free; return whether there was one."""
        idle = [slot for slot in self.free() if slot.length]
        if not idle:
            return False
        self.cut(min(idle, key=lambda slot: slot.used), 0)
        return True
