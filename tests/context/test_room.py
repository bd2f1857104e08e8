"""What came with a question is made to fit: what may be left out goes first, then files become shorter."""

from __future__ import annotations

import pytest

from tether_jupyter.context.budget import OVER, TAGS
from tether_jupyter.context.room import NOTHING, made_to_fit
from tether_jupyter.core.prompt import Section


def words(texts):
    return [len(text.split()) for text in texts]


def section(kind, name, size, level=None, optional=0):
    """A section of so many words with its name, ten a line."""
    lines = [" ".join(["word"] * min(10, size - 1 - at)) for at in range(0, size - 1, 10)]
    return Section(kind, name, "\n".join(lines), level, optional)


def cost(*sizes):
    return sum(sizes) + TAGS * len(sizes)


def names(sections):
    return [each.name for each in sections]


def test_what_fits_goes_as_it_is():
    given = [section("file", "a", 100), section("cell", "b", 50, optional=3)]
    assert made_to_fit(given, cost(100, 50), words) == (given, [])


def test_what_may_be_left_out_goes_by_its_number_and_the_rest_keeps_its_order():
    given = [section("cell", name, 40, optional=at) for name, at in (("far", 2), ("it", 0), ("near", 1))]
    kept, left = made_to_fit(given, cost(40, 40), words)
    assert names(kept) == ["it", "near"]
    assert left == [{"kind": "cell", "name": "far", "tokens": 40 + TAGS, "why": OVER}]
    kept, left = made_to_fit(given, cost(40), words)
    assert names(kept) == ["it"]


def test_what_was_looked_at_for_an_earlier_asking_may_be_left_out_and_the_error_last():
    given = [section(kind, kind, 40, level="schema") for kind in ("error", "cell", "variable")]
    kept, _ = made_to_fit(given, cost(40, 40), words)
    assert names(kept) == ["error", "variable"]
    kept, _ = made_to_fit(given, cost(40), words)
    assert names(kept) == ["error"]


def test_files_become_shorter_and_a_small_one_stays_whole():
    given = [section("file", "small", 60), section("file", "large", 900)]
    kept, left = made_to_fit(given, cost(60, 400), words)
    assert names(kept) == ["small", "large"]
    assert kept[0] == given[0]
    assert sum(words([each.text for each in kept])) + len(kept) * (TAGS + 1) <= cost(60, 400)
    assert "lines are here" in kept[1].text
    [told] = left
    assert (told["name"], told["tokens"]) == ("large", 900 + TAGS)
    assert told["why"].startswith("Only the first ")


@pytest.mark.parametrize("text", ["[" + "1, " * 2000 + "]", "word " * 2000 + "\n\nAnd more."])
def test_a_file_whose_first_line_is_too_long_ends_within_it(text):
    kept, left = made_to_fit([Section("file", "data.json", text)], 500, words)
    assert 400 < words([kept[0].text])[0] < 500
    [begun, note] = kept[0].text.rsplit("\n", 1)
    assert text.startswith(begun)
    assert note == f"[Only the first {len(begun):,} of {len(text):,} characters are here.]"
    assert left[0]["why"] == note.strip("[]")


@pytest.mark.parametrize("room", [0, 20, -500])
def test_a_file_of_which_not_even_the_beginning_fits_is_left_out_and_says_so(room):
    kept, left = made_to_fit([section("file", "large", 900)], room, words)
    assert (kept, left[0]["why"]) == ([], NOTHING)


def test_what_must_go_along_stays_whole_where_that_is_too_much():
    given = [section("cell", "the one to change", 300), section("selection", "part", 50)]
    assert made_to_fit(given, 100, words) == (given, [])
