"""The shelf: what stands there by name, and that no name leads anywhere else."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest

from tests.support import gguf_bytes
from tether_jupyter.errors import Conflict, Forbidden, Internal, ModelNotReady, NotFound
from tether_jupyter.llm.models import facts
from tether_jupyter.llm.models.shelf import Shelf, default_folder


@pytest.fixture
def put(shelf):
    shelf.folder.mkdir()

    def write(name, content=None):
        path = shelf.folder / name
        path.write_bytes(gguf_bytes.model() if content is None else content)
        return path

    return write


def test_a_folder_that_is_not_there_is_empty_and_stays_away(shelf):
    assert shelf.list() == []
    assert shelf.partial() == []
    assert not shelf.folder.exists()


def test_without_a_setting_it_is_in_jupyters_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert Shelf("").folder == Shelf().folder == default_folder() == tmp_path / "tether" / "models"


def test_a_model_has_a_name_a_size_and_the_facts_of_its_head(shelf, put):
    path = put("Some.Model-Q4_K_M.gguf")
    entry = shelf.list()[0]
    assert (entry.name, entry.path, entry.size) == ("Some.Model-Q4_K_M", path, path.stat().st_size)
    assert (entry.header.architecture, entry.header.context_length) == ("llama", 2048)
    assert (entry.facts.quantization, entry.facts.license) == ("Q4_K_M", "apache-2.0")
    assert entry.problem is None


def test_memory_counts_the_file_and_the_context(shelf, put):
    put("m.gguf")
    entry = shelf.list()[0]
    per_token = 2 * 2 * 2 * (16 + 16)  # bytes, layers, heads of keys and values, their widths
    assert entry.header.kv_bytes == per_token
    small, large = (entry.facts.memory(entry.size, tokens) for tokens in (1000, 2000))
    assert large - small == 1000 * per_token
    assert entry.facts.memory(entry.size, 0) == entry.facts.memory(entry.size, 99999), (
        "no more than it was made for"
    )


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"GGUF" + b"\xff" * 64, gguf_bytes.model(floats=9000)[:-9000]]
)
def test_a_bad_file_is_listed_with_its_problem(shelf, put, content):
    put("bad.gguf", content)
    entry = shelf.list()[0]
    assert entry.header is None
    assert "no model that can be loaded" in entry.problem


def test_a_file_that_changed_is_read_anew(shelf, put):
    put("m.gguf", b"bad")
    assert shelf.list()[0].problem
    put("m.gguf")
    assert shelf.list()[0].problem is None


def test_nothing_but_models_is_listed(shelf, put):
    for name in ("m.gguf.part", "m.json", ".hidden.gguf", "notes.txt"):
        put(name, b"x")
    assert shelf.list() == []


@pytest.mark.skipif(sys.platform == "darwin", reason="has no such names")
def test_a_name_that_is_not_utf_8_is_left_out_and_told_once(shelf, put, caplog):
    put("m.gguf")
    for name in (b"caf\xe9.gguf", b"caf\xe9-2.gguf.part"):
        (shelf.folder / os.fsdecode(name)).write_bytes(b"GGUF")
    for _ in range(2):
        assert [entry.name for entry in shelf.list()] == ["m"]
        assert shelf.partial() == []
    assert sorted(record.getMessage().partition(" in ")[0] for record in caplog.records) == [
        "caf\\xe9-2.gguf.part",
        "caf\\xe9.gguf",
    ]


class TestWhatTheDiskDoesNotLetGo:
    def refuse(self, monkeypatch, code, *, writable):
        """Have the disk refuse to remove files: no folder is closed to root, who may run this."""

        def refuses(path, **_):
            raise OSError(code, os.strerror(code), str(path))

        monkeypatch.setattr(Path, "unlink", refuses)
        monkeypatch.setattr(os, "access", lambda path, mode: writable)

    @pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
    def test_a_folder_of_somebody_else_is_named_with_its_owner(self, shelf, put, monkeypatch, code):
        put("m.gguf")
        self.refuse(monkeypatch, code, writable=False)
        with pytest.raises(Forbidden) as refused:
            shelf.remove("m")
        owner = shelf.folder.owner()
        assert refused.value.message.startswith(f"'m' cannot be removed: {os.strerror(code)}.")
        assert f" {shelf.folder} belongs to {owner}: ask there" in refused.value.message

    def test_in_a_folder_where_each_removes_their_own_the_file_is_named(self, shelf, put, monkeypatch):
        path = put("m.gguf")
        self.refuse(monkeypatch, errno.EPERM, writable=True)
        with pytest.raises(Forbidden, match=f" {path} belongs to {path.owner()}: ask there"):
            shelf.remove("m")

    def test_a_lock_that_cannot_be_made_is_no_failure_of_tethers(self, shelf, put, monkeypatch):
        put("m.gguf")

        def refuses(path, *_, **__):
            raise PermissionError(errno.EACCES, "", str(path))

        monkeypatch.setattr(Path, "mkdir", refuses)
        with pytest.raises(Forbidden, match=f" {shelf.folder} belongs to "):
            shelf.remove("m")
        assert shelf.path("m").exists()

    def test_what_is_no_file_is_said(self, shelf, put):
        shelf.folder.joinpath("m.gguf").mkdir(parents=True)
        with pytest.raises(Internal, match=f"'m' cannot be removed: .* in {shelf.folder}"):
            shelf.remove("m")


class TestNames:
    def test_a_name_leads_to_its_file(self, shelf, put):
        path = put("m.gguf")
        assert shelf.path("m") == path

    def test_a_name_may_be_anything_that_a_file_is_called(self, shelf, put):
        path = put("a model (of mine).gguf")
        assert shelf.path("a model (of mine)") == path

    @pytest.mark.parametrize(
        "name", ["../x", "..", ".", "", "/x", "sub/x", "x.gguf", "x\0", "*", "..\\x", "X"]
    )
    def test_no_name_leads_out_of_the_folder(self, shelf, put, name):
        put("y.gguf")
        (shelf.folder.parent / "x.gguf").write_bytes(gguf_bytes.model())
        (shelf.folder / "sub").mkdir()
        (shelf.folder / "sub" / "x.gguf").write_bytes(gguf_bytes.model())
        for use in (shelf.path, shelf.remove):
            with pytest.raises(NotFound, match="There are: y"):
                use(name)

    def test_a_link_out_of_the_folder_is_not_followed_and_can_be_removed(self, shelf, put):
        outside = shelf.folder.parent / "outside.gguf"
        put("m.gguf")
        outside.write_bytes(gguf_bytes.model())
        (shelf.folder / "link.gguf").symlink_to(outside)
        with pytest.raises(NotFound, match="outside the models folder"):
            shelf.path("link")
        assert "outside" in next(entry for entry in shelf.list() if entry.name == "link").problem
        shelf.remove("link")
        assert outside.exists()
        assert [entry.name for entry in shelf.list()] == ["m"]

    def test_a_link_inside_the_folder_is_followed(self, shelf, put):
        put("m.gguf")
        (shelf.folder / "other.gguf").symlink_to(shelf.folder / "m.gguf")
        assert shelf.path("other").exists()

    def test_what_is_no_file_is_no_model(self, shelf, put):
        (shelf.folder / "folder.gguf").mkdir()
        os.mkfifo(shelf.folder / "pipe.gguf")
        assert all(entry.problem for entry in shelf.list())


class TestASplitModel:
    @pytest.fixture
    def pieces(self, put):
        return [put(f"m-{n:05d}-of-00003.gguf", gguf_bytes.model(split=(n - 1, 3))) for n in (1, 2, 3)]

    def test_is_one_model_that_its_first_file_stands_for(self, shelf, pieces):
        entry = shelf.list()[0]
        assert (entry.name, entry.path, entry.files) == ("m", pieces[0], tuple(pieces))
        assert entry.size == sum(path.stat().st_size for path in pieces)
        assert entry.problem is None

    def test_with_a_file_missing_is_not_loaded(self, shelf, pieces):
        pieces[1].unlink()
        with pytest.raises(ModelNotReady, match="1 of the 3 files of 'm' are missing"):
            shelf.path("m")
        assert "missing" in shelf.list()[0].problem

    def test_goes_as_a_whole(self, shelf, pieces):
        shelf.remove("m")
        assert list(shelf.folder.glob("*.gguf")) == []

    def test_hides_behind_a_whole_file_of_its_name(self, shelf, put, pieces):
        whole = put("m.gguf")
        assert shelf.path("m") == whole

    def test_its_later_files_are_pieces_and_no_models(self, pieces):
        later = facts.read(pieces[2])
        assert (later.header, later.split) == (None, (2, 3))


class TestLocks:
    def test_one_at_a_time(self, shelf):
        with shelf.lock("m"), pytest.raises(Conflict), shelf.lock("m"):
            pass
        with shelf.lock("m"), shelf.lock("other"):
            pass

    @pytest.mark.skipif(os.name != "posix", reason="has no such modes")
    @pytest.mark.parametrize(("mask", "mode"), [(0o002, 0o664), (0o077, 0o600)])
    def test_whoever_may_write_in_the_folder_may_take_it(self, shelf, mask, mode):
        before = os.umask(mask)
        try:
            with shelf.lock("m"):
                pass
        finally:
            os.umask(before)
        assert (shelf.folder / ".locks" / "m.lock").stat().st_mode & 0o777 == mode

    def test_it_is_free_again_after_a_failure(self, shelf):
        with pytest.raises(RuntimeError), shelf.lock("m"):
            raise RuntimeError
        with shelf.lock("m"):
            pass


@pytest.mark.parametrize("text", ["", "[]", "{", '{"repo": 1}', '{"files": []}', "[" * 100_000])
def test_a_note_that_makes_no_sense_is_no_note(shelf, put, text):
    put("m.gguf")
    (shelf.folder / "m.json").write_text(text)
    assert shelf.list()[0].origin is None


def test_a_note_tells_where_a_model_came_from(shelf, put):
    put("m.gguf")
    note = {"repo": "o/r", "commit": "c", "files": {"m.gguf": "s"}, "license": "mit"}
    (shelf.folder / "m.json").write_text(json.dumps(note))
    assert shelf.list()[0].origin.license == "mit"
    assert shelf.same(["s"]) == "m"
    assert shelf.same(["t"]) is None
