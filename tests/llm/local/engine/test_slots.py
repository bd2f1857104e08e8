"""What is remembered of conversations, and that remembering never changes an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.core.prompt import Prompt
from tether_jupyter.llm.local.service import LocalService

GREEDY: dict[str, Any] = {
    "temperature": 0.0,
    "max_tokens": 8,
    "logit_bias": tiny_gguf.only("ABCDEFGHIJKLMNOP"),
}
LONG = "a conversation that is long enough to be worth keeping, " * 6
"""336 tokens."""


class Talk:
    """A conversation that goes on."""

    def __init__(self, local: LocalService, name: str, opening: str = "", system: str = "") -> None:
        self.local, self.name, self.system = local, name, system
        self.texts: list[str] = []
        self.opening = opening or f"I am {name}. "
        self.answers: list[str] = []
        self.figures: dict[str, Any] = {}

    def prompt(self) -> Prompt:
        """Return the conversation with its newest question."""
        return lm.prompt(*self.texts, system=self.system, conversation=self.name)

    async def say(self) -> dict[str, Any]:
        """Ask once more and return the answer's figures."""
        self.texts.append(self.opening if not self.texts else f"and more, {len(self.texts)}")
        events = await lm.run(self.local, self.prompt(), **GREEDY)
        self.texts.append(lm.answer(events))
        self.figures = lm.usage(events)
        return self.figures

    async def kept(self) -> bool:
        """Ask once more, and return whether all that was said before was still there."""
        before = self.figures["prompt_tokens"] + self.figures["completion_tokens"] - 1
        return bool((await self.say())["cached_tokens"] >= before)


@pytest.mark.parametrize("slots", [2, 8])
async def test_conversations_that_take_turns_each_keep_their_own(thinking: Path, slots: int) -> None:
    async with lm.running(thinking, slots=slots, parking=0) as local:
        talks = [Talk(local, f"talk {number}") for number in range(slots)]
        for talk in talks:
            await talk.say()
        for _ in range(3):
            assert [await talk.kept() for talk in talks] == [True] * slots
        assert (await lm.status(local))["conversations"] == slots


async def test_a_returning_conversation_says_what_a_new_one_would(thinking: Path) -> None:
    async with lm.running(thinking, slots=2) as local:
        talk, other = Talk(local, "one", LONG), Talk(local, "two")
        for _ in range(4):
            await talk.say()
            await other.say()
        assert talk.figures["cached_tokens"] > 300
        texts = talk.texts
    async with lm.running(thinking, slots=2) as fresh:
        for end in range(1, len(texts), 2):
            events = await lm.run(fresh, lm.prompt(*texts[:end], conversation=f"new {end}"), **GREEDY, seed=0)
            assert lm.usage(events)["cached_tokens"] == 0
            assert lm.answer(events) == texts[end]


async def test_a_conversation_whose_past_was_edited_keeps_what_was_not(thinker: LocalService) -> None:
    whole = lm.prompt(LONG, "an answer", "a question", conversation="edited")
    await lm.run(thinker, whole, **GREEDY)
    changed = lm.prompt(LONG, "another answer", "a question", conversation="edited")
    figures = lm.usage(await lm.run(thinker, changed, **GREEDY))
    assert len(LONG) < figures["cached_tokens"] < len(LONG) + 60


async def test_the_same_question_again_computes_its_last_token_alone(thinker: LocalService) -> None:
    wanted = lm.prompt(LONG, conversation="again")
    first = await lm.run(thinker, wanted, **GREEDY)
    again = await lm.run(thinker, wanted, **GREEDY)
    assert lm.usage(again)["cached_tokens"] == lm.usage(first)["prompt_tokens"] - 1
    assert lm.answer(again) == lm.answer(first)


async def test_the_slot_that_was_used_longest_ago_is_given_away(thinking: Path) -> None:
    async with lm.running(thinking, slots=2, parking=0) as local:
        one, two, three = (Talk(local, f"{name} " * 40) for name in ("xa", "yb", "zc"))
        await one.say()
        await two.say()
        assert await one.kept()
        await three.say()  # `two` was used longest ago.
        assert await one.kept()
        assert await three.kept()
        assert not await two.kept()
        assert (await lm.status(local))["parked_bytes"] == 0


async def test_more_conversations_than_slots_are_put_aside_and_brought_back(thinking: Path) -> None:
    async with lm.running(thinking, slots=2, parking=64) as local:
        talks = [Talk(local, f"talk {number}", f"{number} " + LONG) for number in range(5)]
        for talk in talks:
            await talk.say()
        figures = await lm.status(local)
        assert figures["parked_bytes"] > 0
        assert figures["conversations"] == 5
        for _ in range(2):
            assert [await talk.kept() for talk in talks] == [True] * 5
        texts = [talk.texts for talk in talks]
    async with lm.running(thinking, slots=8, parking=0) as local:
        talks = [Talk(local, f"talk {number}", f"{number} " + LONG) for number in range(5)]
        for _ in range(3):
            for talk in talks:
                await talk.say()
        assert [talk.texts for talk in talks] == texts


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """A model of which a token takes 4 KiB, so that two mebibytes hold one conversation and not two."""
    shape = tiny_gguf.Shape(layers=8, context=2048)
    return tiny_gguf.write(tmp_path / "heavy.gguf", shape=shape, precise=True)


