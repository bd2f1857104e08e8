"""What a model can read of a file, and what hostile files do to whoever reads them: nothing."""

import codecs
import io
import json
import sys
import zipfile

import pytest

from tests.support.documents import GIF, JPEG, PNG, WEBP, notebook, pdf, said
from tether_jupyter.core.bounded import Bounds
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.store.extract import MAX_TEXT, extract, kind_of

TIGHT = Bounds(memory=256, cpu=3, wall=60.0, output=8 * MAX_TEXT)


@pytest.fixture
def read(tmp_path):
    """Return what is found in a file."""

    def look(data, name="file.txt", bounds=TIGHT):
        (tmp_path / "file").write_bytes(data)
        with (tmp_path / "file").open("rb") as file:
            return extract(file, kind_of(file, name), bounds)

    return look


def kind(data, name="file"):
    return kind_of(io.BytesIO(data), name)


class TestWhatAFileIs:
    @pytest.mark.parametrize(
        ("data", "media_type"),
        [
            (PNG, "image/png"),
            (JPEG, "image/jpeg"),
            (GIF, "image/gif"),
            (WEBP, "image/webp"),
            (pdf(said("x")), "application/pdf"),
            (b"print(1)", "text/plain"),
            (b'{"cells": [], "nbformat": 4}', "application/x-ipynb+json"),
        ],
    )
    @pytest.mark.parametrize("name", ["x", "x.exe", "x.html", "x.png", "x.pdf"])
    def test_is_seen_in_it_and_not_in_its_name(self, data, media_type, name):
        assert kind(data, name).media_type == media_type

    @pytest.mark.parametrize("name", ["x.svg", "x.html", "x.png", "x"])
    def test_svg_and_html_are_plain_text(self, name):
        for data in (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", b"<!doctype html>"):
            assert kind(data, name).media_type == "text/plain"

    def test_names_tell_kinds_of_text_apart(self):
        assert kind(b"a,b\n1,2", "t.CSV").media_type == "text/csv"
        assert kind(b"# x", "t.md").media_type == "text/markdown"
        assert kind(b"[1]", "t.json").media_type == "application/json"

    @pytest.mark.parametrize(
        ("data", "encoding"),
        [
            ("é ü 漢".encode(), "utf-8"),
            (codecs.BOM_UTF8 + b"x", "utf-8-sig"),
            ("漢字".encode("utf-16"), "utf-16"),
            (codecs.BOM_UTF16_BE + "é".encode("utf-16-be"), "utf-16"),
            ("Crème brûlée, s'il vous plaît".encode("latin-1"), "cp1252"),
        ],
    )
    def test_text_is_read_in_the_encoding_it_has(self, data, encoding):
        assert kind(data).encoding == encoding

    def zipped(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a.txt", "text")
        return out.getvalue()

    @pytest.mark.parametrize(
        "data",
        [
            b"\x7fELF\x02\x01\x01\x00",
            b"MZ\x90\x00\x03",
            b"\x1f\x8b\x08\x00\x00",
            b"plain\x00text",
            b"\x89PNG\r\n\x1a\nnot really",
            codecs.BOM_UTF16_LE + b"\x00\xd8x",
            codecs.BOM_UTF16_LE + b"a\x00\x00\x00",
            bytes(range(128, 256)) * 4,
            b"good\xff" + b"x" * 70_000 + b"\x01\xff",
            b"\x00" * 100,
        ],
    )
    def test_anything_else_is_refused_by_name_with_what_is_taken(self, data):
        with pytest.raises(InvalidRequest, match=r"`data\.csv` .*notebooks, PDF"):
            kind(data, "data.csv")

    def test_an_archive_is_refused(self):
        with pytest.raises(InvalidRequest):
            kind(self.zipped(), "notes.txt")


class TestText:
    def test_comes_as_it_stands_with_one_kind_of_line_end(self, read):
        assert read("a\r\nb\rc é\n".encode()).text == "a\nb\nc é\n"
        assert read("漢字".encode("utf-16")).text == "漢字"
        assert read(codecs.BOM_UTF8 + b"x").text == "x"

    def test_has_no_control_characters(self, read):
        assert read(b"\x1b[31mred\x1b[0m \x08\x07.").text == "red ."

    def test_of_one_line_of_ten_megabytes_is_cut_and_says_so(self, read):
        found = read(b'{"a": "' + b"x" * 10_000_000 + b'"}', "big.json")
        assert len(found.text) == MAX_TEXT
        assert found.problem == "Only the first 400,000 characters of its 10.0 MB are read."

    def test_of_spaces_is_none(self, read):
        assert read(b" \n\t\n").text is None


class TestTables:
    def test_a_short_one_comes_whole(self, read):
        found = read(b"a,b\n1,2\n", "t.csv")
        assert (found.text, found.problem, found.facts) == ("a,b\n1,2\n", None, {"rows": 1, "columns": 2})

    def test_a_long_one_comes_with_its_two_ends_and_its_size(self, read):
        rows = "".join(f"{n};{n * 2}\n" for n in range(10_000))
        found = read(f"number;double\n{rows}".encode(), "t.csv")
        assert found.facts == {"rows": 10_000, "columns": 2}
        assert found.text.startswith(
            "A table of 10,000 rows and 2 columns: number, double\nnumber,double\n0,0\n"
        )
        assert found.text.endswith("9999,19998")
        assert "[9,970 rows are left out]" in found.text
        assert "the first 20 and the last 10" in found.problem

    def test_wide_ones_and_long_cells_are_cut(self, read):
        found = read((",".join(["x" * 1000] * 5000) + "\n").encode() * 3, "t.csv")
        assert len(found.text) < 200_000
        assert "4,800 more" in found.text

    def test_one_that_is_no_csv_further_down_says_where(self, read):
        found = read(b"a,b\n" + b"1,2\n" * 10_000 + b'"' + b"x" * 2_000_000, "t.csv")
        assert found.facts["rows"] == 10_000
        assert "Row 10002 cannot be read" in found.problem


class TestNotebooks:
    def test_come_cell_by_cell_with_what_their_outputs_say(self, read):
        found = read(
            notebook(
                {"cell_type": "markdown", "source": ["# Title\n", "words"]},
                {
                    "cell_type": "code",
                    "source": "plot()",
                    "outputs": [
                        {"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]},
                        {
                            "output_type": "display_data",
                            "metadata": {},
                            "data": {"image/png": "SECRETPIXELS", "text/plain": "<Figure>"},
                        },
                        {
                            "output_type": "error",
                            "ename": "E",
                            "evalue": "bad",
                            "traceback": ["\x1b[31mlong"],
                        },
                    ],
                },
            ),
            "x.ipynb",
        )
        assert found.text == (
            "[cell 1, markdown]\n# Title\nwords\n\n[cell 2, code]\nplot()\n"
            "[output of cell 2]\na\nb\n\n<Figure>\nE: bad"
        )
        assert found.facts == {"cells": 2}

    def test_long_outputs_are_cut_and_say_so(self, read):
        output = {"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}
        found = read(notebook({"cell_type": "code", "source": "1", "outputs": [output]}))
        assert len(found.text) < 5_000
        assert "[996,000 more characters are left out]" in found.text

    def test_old_ones_are_read_too(self, read):
        old = {
            "metadata": {"name": ""},
            "nbformat": 3,
            "nbformat_minor": 0,
            "worksheets": [
                {"cells": [{"cell_type": "code", "input": "1+1", "language": "python", "outputs": []}]}
            ],
        }
        assert "1+1" in read(json.dumps(old).encode()).text

    def test_what_only_looks_like_one_is_read_as_text(self, read):
        found = read(b'{"nbformat": 4, "cells": "none"}')
        assert found.text == '{"nbformat": 4, "cells": "none"}'
        assert "cannot be read as one" in found.problem

    @pytest.mark.parametrize("depth", [10_000, 1_000_000])
    def test_one_that_is_nested_deeply_has_no_text_and_says_why(self, read, depth):
        found = read(b'{"nbformat": 4, "cells": ' + b"[" * depth + b"]" * depth + b"}", "x.ipynb")
        assert (found.text, found.problem) == (None, "Its text cannot be read: it is nested too deeply.")

    def test_half_code_points_and_nuls_do_not_reach_the_database(self, read):
        found = read(notebook({"cell_type": "markdown", "source": "a\ud800b\x00c"}))
        assert found.text == "[cell 1, markdown]\na?bc"


class TestPdf:
    def test_comes_page_by_page(self, read):
        found = read(pdf(said("Hello"), said("World")), "x.pdf")
        assert found.text == "[page 1]\nHello\n\n[page 2]\nWorld"
        assert (found.problem, found.facts) == (None, {"pages": 2})

    def test_without_text_says_so(self, read):
        assert "holds no text" in read(pdf(b"")).problem

    def test_without_pypdf_says_what_to_install(self, monkeypatch):
        from tether_jupyter.store.extract import pdf as reader

        monkeypatch.setitem(sys.modules, "pypdf", None)
        found = reader.read(io.BytesIO(pdf(said("x"))), "")
        assert found.text is None
        assert "pip install 'tether-jupyter[files]'" in found.problem

    def test_one_that_is_locked_says_so(self, read):
        import pypdf

        writer = pypdf.PdfWriter(io.BytesIO(pdf(said("secret"))))
        writer.encrypt("password", algorithm="RC4-128")
        out = io.BytesIO()
        writer.write(out)
        found = read(out.getvalue())
        assert found.text is None
        assert "locked with a password" in found.problem

    def test_one_broken_page_does_not_take_the_others_along(self, read):
        whole = pdf(said("Hello"), b"[" * 5000, said("World"))
        found = read(whole)
        assert "Hello" in found.text
        assert "World" in found.text

    @pytest.mark.parametrize(
        "data",
        [
            b"%PDF-1.7\nnothing more",
            pdf(said("x"))[:300],
            pdf(said("x"), kids=b"2 0 R"),
            pdf(said("x"), kids=b"2 0 R 4 0 R 2 0 R"),
            pdf(b"BT " + b"0 " * 60_000_000),
            pdf(b"\0" * 500_000_000),
            pdf(b"BT /F1 12 Tf " + b"(aaaaaaaa) Tj 1 0 Td " * 2_000_000 + b"ET"),
            pdf(b"<<" * 100_000, compress=False),
            pdf(said("x"), extra=b"/Prev 0 "),
            b"%PDF-1.7\n1 0 obj\n" + b"<</A" * 200_000,
            b"%PDF-1.7\n" + b"xref\n0 999999999\n" + b"trailer <</Root 1 0 R /Prev 9>>\nstartxref\n9\n%%EOF",
        ],
        ids=[
            "nothing",
            "cut off",
            "a tree of itself",
            "a tree with a loop",
            "a bomb of operands",
            "a bomb of zeros",
            "a page of millions",
            "open dictionaries",
            "a past without end",
            "one object without end",
            "a huge table",
        ],
    )
    def test_a_hostile_one_ends_with_a_reason_or_with_text(self, read, data):
        found = read(data, "x.pdf")
        assert found.text or found.problem
        if found.text is None:
            assert found.problem.endswith(".")
            assert "Traceback" not in found.problem


def test_what_takes_too_long_is_ended(read):
    found = read(pdf(said("x")), bounds=Bounds(wall=0.01))
    assert found.problem == "Its text cannot be read: it takes more than 0.01 seconds."


def test_a_reader_that_cannot_start_is_said(read, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "did not start" in read(b"x").problem
