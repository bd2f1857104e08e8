"""Guesses of the next tokens: where they come from, and that they never change a text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.llm.local.engine.lookup import DRAFTS, ENOUGH, LONGEST, NEAR, SHORTEST, Lookup


def follow(lookup: Lookup, answer: list[int]) -> list[tuple[int, int]]:
    """Let an answer be said; return of each step how many tokens were guessed, and how many came true."""
    steps = []
    said = 0
    while said < len(answer):
        draft = lookup.draft(len(answer) - said - 1)
        taken = 0
        while taken < len(draft) and draft[taken] == answer[said + taken]:
            taken += 1
        lookup.extend(answer[said : said + taken + 1])
        said += taken + 1
        if draft:
            lookup.learn(len(draft), taken)
        steps.append((len(draft), taken))
    return steps


def test_a_draft_is_what_followed_the_last_three_tokens_before() -> None:
    lookup = Lookup([1, 2, 3, 4, 5, 6, 9, 9, 1, 2, 3])
    assert lookup.draft(99) == [4, 5, 6]
    assert lookup.draft(2) == [4, 5]
    assert lookup.draft(0) == lookup.draft(-3) == []


def test_the_last_of_two_places_is_the_one_that_is_believed() -> None:
    assert Lookup([1, 2, 3, 4, 0, 1, 2, 3, 5, 0, 1, 2, 3]).draft(1) == [5]


@pytest.mark.parametrize("tokens", [[], [1], [1, 2, 3], [1, 2, 3, 1, 2], [1, 2, 3, 4, 5, 6]])
def test_nothing_is_guessed_where_nothing_was_repeated(tokens: list[int]) -> None:
    assert Lookup(tokens).draft(99) == []


def test_drafts_grow_while_they_come_true_and_go_on_where_the_last_one_ended() -> None:
    text = list(range(1000))
    steps = follow(Lookup([*text, -1]), text)
    assert steps[:3] == [(0, 0)] * 3
    lengths = [offered for offered, _ in steps[3:-1]]
    assert lengths[:4] == [3, 3, 7, 15]
    assert lengths == sorted(lengths)
    assert lengths[-1] == DRAFTS[-1]
    assert all(offered == taken for offered, taken in steps)


@pytest.mark.parametrize("new", [[], [-2], [-2, -3, -4], [*range(-20, 0)]])
@pytest.mark.parametrize("gone", [0, 1, 5, 20])
def test_behind_an_edit_the_copy_is_found_by_its_first_token(new: list[int], gone: int) -> None:
    text = list(range(200))
    answer = [*text[:100], *new, *text[100 + gone :]]
    steps = follow(Lookup([*text, -1]), answer)
    said = 0
    seen = []
    for offered, taken in steps:
        if said >= 100 and not offered:
            seen.append(said)
        said += taken + 1
    # One step for each new token, where none was saved, and one for the first of the copy.
    assert len(seen) <= len(new) + bool(new or gone)
    assert steps[-1][1]


def test_a_copy_is_given_up_behind_a_long_edit_and_found_again_by_more_tokens() -> None:
    text = list(range(200))
    new = list(range(1000, 1000 + 2 * NEAR))
    steps = follow(Lookup([*text, -1]), [*text[:100], *new, *text[100:]])
    misses = [(offered, taken) for offered, taken in steps if taken < offered]
    assert len(misses) == 1
    assert sum(offered == 0 for offered, _ in steps) == SHORTEST + len(new) - 1 + SHORTEST


def test_a_token_that_comes_twice_behind_an_edit_needs_another_one_beside_it() -> None:
    text = [*range(40), 50, 60, 70, 50, 61, 71, 81, 91, 92, 93]
    lookup = Lookup([*text, -1])
    follow(lookup, [*text[:40], -5])
    assert lookup.draft(9) == []
    lookup.extend([50])
    assert lookup.draft(9) == []
    lookup.extend([61])
    assert lookup.draft(3) == [71, 81, 91]


def test_where_hardly_anything_comes_true_hardly_anything_is_guessed() -> None:
    """The same three tokens, and never what followed them before."""
    answer = [token for number in range(100) for token in (1, 2, 3, 1000 + number)]
    steps = follow(Lookup([1, 2, 3, 4]), answer)
    assert sum(offered for offered, _ in steps) < 15


def test_guesses_that_were_not_asked_for_do_no_harm() -> None:
    """For a while there are too many answers for guesses, and this one goes on meanwhile."""
    text = list(range(200))
    lookup = Lookup([*text, -1])
    follow(lookup, text[:60])
    lookup.extend(text[60:70])
    assert lookup.draft(3) == [70, 71, 72]


def test_bad_drafts_ask_for_more_evidence_until_one_is_good() -> None:
    lookup = Lookup([7, 1, 2, 3, 4, 5, 6, 8, 1, 2, 3])
    for _ in range(10):
        lookup.learn(8, ENOUGH - 1)
    assert lookup.evidence == LONGEST
    while lookup.pause:
        assert lookup.draft(99) == []
    assert lookup.draft(99) == []
    lookup.learn(4, 4)
    assert lookup.evidence == SHORTEST
    assert lookup.draft(99)


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(-1, 40))
def test_a_draft_is_a_piece_of_what_was_said_after_the_same_three_tokens(
    tokens: list[int], most: int
) -> None:
    draft = Lookup(tokens).draft(most)
    assert len(draft) <= max(0, min(most, DRAFTS[0]))
    if draft:
        run = [*tokens[-SHORTEST:], *draft]
        assert any(tokens[i : i + len(run)] == run for i in range(len(tokens) - SHORTEST))


async def test_an_answer_that_repeats_itself_takes_fewer_steps_than_it_has_tokens(repeating: Path) -> None:
    steps, texts = {}, []
    for speculation in (True, False):
        async with lm.running(repeating, speculation=speculation, slots=1) as local:
            texts.append(lm.answer(await lm.ask(local, "go", temperature=0.0, max_tokens=200)))
            figures = await lm.status(local)
            assert figures["tokens"] == 200
            steps[speculation] = figures["steps"]
    assert texts[0] == texts[1] == "".join(f" r{number % 10}" for number in range(200))
    assert steps[False] == 200
    assert steps[True] < 40


async def test_where_the_model_is_not_sure_nothing_is_guessed(thinking: Path) -> None:
    """What was said before says nothing of what such a model says next."""
    steps = []
    for speculation in (True, False):
        async with lm.running(thinking, speculation=speculation, slots=1) as local:
            await lm.ask(local, "abcabcabcabcabcabc", temperature=1.0, top_k=2, seed=3, max_tokens=150)
            steps.append((await lm.status(local))["steps"])
    assert steps[0] == steps[1]


async def test_two_answers_at_once_are_guessed_as_well(repeating: Path) -> None:
    async with lm.running(repeating, slots=2) as local:
        answers = await lm.together(
            local, [lm.prompt("one"), lm.prompt("two")], temperature=0.0, max_tokens=200
        )
        assert {lm.answer(events) for events in answers} == {"".join(f" r{n % 10}" for n in range(200))}
        assert (await lm.status(local))["steps"] < 100


async def test_a_wrong_guess_never_changes_the_text(tmp_path: Path) -> None:
    """The question holds what the answer begins with, and goes on differently each time."""
    path = tiny_gguf.write(tmp_path / "m.gguf", says=["A", "B", "C", "D", "E", "F", "G", "H"], again=True)
    for question in ("ABCDXABCXABCDEXFGHAB", "BCDABCDABCD", "GHAXGHAYGHAZ"):
        async with lm.running(path, slots=1) as local:
            events = await lm.ask(local, question, temperature=0.0, max_tokens=60)
            assert lm.answer(events) == ("ABCDEFGH" * 8)[:60]
            assert lm.usage(events)["completion_tokens"] == 60


@pytest.mark.parametrize("stop", ["r3 r4", " r9 r0 r1", "5"])
async def test_a_stop_text_within_a_draft_ends_the_answer_and_leaks_nothing(
    repeating: Path, stop: str
) -> None:
    said = "".join(f" r{number % 10}" for number in range(60))
    async with lm.running(repeating, slots=1) as local:
        events = await lm.ask(local, "go", said, "again", temperature=0.0, stop=(stop,))
        assert lm.answer(events) == said[: said.find(stop)]
        assert events[-1] == {"done": True, "finish_reason": "stop"}
        figures = await lm.status(local)
        assert figures["steps"] < figures["tokens"] + 2  # The drafts came true.


async def test_an_answer_that_was_guessed_leaves_a_memory_that_is_true(thinking: Path) -> None:
    """Refused guesses were in the context for a while; the next turn must not see them."""
    letters = {"logit_bias": tiny_gguf.only("ABCDEFGHIJKLMNOP"), "temperature": 0.0, "max_tokens": 60}
    texts, steps = [], []
    for speculation in (True, False):
        async with lm.running(thinking, speculation=speculation, slots=1) as local:
            first = lm.answer(await lm.ask(local, "abcabcabcabc", **letters))
            steps.append((await lm.status(local))["steps"])
            second = await lm.ask(local, "abcabcabcabc", first, "and then", **letters)
            assert lm.usage(second)["cached_tokens"] > 0
            texts.append((first, lm.answer(second)))
    assert texts[0] == texts[1]
    assert steps[0] < steps[1]
