"""Files by what is in them, in a folder and at an address."""

import hashlib
import os
import stat
import sys
import uuid

import pytest

from tether_jupyter.errors import InvalidRequest, NotFound
from tether_jupyter.store.blobs import LocalBlobs, RemoteBlobs, open_blobs
from tether_jupyter.store.failures import StoreFailed

DATA = b"what is in it"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["folder", "memory", "file"])
def blobs(request, tmp_path):
    """A store of each kind: our own folder, one that is whole at once, and one that must be renamed."""
    if request.param == "folder":
        return LocalBlobs(tmp_path / "files")
    name = uuid.uuid4().hex
    url = f"memory://{name}/prefix" if request.param == "memory" else f"file://{tmp_path}/remote"
    return RemoteBlobs(url, tmp_path / "files")


@pytest.fixture
def put(blobs):
    """Let a file arrive and keep it."""

    def keep(data=DATA):
        arrived = blobs.receive()
        arrived.write(data)
        arrived.close()
        blobs.put(arrived.path, arrived.digest)
        arrived.discard()
        return arrived.digest

    return keep


def read(blobs, digest=DIGEST):
    with blobs.open(digest) as file:
        return file.read()


def everything(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_kept_under_its_digest(blobs, put):
    assert put() == DIGEST
    assert read(blobs) == DATA
    assert blobs.has(DIGEST, len(DATA))
    assert list(blobs.digests()) == [DIGEST]


def test_the_same_file_is_kept_once(blobs, put):
    put()
    put()
    assert list(blobs.digests()) == [DIGEST]


def test_pieces_make_one_file(blobs):
    arrived = blobs.receive()
    for n in range(100):
        arrived.write(bytes([n]) * 10_000)
    arrived.close()
    blobs.put(arrived.path, arrived.digest)
    assert arrived.size == 1_000_000
    assert hashlib.sha256(read(blobs, arrived.digest)).hexdigest() == arrived.digest
    arrived.discard()


def test_looking_makes_nothing(blobs, tmp_path):
    assert list(blobs.digests()) == []
    assert not blobs.has(DIGEST, 1)
    assert list(blobs.waiting()) == []
    assert blobs.sweep(0) == 0
    blobs.receive().discard()
    assert everything(tmp_path) == []


def test_what_is_not_there_is_said(blobs):
    with pytest.raises(NotFound, match="Upload it again"):
        blobs.open(DIGEST)
    assert blobs.set_aside(DIGEST) is None


def test_a_half_written_one_is_written_again(blobs, put, tmp_path):
    put()
    if isinstance(blobs, LocalBlobs):
        blobs._path(DIGEST).write_bytes(b"half")
    else:
        system, root = blobs._place()
        with system.open(blobs._path(root, DIGEST), "wb") as file:
            file.write(b"half")
    assert not blobs.has(DIGEST, len(DATA))
    put()
    assert read(blobs) == DATA


def test_what_was_set_aside_is_put_back_or_let_go(blobs, put, tmp_path):
    put()
    aside = blobs.set_aside(DIGEST)
    assert list(blobs.digests()) == []
    assert list(blobs.waiting()) == [(aside, DIGEST)]
    blobs.put_back(aside)
    blobs.put_back(aside)
    assert read(blobs) == DATA
    blobs.let_go(blobs.set_aside(DIGEST))
    assert list(blobs.digests()) == []
    assert everything(blobs.folder) == []


def test_of_two_that_put_the_same_file_back_neither_fails(blobs, put):
    aside = blobs.set_aside(put(b"wanted"))
    has = blobs.has

    def while_another_does_so(digest, size):
        blobs.has = has
        before = has(digest, size)
        blobs.put_back(aside)
        return before

    blobs.has = while_another_does_so
    blobs.put_back(aside)
    assert [blobs.read(digest) for digest in blobs.digests()] == [b"wanted"]
    assert list(blobs.waiting()) == []


def test_what_broke_off_while_it_arrived_is_swept_away(blobs):
    for age in (10, 1000):
        arrived = blobs.receive()
        arrived.write(b"x")
        arrived.close()
        old = arrived.path.stat().st_mtime - age
        os.utime(arrived.path, (old, old))
    assert blobs.sweep(500) == 1
    assert len(everything(blobs.folder)) == 1


@pytest.mark.parametrize("digest", ["../../etc/passwd", "x", "", "A" * 64, "a" * 63 + "/", "a" * 65])
def test_nothing_but_a_digest_names_a_file(blobs, digest):
    with pytest.raises(NotFound):
        blobs.open(digest)


def test_nobody_else_can_read_the_folder(tmp_path):
    blobs = LocalBlobs(tmp_path / "data" / "files")
    umask = os.umask(0)
    try:
        arrived = blobs.receive()
        arrived.write(DATA)
        arrived.close()
        blobs.put(arrived.path, arrived.digest)
    finally:
        os.umask(umask)
    for path in (tmp_path / "data").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_file_system_without_links_is_copied_on(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    blobs = LocalBlobs(tmp_path / "files")
    arrived = blobs.receive()
    arrived.write(DATA)
    arrived.close()
    blobs.put(arrived.path, arrived.digest)
    arrived.discard()
    assert read(blobs) == DATA
    assert len(everything(tmp_path)) == 1


def test_a_full_disk_is_said_in_words(tmp_path, monkeypatch):
    blobs = LocalBlobs(tmp_path)
    arrived = blobs.receive()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    arrived.write(DATA)
    with pytest.raises(StoreFailed, match="The disk is full"):
        arrived.close()
    arrived.discard()
    assert everything(tmp_path) == []


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "s3://name:canary@bucket/prefix",
            "s3://canary@bucket/prefix",
            "https://host/path?token=canary",
            "simplecache::s3://canary",
            "canary",
            "/canary",
            "s3:canary",
            "http://[canary",
        ],
    )
    def test_a_bad_one_is_refused_and_not_repeated(self, url, tmp_path):
        with pytest.raises(InvalidRequest) as refused:
            open_blobs(url, tmp_path)
        assert "canary" not in str(refused.value)
        assert "Tether.uploads_url" in str(refused.value)

    def test_none_is_the_folder(self, tmp_path):
        assert isinstance(open_blobs("", tmp_path), LocalBlobs)

    def test_one_that_fsspec_does_not_know_is_said(self, tmp_path):
        with pytest.raises(InvalidRequest, match="no `nonsense://`"):
            RemoteBlobs("nonsense://x", tmp_path).has(DIGEST, 1)

    def test_one_that_needs_another_package_is_said(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "s3fs", None)
        with pytest.raises(InvalidRequest, match="`s3fs` for S3"):
            RemoteBlobs("s3://bucket/x", tmp_path).has(DIGEST, 1)

    def test_without_fsspec_the_extra_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
        with pytest.raises(InvalidRequest, match=r"tether-jupyter\[files\]"):
            RemoteBlobs("memory://x", tmp_path).has(DIGEST, 1)

    def test_what_the_store_raises_is_told_without_its_words(self, tmp_path, monkeypatch, caplog):
        blobs = RemoteBlobs(f"memory://{uuid.uuid4().hex}", tmp_path)
        system, _ = blobs._place()

        def refuse(*_, **__):
            raise RuntimeError("https://bucket/?signature=canary")

        monkeypatch.setattr(type(system), "info", refuse)
        with pytest.raises(StoreFailed, match="does not answer") as failed:
            blobs.has(DIGEST, 1)
        assert "canary" not in str(failed.value) + caplog.text
