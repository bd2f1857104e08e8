"""What somebody types, and where a text has it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.store.words import Query, Term, folded


def shown(q, text):
    return "".join(f"[{p['text']}]" if p["hit"] else p["text"] for p in Query.parse(q).pieces(text))


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("", ()),
        (" _-()* ", ()),
        ("One two ", (Term(("one",)), Term(("two",)))),
        ("one two", (Term(("one",)), Term(("two",), True))),
        ('"one two"', (Term(("one", "two")),)),
        ('"one two', (Term(("one", "two")),)),
        ("df_total ", (Term(("df", "total")),)),
        ("Ünder x", (Term(("under",)), Term(("x",)))),
        ("a a ", (Term(("a",)),)),
    ],
)
def test_words_phrases_and_a_beginning(typed, terms):
    assert Query.parse(typed).terms == terms


def test_no_more_than_a_few_words_are_asked_for():
    assert sum(len(term.words) for term in Query.parse("word_" * 300 + " x" * 300).terms) <= 16


@given(st.text())
def test_folding_keeps_every_character_in_its_place(text):
    assert len(folded(text)) == len(text)


@given(st.text(), st.text(max_size=30))
def test_pieces_are_text_of_the_message_in_order(text, q):
    pieces = Query.parse(q).pieces(text)
    whole = " ".join("".join(p["text"] for p in pieces).strip("…").split())
    assert whole in " ".join(text.split()) or not whole
    assert all(a["hit"] != b["hit"] for a, b in pairwise(pieces))


def test_the_place_of_the_first_hit_is_shown_with_whole_words_around_it():
    text = "before " * 100 + "a needle here" + " after" * 100
    found = shown("needle ", text)
    assert "before a [needle] here after" in found
    assert found.startswith("…before ")
    assert found.endswith(" after…")
    assert len(found) < 180


def test_a_hit_is_a_word_and_not_a_part_of_one():
    assert shown("art ", "a part of art") == "a part of [art]"
    assert shown('"df total"', "df_total") == "[df_total]"


def test_markup_stays_text():
    pieces = Query.parse("script ").pieces("<script>alert(1)</script>")
    assert pieces[0] == {"text": "<", "hit": False}
    assert pieces[1] == {"text": "script", "hit": True}


def test_characters_of_two_units_shift_nothing():
    assert shown("word ", "😀😀 a word") == "😀😀 a [word]"
