"""A notebook becomes pieces: cells around the one that asks, whole, the nearest first."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.context.test_reading import JSON, PICTURE
from tether_jupyter.context.notebook import AFTER, BEFORE, pieces
from tether_jupyter.context.piece import Piece


def code(source, *outputs, **keys):
    return {"cell_type": "code", "source": source, "outputs": list(outputs), **keys}


def text(source):
    return {"cell_type": "markdown", "source": source}


def book(*cells):
    return {"cells": list(cells), "nbformat": 4}


def names(found):
    return [piece.name for piece in found]


MANY = book(*(code(f"x = {number}", id=f"c{number}", execution_count=number) for number in range(40)))


def test_a_cell_and_its_outputs_are_one_piece():
    stream = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}
    assert pieces(book(code(["a = 1\n", "a + 1"], stream, execution_count=7))) == [
        Piece("cell", "cell 1, In [7]", "a = 1\na + 1\n[output]\n2", 0.5)
    ]


def test_the_nearest_cells_matter_most_and_stand_in_the_notebooks_order():
    found = pieces(MANY, cell_id="c20")
    assert names(found) == [f"cell {n + 1}, In [{n}]" for n in range(20 - BEFORE, 21 + AFTER) if n != 20]
    ranks = {piece.name: piece.rank for piece in found}
    before = [ranks[f"cell {n + 1}, In [{n}]"] for n in range(20 - BEFORE, 20)]
    after = [ranks[f"cell {n + 1}, In [{n}]"] for n in range(21, 21 + AFTER)]
    assert before == sorted(before)
    assert after == sorted(after, reverse=True)
    assert before[-1] > after[0]
    assert all(0 < rank < 1 for rank in ranks.values())


def test_the_cell_that_asks_is_told_by_id_or_index_else_it_is_the_end():
    by_id = pieces(MANY, cell_id="c20")
    assert pieces(MANY, cell_id=20) == by_id
    for nobody in (None, "gone", 99, -1, True):
        assert names(pieces(MANY, cell_id=nobody))[-1] == "cell 40, In [39]"


def test_a_file_that_keeps_no_ids_is_told_the_cell_by_its_index():
    old = book(*(code(f"x = {number}", execution_count=number) for number in range(40)))
    assert pieces(old, cell_id="c20", cell_index=20) == pieces(MANY, cell_id="c20")
    assert pieces(MANY, cell_id="c20", cell_index=3) == pieces(MANY, cell_id="c20")
    assert pieces(old, cell_id="c99", cell_index=99) == pieces(old)


def test_around_a_cell_that_is_not_saved_yet_come_those_that_it_stands_between():
    found = pieces(MANY, cell_id="new", cell_index=20)
    assert names(found) == [f"cell {n + 1}, In [{n}]" for n in range(20 - BEFORE, 20 + AFTER)]
    ranks = {piece.name: piece.rank for piece in found}
    beside = {piece.name: piece.rank for piece in pieces(MANY, cell_id="c19")}
    assert ranks["cell 21, In [20]"] == beside["cell 21, In [20]"]


def test_all_cells_come_where_all_are_wanted_but_the_one_that_asks():
    assert len(pieces(MANY, cell_id="c20", reach="all")) == 39


def test_imports_and_the_headings_above_come_from_far_away():
    far = [code(f"y = {number}") for number in range(30)]
    found = pieces(
        book(
            text("# Title\nwords"),
            code("import numpy as np"),
            text("## Old"),
            text("## Section"),
            *far,
            code("?", id="q"),
        ),
        cell_id="q",
    )
    assert names(found)[:3] == ["cell 1, markdown", "cell 2", "cell 4, markdown"]
    ranks = [piece.rank for piece in found]
    assert min(ranks[:3]) > ranks[3]


def test_cells_of_the_conversation_stay_out_as_they_are_in_the_history():
    found = pieces(
        book(
            code("%load_ext tether_jupyter"),
            code("%%tether -o df\nWhat is this?"),
            code("# ask\n%tether use tiny\n\n%tether status"),
            code("%tether ask x\ny = 1"),
            text("%%tether is a magic"),
        )
    )
    assert names(found) == ["cell 4", "cell 5, markdown"]


def test_the_old_format_is_read():
    old = {
        "nbformat": 3,
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "source": ["Data"]},
                    {
                        "cell_type": "code",
                        "input": "1/0",
                        "prompt_number": 3,
                        "outputs": [
                            {"output_type": "stream", "stream": "stderr", "text": "careful"},
                            {"output_type": "pyout", "text": ["2"], "prompt_number": 3},
                            {"output_type": "display_data", "png": PICTURE},
                            {"output_type": "pyerr", "ename": "E", "evalue": "no", "traceback": []},
                        ],
                    },
                ]
            }
        ],
    }
    assert [piece.text for piece in pieces(old)] == [
        "## Data",
        "1/0\n[output]\n[stderr]\ncareful\n2\n[image/png, 640x480]\nE: no",
    ]
    assert names(pieces(old)) == ["cell 1, markdown", "cell 2, In [3]"]


def test_what_is_broken_gives_what_can_be_read():
    cells = [
        None,
        3,
        {},
        {"cell_type": 5, "source": "raw text"},
        code(None),
        code(["a", None, 3, "b"]),
        code("z", None, 4, {}),
    ]
    cells += [
        {"cell_type": "code", "source": "w", "outputs": {"a": 1}, "execution_count": "7", "metadata": []}
    ]
    assert [piece.text for piece in pieces({"cells": cells, "nbformat": "x"})] == ["raw text", "ab", "z", "w"]
    for nothing in (None, [], "text", {}, {"cells": {}}, {"worksheets": [None, {"cells": 1}]}):
        assert pieces(nothing) == []


def test_pictures_go_along_for_a_model_that_sees_and_are_named_for_any():
    shown = {"output_type": "display_data", "data": {"image/png": PICTURE, "text/plain": "<Figure size 1x1>"}}
    [blind] = pieces(book(code("plot()", shown)))
    [seen] = pieces(book(code("plot()", shown)), sees=True)
    assert blind.text == seen.text == "plot()\n[output]\n[image/png, 640x480]"
    assert (blind.images, seen.images) == ((), (f"data:image/png;base64,{PICTURE}",))


def test_the_nearest_cells_have_the_pictures_that_there_is_room_for():
    shown = {"output_type": "display_data", "data": {"image/png": PICTURE}}
    found = pieces(book(*(code(f"plot({n})", shown) for n in range(12))), sees=True)
    assert [len(piece.images) for piece in found] == [0] * 4 + [1] * 8


def test_a_notebook_is_not_changed():
    before = repr(MANY)
    pieces(MANY, cell_id=3, reach="all", sees=True)
    assert repr(MANY) == before


MIMES = [
    "text/plain", "text/html", "image/png", "application/json", "application/vnd.plotly.v1+json",
    "text/latex", "application/vnd.dataresource+json", "application/vnd.vegalite.v5+json", "image/svg+xml",
    "text/markdown",
]  # fmt: skip
ODD = st.one_of(
    JSON, st.sampled_from([PICTURE * 3, "<table><tr><td>" * 3, "\x1b[", "a\rb", "File x:1, in f"])
)
OUTPUTS = st.one_of(
    JSON,
    st.fixed_dictionaries({"output_type": st.just("stream"), "text": ODD, "name": ODD}),
    st.fixed_dictionaries({"output_type": st.just("error"), "ename": ODD, "evalue": ODD, "traceback": ODD}),
    st.fixed_dictionaries(
        {"output_type": st.just("display_data"), "data": st.dictionaries(st.sampled_from(MIMES), ODD)}
    ),
)
CELLS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {
            "cell_type": st.sampled_from(["code", "markdown", "heading", 7]),
            "source": ODD,
            "outputs": st.lists(OUTPUTS),
        }
    ),
)
BOOKS = st.one_of(JSON, st.fixed_dictionaries({"cells": st.lists(CELLS), "nbformat": JSON}))
RUN = re.compile(r"[A-Za-z0-9+/]{200,}")


@settings(deadline=None, max_examples=200)
@given(
    BOOKS,
    st.one_of(st.none(), st.integers(), st.text(max_size=3)),
    st.sampled_from(["schema", "samples", "values"]),
)
def test_any_json_gives_pieces_without_base64_and_never_raises(notebook, cell_id, level):
    for piece in pieces(notebook, cell_id=cell_id, reach="all", sees=True, level=level):
        assert not RUN.search(piece.text)
        assert "\x00" not in piece.text.encode().decode()
        assert piece.text.strip()


@pytest.mark.parametrize("level", ["schema", "samples"])
def test_no_value_of_the_data_is_told_at_the_level_of_schemas(level):
    table = "<table><tr><th></th><th>price</th></tr><tr><th>0</th><td>4711</td></tr></table>"
    cell = code(
        "show()",
        {"output_type": "stream", "text": "4711\n4711\n"},
        {"output_type": "execute_result", "data": {"text/plain": "4711"}},
        {"output_type": "execute_result", "data": {"text/html": table}},
        {"output_type": "error", "ename": "KeyError", "evalue": "'price'", "traceback": []},
    )
    [piece] = pieces(book(cell), level=level)
    assert ("4711" in piece.text) is (level == "samples")
    assert "price" in piece.text
    assert "KeyError: 'price'" in piece.text
    if level == "schema":
        assert "[text, 2 lines]\n[text, 1 line]\n[table, 1 row × 1 column]\n | price\n" in piece.text
