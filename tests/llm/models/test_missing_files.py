"""A split model of which files are gone: pulled again, it gets those, and keeps what is there."""

import shutil

import pytest

from tether_jupyter.errors import Conflict, ModelNotReady
from tether_jupyter.llm.models.pull import SPARE


@pytest.mark.parametrize("missing", [[1], [2], [1, 3]])
async def test_a_split_model_gets_the_files_that_are_missing_and_keeps_those_that_are_there(
    pull, hub, pieces, shelf, missing
):
    await pull()
    paths = shelf.list()[0].files
    for number in missing:
        paths[number - 1].unlink()
    kept = {path: path.stat().st_ino for path in paths if path.exists()}
    with pytest.raises(ModelNotReady, match="Pull it again: what is there stays"):
        shelf.path("large-Q4_K_M")
    hub.requests.clear()
    pulled, reports = await pull()
    fetched = [request.path.partition("?")[0] for request in hub.asked("host")]
    assert [path[-len("00001-of-00003.gguf") :] for path in fetched] == [
        f"{number:05d}-of-00003.gguf" for number in missing
    ]
    assert not pulled.already
    assert reports[-1].bytes == reports[-1].total == sum(map(len, pieces))
    assert [path.read_bytes() for path in shelf.list()[0].files] == pieces
    assert {path: path.stat().st_ino for path in kept} == kept
    assert shelf.path("large-Q4_K_M") == paths[0]


async def test_there_must_be_room_for_the_missing_files_alone(pull, pieces, shelf, monkeypatch):
    await pull()
    shelf.list()[0].files[1].unlink()
    usage = shutil.disk_usage("/")._replace(free=SPARE + len(pieces[1]))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    await pull()
    assert shelf.list()[0].problem is None


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:-1] + b"!"])
async def test_a_model_with_a_file_missing_and_another_changed_is_left_as_it_is(
    pull, hub, pieces, shelf, change
):
    await pull()
    first, second, third = shelf.list()[0].files
    first.unlink()
    third.write_bytes(changed := change(pieces[2]))
    hub.requests.clear()
    with pytest.raises(Conflict, match="tether rm large-Q4_K_M"):
        await pull()
    assert hub.asked("host") == []
    assert (second.read_bytes(), third.read_bytes()) == (pieces[1], changed)


async def test_a_model_with_a_file_missing_is_another_where_no_note_tells_of_it(pull, hub, pieces, shelf):
    await pull()
    shelf.list()[0].files[0].unlink()
    (shelf.folder / "large-Q4_K_M.json").unlink()
    with pytest.raises(Conflict, match="another model"):
        await pull()
