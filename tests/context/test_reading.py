"""A notebook's file is read quickly, with its pictures left where they are."""

import json
import os
from base64 import b64encode
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_jupyter.context import reading
from tether_jupyter.context.reading import read, shortened

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
PICTURE = b64encode(PNG + bytes(range(256)) * 40).decode()
BROKEN_LINES = "\n".join(PICTURE[at : at + 76] for at in range(0, len(PICTURE), 76)) + "\n"


def notebook(payload, **keys):
    output = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": payload, "text/plain": "p"},
    }
    return {"cells": [{"cell_type": "code", "source": "x", "outputs": [output]}], **keys}


@pytest.fixture(autouse=True)
def _forgets():
    yield
    reading.SHELF.clear()


def payload_of(found):
    return found["cells"][0]["outputs"][0]["data"]["image/png"]


@pytest.mark.parametrize("payload", [PICTURE, BROKEN_LINES])
@pytest.mark.parametrize("form", [{}, {"indent": 1}, {"separators": (",", ":")}, {"sort_keys": True}])
def test_a_picture_is_left_in_the_file_and_found_there_again(tmp_path, payload, form):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook(payload), **form))
    found = read(path)
    assert len(payload_of(found)) < 300
    assert found.payload(payload_of(found)) == PICTURE
    assert found["cells"][0]["source"] == "x"
    raw = path.read_bytes()
    again = read(raw)
    assert again.payload(payload_of(again)) == PICTURE


@pytest.mark.parametrize("before", [" " * 5_000, ""])
def test_a_picture_whose_key_stands_in_the_line_before_is_left_in_the_file_too(before):
    raw = json.dumps(notebook(PICTURE)).replace('"image/png": ', before + '"image/png":\r\n ').encode()
    found = read(raw)
    assert len(payload_of(found)) < 300
    assert found.payload(payload_of(found)) == PICTURE
    assert restored(found, raw) == notebook(PICTURE)


def test_a_small_picture_stays_whole():
    assert payload_of(read(json.dumps(notebook(PICTURE[:1000])).encode())) == PICTURE[:1000]


def test_a_picture_is_not_taken_from_a_file_that_has_changed(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook(PICTURE)))
    found = read(path)
    path.write_text(json.dumps(notebook(PICTURE, other=1)))
    assert found.payload(payload_of(found)) == ""
    path.unlink()
    assert found.payload(payload_of(found)) == ""


def test_a_notebook_that_has_not_changed_is_not_read_again(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [1]}))
    first = read(path)
    assert read(str(path)) is first
    path.write_text(json.dumps({"cells": [2]}))
    os.utime(path, ns=(1, 1))
    assert read(path)["cells"] == [2]


def test_only_so_many_notebooks_are_kept(tmp_path):
    paths = [tmp_path / f"{number}.ipynb" for number in range(reading.MOST_KEPT + 1)]
    for path in paths:
        path.write_text("{}")
    first, *_ = [read(path) for path in paths]
    assert read(paths[0]) is not first
    assert read(paths[-1]) is read(paths[-1])


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"cells": [}', "[" * 100_000, "\x00\x01"])
def test_what_is_no_notebook_is_empty_and_says_why(text):
    found = read(text.encode())
    assert found == {}
    assert found.problem.endswith(".")


def test_a_file_that_is_not_there_is_told_without_its_folder(tmp_path):
    found = read(tmp_path / "none.ipynb")
    assert found == {}
    assert found.problem.startswith("`none.ipynb` cannot be read")
    assert str(tmp_path) not in found.problem


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST", 100)
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook(PICTURE)))
    assert "larger than" in read(path).problem
    assert "larger than" in read(path.read_bytes()).problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_json_may_be_in_any_of_its_encodings(encoding):
    assert read(json.dumps(notebook(PICTURE, a="ä"), ensure_ascii=False).encode(encoding))["a"] == "ä"


STRINGS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "image/png",
            '"image/png": "',
            '\\"image/png\\": \\"',
            "\\",
            '"',
            PICTURE,
            BROKEN_LINES,
            "a\ud800\x00",
            'x"image/png',
            "\\n",
        ]
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), STRINGS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(STRINGS, inner, max_size=4)),
    max_leaves=12,
)


def restored(found, raw):
    """Return content with each place in the file replaced by what stands there."""
    if isinstance(found, dict):
        return {key: restored(value, raw) for key, value in found.items()}
    if isinstance(found, list):
        return [restored(value, raw) for value in found]
    place = reading.PLACE.match(found) if isinstance(found, str) else None
    return json.loads(b'"' + raw[int(place[1]) : int(place[2])] + b'"') if place else found


@settings(deadline=None, max_examples=200)
@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_whatever_the_json_nothing_but_pictures_is_left_out(content, indent, ascii):
    raw = json.dumps(content, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    assert restored(json.loads(shortened(raw)), raw) == content


@pytest.mark.parametrize(
    "text", ["", "a", "\\" * 3_000, '"' * 3_000, 'a"\\' * 1_000, '\\"b' * 1_000, "\\\\n" * 1_000]
)
def test_a_picture_that_is_none_ends_where_its_text_does(text):
    raw = json.dumps({"image/png": text, "next": 'x"'}).encode()
    start = raw.index(b': "') + 3
    assert reading.closing(raw, start) == raw.index(b'", "next"')
    assert reading.closing(raw[: raw.index(b'", "next"')], start) == -1
    assert reading.closing(raw[:start] + b"\\", start) == -1


def test_the_end_of_a_text_of_quotation_marks_is_found_at_once():
    class Watched(bytes):
        asked = 0

        def find(self, *what):
            self.asked += 1
            return super().find(*what)

    raw = Watched(json.dumps('"' * 10_000).encode())
    assert reading.closing(raw, 1) == len(raw) - 1
    assert raw.asked < 10


def test_a_file_on_a_drive_that_does_not_know_its_length_is_read(tmp_path, monkeypatch):
    path = tmp_path / "notebook.ipynb"
    path.write_text('{"cells": [{"cell_type": "markdown", "source": "here"}]}')
    about = SimpleNamespace(st_size=0, st_mtime_ns=1)
    monkeypatch.setattr(reading.os, "fstat", lambda _: about)
    assert read(path)["cells"][0]["source"] == "here"