async def test_what_is_put_aside_takes_no_more_than_it_may_and_the_oldest_goes_first(heavy: Path) -> None:
    async with lm.running(heavy, slots=1, parking=2) as local:
        talks = [Talk(local, f"talk {number}", f"{number} " + LONG) for number in range(4)]
        for talk in talks:
            await talk.say()
            assert (await lm.status(local))["parked_bytes"] <= 2 * 2**20
        assert (await lm.status(local))["conversations"] == 2
        assert not await talks[0].kept()


async def test_a_returning_conversation_is_not_pushed_out_by_the_one_it_replaces(heavy: Path) -> None:
    async with lm.running(heavy, slots=1, parking=2) as local:
        talks = [Talk(local, f"talk {number}", f"{number} " + LONG) for number in range(2)]
        for talk in talks:
            await talk.say()
        assert [await talk.kept() for talk in talks] == [True] * 2


async def test_memory_that_was_pushed_out_is_nobody_elses_loss(heavy: Path) -> None:
    async with lm.running(heavy, slots=2, parking=2) as local:
        talks = [Talk(local, f"talk {number}", f"{number} " + LONG) for number in range(2)]
        other = Talk(local, "other")
        for talk in (talks[0], other, talks[1], other, talks[0]):
            await talk.say()
        assert await other.kept()


async def test_what_is_soon_read_again_is_not_put_aside(thinking: Path) -> None:
    async with lm.running(thinking, slots=1, parking=64) as local:
        one, two = Talk(local, "one"), Talk(local, "two")
        await one.say()
        await two.say()
        assert (await lm.status(local))["parked_bytes"] == 0
        assert not await one.kept()


async def test_a_conversation_that_was_put_aside_is_not_lost_to_one_that_begins_alike(thinking: Path) -> None:
    async with lm.running(thinking, slots=1, parking=64) as local:
        one = Talk(local, "one", f"one, {LONG}", system=LONG)
        stranger, alike = Talk(local, "stranger", f"{LONG}?"), Talk(local, "alike", "me, too", system=LONG)
        await one.say()
        await stranger.say()
        await alike.say()
        assert alike.figures["cached_tokens"] > len(LONG)
        assert await one.kept()


async def test_sixteen_turns_with_the_same_system_prompt_compute_it_once(thinking: Path) -> None:
    system = "You are asked by sixteen at once. " * 6
    async with lm.running(thinking, slots=8) as local:
        prompts = [
            lm.prompt(40 * letter, system=system, conversation=letter) for letter in "abcdefghijklmnop"
        ]
        answers = await lm.together(local, prompts, **GREEDY)
        figures = [lm.usage(events) for events in answers]
        computed = sum(each["prompt_tokens"] - each["cached_tokens"] for each in figures)
        own = figures[0]["prompt_tokens"] - len(system)
        assert len(system) < computed < len(system) + 16 * (own + 1)
        assert (await lm.status(local))["prompt_tokens"] == computed
        texts = [lm.answer(events) for events in answers]
        assert len(set(texts)) > 5
    async with lm.running(thinking, slots=1) as local:
        alone = [lm.answer(await lm.run(local, each, **GREEDY, seed=1)) for each in prompts]
    assert texts == alone


async def test_cached_tokens_are_those_that_were_not_computed(thinking: Path) -> None:
    async with lm.running(thinking, slots=3, parking=64) as local:
        talks = [Talk(local, f"talk {number}", f"{number % 2} " + LONG) for number in range(5)]
        computed = 0
        for _ in range(3):
            for talk in talks:
                figures = await talk.say()
                computed += figures["prompt_tokens"] - figures["cached_tokens"]
            assert (await lm.status(local))["prompt_tokens"] == computed


async def test_a_seed_is_answered_from_nothing_that_others_left(thinker: LocalService) -> None:
    wanted = lm.prompt(LONG, conversation="seeded")
    for _ in range(2):
        assert lm.usage(await lm.run(thinker, wanted, **GREEDY, seed=5))["cached_tokens"] == 0


async def test_the_context_is_never_held_twice_by_one_conversation_at_once(thinker: LocalService) -> None:
    """Two doors may ask in the same conversation at the same time."""
    wanted = [lm.prompt(LONG, "fine", 40 * letter, conversation="both") for letter in "abcd"]
    answers = [lm.answer(events) for events in await lm.together(thinker, wanted, **GREEDY)]
    alone = [lm.answer(await lm.run(thinker, each, **GREEDY, seed=1)) for each in wanted]
    assert answers == alone
