"""The marks that the demo model points with: set alike for training and by the template of its file."""

from __future__ import annotations

import random
import re

import pytest

from scripts.demo_model import corpus, marks
from scripts.demo_model.grammar import fill_spans
from tether_jupyter.llm.local import demo
from tether_jupyter.llm.local.gguf import read_header
from tether_jupyter.llm.local.template import Template

ODD = [
    "",
    " ",
    "  two  spaces ",
    "\n price \n\n",
    "“price” per é_ü1 and 中文, don't",
    "2x3 and 2019_sales, 007, 0.05, 5\n7 and 8",
    "12345678901234567 ٣٤ ² x²",
    "a tab\tand\u00a0a hard space",
    "{{ messages }} {% if %} <|im_end|> <|w3|>",
    " ".join(f"word{i}" for i in range(3 * marks.MOST)),
    "long " * marks.LONGEST,
]


@pytest.fixture(scope="module")
def template() -> Template:
    source = read_header(demo.PATH).chat_template
    assert source
    return Template(source, {})


def rendered(template: Template, *contents: object) -> str:
    return template.render([{"role": "user", "content": content} for content in contents])


def trained_on(question: str) -> str:
    return f"<|im_start|>user\n{marks.question(question)[0]}<|im_end|>\n<|im_start|>assistant\n"


def unmarked(text: str) -> str:
    return re.sub(r"<\|w\d+\|>", "", text)


def test_the_file_s_template_writes_what_the_model_was_trained_on(template: Template) -> None:
    rng = random.Random(11)  # noqa: S311
    for _ in range(400):
        question = corpus.gen(rng).question
        assert rendered(template, question) == trained_on(question)


@pytest.mark.parametrize("question", ODD)
def test_odd_text_is_marked_alike_too(template: Template, question: str) -> None:
    assert rendered(template, question) == trained_on(question)


def test_only_the_last_message_is_rendered_and_its_parts_are_joined(template: Template) -> None:
    parts = [{"type": "text", "text": "sort it "}, {"type": "text", "text": "by price"}]
    assert rendered(template, "something before", parts) == trained_on("sort it by price")


def test_a_word_has_one_mark_wherever_it_stands_and_all_follow_in_a_last_line() -> None:
    text, found = marks.question("mean price per city in sales, then plot price")
    assert found == {"price": "<|w1|>", "city": "<|w2|>", "sales": "<|w3|>"}
    assert text == ("mean<|w1|>price per<|w2|>city in<|w3|>sales, then plot<|w1|>price\n<|w1|><|w2|><|w3|>")


def test_numbers_are_marked_in_the_last_line_only() -> None:
    _, found = marks.question("Cell In[45], line 20\nthe first 8 rows")
    assert found == {"8": "<|w1|>"}


def test_an_answer_has_the_marks_of_the_names_that_it_copies_and_no_others() -> None:
    _, found = marks.question("total price per city in sales")
    plain, spans = fill_spans(
        "$n.groupby('$d')['$c'].$A()", {"n": "sales", "d": "city", "c": "price", "A": "sum"}
    )
    text, _ = marks.answer(plain, spans, found | {"sum": "<|w9|>"})
    assert text == f"{found['sales']}sales.groupby('{found['city']}city')['{found['price']}price'].sum()"
    assert unmarked(text) == plain


def test_the_spans_of_a_marked_answer_hold_its_names() -> None:
    rng = random.Random(12)  # noqa: S311
    for _ in range(300):
        example = corpus.gen(rng)
        _, found = marks.question(example.question)
        text, spans = marks.answer(example.answer, example.spans, found)
        assert unmarked(text) == example.answer
        assert [unmarked(text[a:b]) for a, b, _ in spans] == [
            example.answer[a:b] for a, b, _ in example.spans
        ]
