"""The middles of long texts stay in the file, and are told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tether_jupyter.context import gaps, reading
from tether_jupyter.context.notebook import look, pieces
from tether_jupyter.context.reading import Cells, read

LINES = [f"step {number}: 0.1\n" for number in range(30_000)]


def raw(*outputs: dict[str, Any], indent: int | None = 1, cells: int = 1, **known: Any) -> bytes:
    """Return the file of a notebook whose first cell has these outputs."""
    all = [code(0, list(outputs)), *(code(number) for number in range(1, cells))]
    notebook = {"cells": all, "metadata": {"a": [{}, {}]}, "nbformat": 4, "nbformat_minor": 5, **known}
    return json.dumps(notebook, indent=indent, ensure_ascii=False).encode()


def code(number: int, outputs: list[dict[str, Any]] | None = None, source: str = "") -> dict[str, Any]:
    source = source or f"x{number} = {number}\n"
    return {"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": [source, "done"],
            "execution_count": number, "outputs": outputs or []}  # fmt: skip


def printed(text: Any) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def shown(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def figure(text: str) -> int:
    """Return the first number of a text that has commas in it or stands behind `about`."""
    found = re.search(r"about ([\d,]+)", text)
    assert found, text
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("indent", [1, 2, 4])
@pytest.mark.parametrize("some", ["0.1", "[0.1]", "]\n ],\n }, ["])
def test_printed_lines_are_shown_as_if_all_had_been_read_and_counted_about(indent: int, some: str) -> None:
    lines = [line.replace("0.1", some.replace("\n", "\\n")) for line in LINES]
    file = raw(printed(lines), indent=indent)
    assert len(reading.shortened(file)) < len(file) / 3
    text = pieces(read(file))[0].text
    assert lines[0] in text
    assert lines[29] in text
    assert text.endswith(lines[-1].rstrip())
    assert figure(text) == pytest.approx(30_000 - 45, rel=0.02)


def test_at_the_level_schema_about_how_many_lines_there_are_is_all_that_is_said() -> None:
    text = pieces(read(raw(printed(LINES))), level="schema")[0].text
    assert "step" not in text
    assert figure(text) == pytest.approx(30_000, rel=0.02)


@pytest.mark.parametrize("page", ['<p class="a">wörter — \U0001f642</p>\n' * 20_000, "<b>word</b> " * 50_000])
@pytest.mark.parametrize("listed", [False, True])
def test_a_long_page_says_how_much_of_it_is_not_told(page: str, listed: bool) -> None:
    text = pieces(read(raw(shown(**{"text/html": page.splitlines(True) if listed else page}))))[0].text
    assert "w" in text
    left = sum(int(number.replace(",", "")) for number in re.findall(r"([\d,]+) characters left out", text))
    assert left > 0.9 * len(page)


def test_a_page_that_is_looked_at_in_part_says_so() -> None:
    text = pieces({"cells": [code(0, [shown(**{"text/html": "<p>word</p>" * 9_000})])]})[0].text
    assert f"[… {11 * 9_000 - 48_000:,} characters left out …]" in text


def test_a_long_table_does_not_tell_a_number_of_rows_that_was_not_counted() -> None:
    rows = [f"  <tr><th>{number}</th><td>1</td></tr>\n" for number in range(20_000)]
    table = ["<table>\n", "  <tr><th></th><th>a</th></tr>\n", *rows, "</table>"]
    text = pieces(read(raw(shown(**{"text/html": table}))))[0].text
    assert "[table, 1 column]" in text
    assert text.endswith("[… more rows]")


def test_a_picture_is_never_cut() -> None:
    picture = "iVBORw0KGgo" + "A" * 400_000
    found = read(raw(shown(**{"image/png": picture}), printed(LINES)))
    head = found["cells"][0]["outputs"][0]["data"]["image/png"]
    assert found.payload(head) == picture


@pytest.mark.parametrize(
    "file",
    [
        raw(printed(LINES), indent=None),
        raw(printed(LINES)).replace(b"\n", b"\r\n"),
        json.dumps({"cells": [code(0, [printed(LINES)])]}, indent="\t").encode(),
        json.dumps({"a": "\\" * 400_000, "b": ["\U0001f642" * 90_000]}, indent=1).encode(),
    ],
)
def test_what_is_laid_out_otherwise_is_read_whole(file: bytes) -> None:
    assert read(file) == json.loads(file)


def test_a_file_that_a_cut_would_break_is_read_whole() -> None:
    lines = ",\n    ".join(json.dumps(line) for line in LINES)
    odd = f'{{"a": [\n    {lines}, [\n   ], [\n    "b",\n    "c"\n   ]\n ]\n}}'.encode()
    assert read(odd) == json.loads(odd)


class TestManyCells:
    SOURCE = "word " * 300

    @pytest.fixture(scope="class")
    def file(self) -> bytes:
        cells = [code(number, source=f"x = {number}  # {self.SOURCE}\n") for number in range(4_000)]
        return json.dumps({"cells": cells, "metadata": {"b": [{}, {}]}, "nbformat": 4}, indent=1).encode()

    def test_are_parsed_when_they_are_asked_for(self, file: bytes) -> None:
        found = read(file)
        assert isinstance(found["cells"], Cells)
        whole = json.loads(file)["cells"]
        assert len(found["cells"]) == len(whole)
        assert [found["cells"].parsed(at) for at in (0, 1, 3_999)] == [whole[at] for at in (0, 1, 3_999)]

    @pytest.mark.parametrize("cell_id", ["c2000", 2000, "c0", 0, "c3999", None, "none"])
    def test_give_the_same_around_the_asking_one(self, file: bytes, cell_id: Any) -> None:
        assert look(read(file), cell_id=cell_id) == look(json.loads(file), cell_id=cell_id)

    @pytest.mark.parametrize("cell_index", [5, 9_999])
    def test_give_the_same_around_one_that_is_not_saved_yet(self, file: bytes, cell_index: int) -> None:
        told = {"cell_id": "new", "cell_index": cell_index}
        assert look(read(file), **told) == look(json.loads(file), **told)
        assert (look(read(file), **told) == look(read(file))) is (cell_index > 4_000)

    def test_are_not_found_by_an_id_that_stands_in_another_ones_output(self, file: bytes) -> None:
        listed = (
            b'"outputs": [{"output_type": "display_data", "data": {"application/json": {"id": "c2000"}}}]'
        )
        file = file.replace(b'"outputs": []', listed, 1)
        assert look(read(file), cell_id="c2000") == look(json.loads(file), cell_id="c2000")

    def test_are_those_of_the_notebook_where_others_are_laid_out_like_them(self, file: bytes) -> None:
        shown = '"metadata": {"a": [{\n  },\n  {"cell_type": "markdown", "source": "hidden"\n  },\n  {}]}'
        before, id, after = file.partition(b'"id": "c2000"')
        file = before + id + after.replace(b'"metadata": {}', shown.encode(), 1)
        assert look(read(file), cell_id="c2000") == look(json.loads(file), cell_id="c2000")
        assert look(read(file), cell_id="c2001") == look(json.loads(file), cell_id="c2001")

    def test_those_not_looked_at_are_counted(self, file: bytes) -> None:
        looked = look(read(file), reach="all", cell_id="c100")
        assert looked.pieces[0].name == "cell 1, In [0]"
        assert looked.beyond + len(looked.pieces) == 3_999

    def test_no_more_are_looked_at_than_there_is_room_for(self, file: bytes) -> None:
        looked = look(json.loads(file), reach="all", cell_id=10, room=5_000)
        assert [piece.name for piece in looked.pieces] == [f"cell {n}, In [{n - 1}]" for n in (7, 8, 9, 10)]
        assert looked.beyond == 3_999 - 4

    def test_a_broken_end_is_no_notebook(self, file: bytes) -> None:
        assert read(file[:-3]).problem


def test_a_gap_that_somebody_wrote_is_only_words() -> None:
    text = gaps.noted(99, 7)
    assert gaps.lines_in(f"a {text} b {text}") == 14
    assert gaps.bytes_in(text * 2) == 198
    assert gaps.lines_in("[… lines bytes left out …]") == 0


class Watched(bytes):
    """Bytes that add up how many of them are looked through."""

    seen = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(sub, start, len(self) if end is None else end)
        self.seen += (len(self) if found < 0 else found) - start
        return found


def test_lists_that_end_nowhere_are_looked_for_once() -> None:
    rows = '  "a",\n' * 12_000
    lists = [f' "{number}": [\n{rows}  "z"],\n' for number in range(40)]
    file = Watched("".join(["{\n", *lists, ' "cells": []\n}']).encode())
    assert json.loads(file)["39"][-1] == "z"
    assert list(gaps.found(file)) == []
    assert file.seen < 2 * len(file)
