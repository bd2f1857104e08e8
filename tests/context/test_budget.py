"""What fits is chosen by rank, whole, in the model's own tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.context.budget import ALONE, OVER, TAGS, Counted, fit
from tether_jupyter.context.piece import Piece


class Words:
    """A tokenizer that takes each word for a token, and remembers what it was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, texts):
        self.calls.append(list(texts))
        return [len(text.split()) for text in texts]


def piece(name, words, rank=0.0, kind="cell"):
    return Piece(kind, name, " ".join(["word"] * words), rank)


def names(pieces):
    return [one.name for one in pieces]


def test_all_stay_in_their_order_where_there_is_room():
    given = [piece("a", 10, 0.1), piece("b", 10, 0.9), piece("c", 10, 0.5)]
    fitted = fit(given, 1000, Words())
    assert fitted.kept == given
    assert fitted.left_out == []
    assert fitted.tokens == 3 * (11 + TAGS)


def test_the_lowest_rank_goes_first_and_is_listed():
    given = [piece("a", 10, 0.1), piece("b", 10, 0.9), piece("c", 10, 0.5)]
    fitted = fit(given, 2 * (11 + TAGS), Words())
    assert names(fitted.kept) == ["b", "c"]
    assert fitted.left_out == [{"kind": "cell", "name": "a", "tokens": 11 + TAGS, "why": OVER}]


def test_a_smaller_one_takes_the_room_that_is_too_little_for_a_larger_one():
    fitted = fit([piece("large", 500, 0.9), piece("huge", 800, 0.8), piece("small", 5, 0.1)], 600, Words())
    assert names(fitted.kept) == ["large", "small"]


def test_one_that_is_larger_than_everything_says_so():
    fitted = fit([piece("a", 500)], 100, Words())
    assert fitted.kept == []
    assert fitted.left_out[0]["why"] == ALONE
    assert fitted.tokens == 0


def test_a_kind_may_be_shortened_and_says_so():
    lines = "\n".join(["a line of five words"] * 300)
    count = Words()
    fitted = fit([Piece("file", "log", lines, 0.5), piece("small", 5, 0.9)], 500, count, shorten=["file"])
    assert names(fitted.kept) == ["log", "small"]
    kept = fitted.kept[0].text.split("\n")
    assert kept[-1] == f"[Only the first {len(kept) - 1} of 300 lines are here.]"
    assert 85 <= len(kept) <= 95
    assert fitted.left_out[0]["why"] == kept[-1].strip("[]")
    assert fitted.tokens <= 500
    assert len(count.calls) < 10


def test_another_kind_is_never_cut():
    text = "\n".join(["a line of five words"] * 300)
    assert fit([Piece("cell", "c", text)], 500, Words(), shorten=["file"]).kept == []


def test_a_line_that_is_too_long_ends_within_it():
    [kept] = fit([Piece("file", "f", "word " * 5000)], 200, Words(), shorten=["file"]).kept
    assert 100 < len(kept.text.split()) < 200
    assert kept.text.endswith(" of 25,000 characters are here.]")


def test_pieces_are_counted_together_in_few_calls():
    count = Words()
    fit([piece(str(number), 10) for number in range(60)], 10_000, count)
    assert len(count.calls) == 1


def test_what_cannot_fit_is_not_counted():
    count = Words()
    pieces = [piece(str(number), 20_000, rank=1 / (number + 1)) for number in range(500)]
    fitted = fit([*pieces, piece("small", 3, 2)], 4_000, count)
    assert names(fitted.kept) == ["small"]
    assert len(fitted.left_out) == 500
    assert sum(len(text) for texts in count.calls for text in texts) < 1000


def test_a_text_is_counted_once():
    count = Words()
    counted = Counted(count)
    assert counted(["a b", "c", "a b"]) == [2, 1, 2]
    assert counted(["c", "d e f"]) == [1, 3]
    assert count.calls == [["a b", "c"], ["d e f"]]


@pytest.mark.parametrize("budget", [0, -5])
def test_no_room_keeps_nothing(budget):
    fitted = fit([piece("a", 1)], budget, Words())
    assert (fitted.kept, fitted.tokens, len(fitted.left_out)) == ([], 0, 1)


PIECES = st.lists(
    st.builds(
        Piece,
        kind=st.sampled_from(["cell", "file"]),
        name=st.text(max_size=5),
        text=st.one_of(st.text(max_size=300), st.integers(0, 400).map(lambda n: "word\n" * n)),
        rank=st.floats(0, 1),
    ),
    max_size=30,
)


@given(PIECES, st.integers(-10, 3000), st.booleans())
def test_it_is_never_over_budget_and_never_silent(pieces, budget, shorten):
    def count(texts):
        return [len(text) // 3 + 1 for text in texts]

    fitted = fit(pieces, budget, count, shorten=["file"] if shorten else [])
    spent = sum(TAGS + count([f"{one.name}\n{one.text}"])[0] for one in fitted.kept)
    assert spent == fitted.tokens <= max(budget, 0)
    whole = [one for one in fitted.kept if one in pieces]
    assert len(whole) + len(fitted.left_out) == len(pieces)
    assert all(one["why"] for one in fitted.left_out)
