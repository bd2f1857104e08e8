"""The names of a question's sections, and the words that mean one of them."""

from __future__ import annotations

import pytest

from scripts.demo_model import marks, told

FRAME = """<variable name="flats">
flats: pandas.DataFrame, 12 × 7, 1 kB, index RangeIndex
  rent: float64
  zip_code: str
  City: str
  builtYear: int64
  company: str
  unit_price: float64
  unit_price_usd: float64
</variable>
"""


def asked(question: str, sections: str = FRAME) -> str:
    """The question as the model reads it, with spaces for its marks."""
    text, _ = marks.question(f"{sections}\n{question}")
    for mark in marks.TOKENS:
        text = text.replace(mark, " ")
    return " ".join(text.split("\n\n", 1)[1].split())


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("mean of rents", "mean of rent"),
        ("RENT per city", "rent per City"),
        ("how many companies", "how many company"),
        ("zip codes", "zip_code"),
        ("by Zip Code", "by zip_code"),
        ("the built year", "the builtYear"),
        ("Unit price usd over unit price", "unit_price_usd over unit_price"),
    ],
)
def test_a_word_that_means_a_column_is_read_as_that_column(said: str, read: str) -> None:
    assert asked(said) == read


@pytest.mark.parametrize(
    "said",
    [
        "parents of renters",
        "rentals",
        "the code of a zip",
        "mean per group",
        "the zip codec",
        "unit priceless",
    ],
)
def test_other_words_stay_as_they_were_typed(said: str) -> None:
    assert asked(said) == said


def test_a_column_that_is_there_by_that_very_name_is_meant() -> None:
    sections = FRAME.replace("  company", "  rents: int64\n  company")
    assert asked("rents and rent", sections) == "rents and rent"


def test_without_sections_nothing_is_read_as_something_else() -> None:
    names, begin = told.told("rents: in flats\nper rent")
    assert names == []
    assert begin == len("rents: in flats\nper rent")
    text, _ = marks.question("the rents and the rent")
    assert text.startswith("the<|w1|>rents and the<|w2|>rent")


def test_what_stands_in_the_sections_stays_as_it_is() -> None:
    text, _ = marks.question(FRAME.replace("City: str", "City: str\n  rents_paid: str") + "\nrents paid")
    assert "rents_paid: str" in text
    assert text.count("rents_paid") == 2
