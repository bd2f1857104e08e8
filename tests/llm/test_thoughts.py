"""What a model thinks comes as `thinking`, and its answer as `delta`, however the text is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.llm.thoughts import CHANNELS, MARKS, PAIRS, Thoughts, left_open, together

OPENED = tiny_gguf.CHATML.replace("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n")


def told(text: str, size: int, thoughts: Thoughts) -> dict[str, str]:
    """Feed a text in pieces; return all that was told, by its kind."""
    parts = [part for i in range(0, len(text), size) for part in thoughts.feed(text[i : i + size])]
    found = together(parts + thoughts.finish())
    assert [kind for kind, _ in found] in ([], ["delta"], ["thinking"], ["thinking", "delta"])
    return dict(found)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>\nWell.\n</think>\n\nYes.", "Well.", "Yes."),
        ("\n<think>a < b</think>\n</think> is a tag", "a < b", "</think> is a tag"),
        ("<think>\n\n</think>\n\nYes.", None, "Yes."),
        ("<think>for ever", "for ever", None),
        ("[THINK]Well.[/THINK]Yes.", "Well.", "Yes."),
        ("[THINK]a </think> b[/THINK]Yes.", "a </think> b", "Yes."),
        ("[THIN] is no tag", None, "[THIN] is no tag"),
        ("<|channel>thought\nWell.\n<channel|>Yes.", "Well.", "Yes."),
        ("<|channel>thought\n<channel|>Yes.", None, "Yes."),
        ("<|channel>other", None, "<|channel>other"),
        ("<table> is HTML", None, "<table> is HTML"),
        ("Use <think> to think", None, "Use <think> to think"),
        ("  indented", None, "  indented"),
        ("<thi", None, "<thi"),
        ("", None, None),
    ],
)
def test_a_thought_comes_first_or_not_at_all(
    text: str, thought: str | None, answer: str | None, size: int
) -> None:
    found = told(text, size, Thoughts())
    assert (found.get("thinking"), found.get("delta")) == (thought, answer)


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize(("opening", "closing"), PAIRS.items())
def test_a_thought_that_the_template_has_begun_is_one(opening: str, closing: str, size: int) -> None:
    found = told(f"Well.{closing}\nYes.", size, Thoughts("thinking", opening))
    assert found == {"thinking": "Well.", "delta": "Yes."}


def test_what_a_prompt_ends_with_is_seen_where_it_opens_a_thought() -> None:
    for opening, closing in PAIRS.items():
        assert left_open(f"assistant\n{opening}\n") == opening
        assert left_open(f"assistant\n{opening}\n{closing}\n") == ""


@given(st.text("<think/> ab\n", max_size=40), st.integers(1, 5))
def test_nothing_of_a_text_that_must_have_a_form_is_looked_at(text: str, size: int) -> None:
    assert told(text, size, Thoughts("answer")).get("delta", "") == text


@given(st.text("<think/>ab \n", max_size=40), st.integers(1, 5))
def test_the_size_of_the_pieces_changes_nothing(text: str, size: int) -> None:
    assert told(text, size, Thoughts()) == told(text, max(1, len(text)), Thoughts())


async def answered(path: Path, **sampling: object) -> tuple[str, str]:
    async with lm.running(path) as local:
        events = await lm.ask(local, "hi", **sampling)
    thought = "".join(event.get("thinking", "") for event in events)
    return thought, lm.answer(events)


class TestAModel:
    async def test_that_thinks_aloud_is_told_apart(self, tmp_path: Path) -> None:
        says = ["<th", "ink>", " ", "Well", ".", "</think>", "\n\n", "Yes"]
        path = tiny_gguf.write(tmp_path / "tags.gguf", says=says)
        assert await answered(path) == ("Well.", "Yes")

    async def test_whose_tags_are_control_tokens_is_told_apart(self, tmp_path: Path) -> None:
        says = ["<think>", "Well", "</think>", "Yes"]
        path = tiny_gguf.write(tmp_path / "control.gguf", says=says, controls=["<think>", "</think>"])
        assert await answered(path) == ("Well", "Yes")

    @pytest.mark.parametrize("controls", [True, False], ids=["control tokens", "visible"])
    @pytest.mark.parametrize(
        "says",
        [
            ["<|channel>", "thought", " ", "Well", ".", "<channel|>", "Yes"],
            ["[THINK]", "Well", ".", "[/THINK]", "Yes"],
        ],
        ids=["Gemma 4", "Magistral"],
    )
    async def test_that_has_tags_of_its_own_is_told_apart(
        self, tmp_path: Path, says: list[str], controls: bool
    ) -> None:
        marks = [piece for piece in says if piece in MARKS] if controls else []
        path = tiny_gguf.write(tmp_path / "own.gguf", says=says, controls=marks)
        assert await answered(path) == ("Well.", "Yes")

    async def test_whose_template_begins_a_thought_between_control_tokens_is_told_apart(
        self, tmp_path: Path
    ) -> None:
        opened = OPENED.replace("<think>", "[THINK]")
        marks = ["[THINK]", "[/THINK]"]
        says = ["Well", "[/THINK]", "Yes", "[THINK]"]
        path = tiny_gguf.write(tmp_path / "opened.gguf", says=says, controls=marks, template=opened)
        assert await answered(path) == ("Well", "Yes")

    async def test_whose_template_begins_the_thought_is_told_apart(self, tmp_path: Path) -> None:
        assert OPENED != tiny_gguf.CHATML
        path = tiny_gguf.write(tmp_path / "opened.gguf", says=["Well", "</think>", "Yes"], template=OPENED)
        assert await answered(path) == ("Well", "Yes")

    async def test_that_speaks_in_channels_is_told_apart(self, tmp_path: Path) -> None:
        says = ["<|channel|>", "analysis", "<|message|>", "Well", "<|end|>", "<|start|>", "assistant"]
        path = tiny_gguf.write(tmp_path / "analysis.gguf", says=says, controls=CHANNELS)
        assert await answered(path) == ("Well", "")
        says = ["<|channel|>", "final", "<|message|>", "Yes"]
        path = tiny_gguf.write(tmp_path / "final.gguf", says=says, controls=CHANNELS)
        assert await answered(path) == ("", "Yes")
