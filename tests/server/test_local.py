"""The local engine through the doors: a real GGUF file, a real worker, a real crash."""

import json
import os
import signal

import nbformat
import pytest

from tests.server.test_uploads import BOUNDARY, form
from tests.support import tiny_gguf
from tether_jupyter.core import events


@pytest.fixture(scope="module")
def endless_model(tmp_path_factory):
    """A model that never ends by itself, slow enough to be interrupted."""
    path = tmp_path_factory.mktemp("models") / "endless.gguf"
    pieces = [f" w{number}" for number in range(20)]
    return tiny_gguf.write(path, says=pieces, again=True, shape=tiny_gguf.SLOW)


@pytest.fixture
def tether_config(endless_model):
    return {
        "Tether": {"backend": "local"},
        "LocalLLM": {"model_path": str(endless_model), "n_threads": 1, "slots": 1},
    }


async def test_the_worker_killed_in_mid_answer_is_a_typed_error_and_the_next_answer_comes(stream, services):
    found = []
    async for event in stream({"message": "go on", "max_tokens": 4000}).events():
        found.append(event)
        if "delta" in event and len(found) == 2:
            os.kill(services.backends.get("local").pid, signal.SIGKILL)
    assert found[-1]["error"]["type"] == "engine_crashed"
    assert found[-1]["error"]["retryable"] is True
    again = [e async for e in stream({"message": "go on", "max_tokens": 3}).events()]
    assert again[-1] == {"done": True, "finish_reason": "length"}


async def test_a_question_that_does_not_fit_is_refused_with_the_numbers(ask):
    reply = await ask("chat", body={"message": "x " * 4900})
    assert reply.code == 422
    error = json.loads(reply.body)["error"]
    assert error["type"] == "context_overflow"
    assert "tokens" in error["message"]


async def test_one_question_waits_for_another_and_is_told_its_place(stream):
    first = stream({"message": "go on", "max_tokens": 4000})
    async for event in first.events():
        if "delta" in event:
            break
    second = stream({"message": "me too", "max_tokens": 2})
    kinds = []
    async for event in second.events():
        kinds.append(events.kind(event))
        if kinds[-1] == "queued":
            first.response.cancel()
    assert "queued" in kinds
    assert kinds[-1] == "done"


async def test_a_question_takes_the_place_of_a_completion_that_nobody_asked_for(stream):
    body = {"prompt": "x = ", "max_tokens": 4000, "stream": True, "priority": "low"}
    ghost = stream(body, accept="*/*", path="v1/completions")
    kinds, written = [], []
    async for line in ghost.lines():
        if line.startswith("data: {"):
            written.append(json.loads(line.removeprefix("data: "))["choices"][0])
        if len(written) == 1 and not kinds:
            # The one slot is taken, and the question is answered all the same.
            asked = stream({"message": "me first", "max_tokens": 2})
            kinds = [events.kind(event) async for event in asked.events()]
    assert "queued" not in kinds
    assert kinds[-1] == "done"
    assert written[0]["text"]
    assert written[-1]["finish_reason"] == "length"
    assert len(written) < 4000


async def test_a_completion_goes_on_in_the_models_memory_while_somebody_types(stream, ask):
    above, typed, cached = "import pandas as pd\n" * 20, "df = pd.read", []
    for end in range(1, len(typed) + 1):
        body = {"prompt": above + typed[:end], "max_tokens": 1, "prompt_cache_key": "lab", "priority": "low"}
        reply = json.loads((await ask("v1", "completions", body=body)).body)
        cached.append(reply["usage"]["prompt_tokens_details"]["cached_tokens"])
    # What stood there a key ago is not read again, but for the token whose likely followers are asked for.
    assert cached[0] == 0
    assert cached[1:] == sorted(cached[1:])
    assert cached[1] >= len(above)


async def test_health_tells_the_layers_and_what_this_build_can_do(ask):
    state = json.loads((await ask("health", method="GET")).body)
    assert state["gpu"]["layers"] > 0
    assert isinstance(state["gpu"]["offload"], bool)
    assert state["gpu"]["devices"][0]["memory_total"] > 0
    assert state["demo"] is False


class TestADemoModelOnAFreshMachine:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "local"}}

    async def test_health_calls_it_the_demo_model(self, ask):
        state = json.loads((await ask("health", method="GET")).body)
        assert state["status"] == "healthy"
        assert state["demo"] is True
        assert state["place"] == "this machine"

    async def test_it_has_one_answer_to_each_question(self, ask):
        body = {"message": "KeyError: 'price'\nsales['price']", "temperature": 2}
        said = {json.loads((await ask("chat", body=body)).body)["content"] for _ in range(5)}
        assert len(said) == 1

    async def test_it_answers_what_it_knows_and_is_honest_about_the_rest(self, ask):
        known = await ask("chat", body={"message": "NameError: name 'total' is not defined\nprint(total)"})
        assert "total" in json.loads(known.body)["content"]
        other = await ask("chat", body={"message": "What is the capital of France?"})
        assert "demo model" in json.loads(other.body)["content"]

    @pytest.mark.parametrize(
        ("question", "part"),
        [
            ("How do I read a CSV file into a DataFrame?", "pd.read_csv("),
            ("How do I draw a histogram of a column?", ".plot.hist("),
            ("What can Tether do in a notebook?", "cell magic"),
            ("What is a NameError?", "does not know a name"),
        ],
    )
    async def test_it_answers_what_people_ask_first(self, ask, question, part):
        assert part in json.loads((await ask("chat", body={"message": question})).body)["content"]

    async def test_the_cells_before_go_along_in_its_small_window(self, ask, jp_root_dir):
        cells = [nbformat.v4.new_code_cell(text, id=text[0]) for text in ("rows = 3", "print(rows)")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), jp_root_dir / "small.ipynb")
        asked = {"message": "why?", "notebook": "small.ipynb", "see": {"cells": "around", "cell_id": "p"}}
        await ask("chat", body={"message": "hello"})
        preview = json.loads((await ask("context", body=asked)).body)
        assert "rows = 3" in preview["messages"][-1]["content"]
        assert not preview.get("left_out")

    async def test_a_file_that_is_too_long_for_it_goes_along_in_part_and_harms_no_later_question(
        self, ask, jp_fetch
    ):
        notes = "\n".join(f"On day {day} nothing happened, and nobody came." for day in range(400))
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        file = form(("diary.txt", notes.encode()))
        added = await jp_fetch("tether", "uploads", method="POST", body=file, headers=kind)
        [upload] = json.loads(added.body)["uploads"]
        asked = {"message": "What is a KeyError?", "attachments": [upload["id"]]}
        first = json.loads((await ask("chat", body=asked)).body)
        assert first["finish_reason"] == "stop"
        [left] = json.loads((await ask("context", body=asked)).body)["left_out"]
        assert (left["kind"], left["name"]) == ("file", "diary.txt")
        assert left["why"].startswith("Only the first ")
        later = {"message": "hello", "conversation_id": first["conversation_id"]}
        assert json.loads((await ask("chat", body=later)).body)["finish_reason"] == "stop"

    async def test_an_error_and_the_cells_around_it_fit_before_it_is_loaded_and_when_asked_again(
        self, ask, jp_root_dir
    ):
        cells = [
            nbformat.v4.new_code_cell("rows = [1, 2, 3]  # and more\n" * 12, id=f"c{n}") for n in range(9)
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), jp_root_dir / "long.ipynb")
        asked = {
            "message": "Fix the NameError in cell 9",
            "notebook": "long.ipynb",
            "see": {"cells": "around", "cell_id": "c8"},
            "context": [{"kind": "error", "name": "it", "text": "NameError: name 'total' is not defined"}],
        }
        first = json.loads((await ask("chat", body=asked)).body)
        assert first["finish_reason"] == "stop"
        again = {"conversation_id": first["conversation_id"], "regenerate": first["id"]}
        assert json.loads((await ask("chat", body=again)).body)["finish_reason"] == "stop"


class TestAFileThatIsNotThere:
    @pytest.fixture
    def tether_config(self):
        return {"Tether": {"backend": "local"}, "LocalLLM": {"model_path": "/nowhere/model.gguf"}}

    async def test_is_said_by_health_and_by_the_answer(self, ask):
        health = await ask("health", method="GET")
        assert health.code == 503
        assert "model.gguf" in json.loads(health.body)["problem"]
        reply = await ask("chat", body={"message": "hi"})
        assert reply.code == 503
        assert json.loads(reply.body)["error"]["type"] == "model_not_ready"


class TestAModelOfTheShelf:
    """Picked by name, while another one is the server's own."""

    @pytest.fixture(scope="class")
    def shelf(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("shelf")
        tiny_gguf.write(folder / "red.gguf", says=["red "], again=True, shape=tiny_gguf.SLOW)
        tiny_gguf.write(folder / "blue.gguf", says=["blue "], again=True)
        return folder

    @pytest.fixture
    def tether_config(self, shelf):
        local = {"model_path": str(shelf / "red.gguf"), "models_dir": str(shelf), "n_threads": 1, "slots": 1}
        return {"Tether": {"backend": "local"}, "LocalLLM": local}

    async def test_is_loaded_by_the_question_that_names_it(self, ask, stream, services):
        asked = {"message": "who are you?", "max_tokens": 1, "model": "local:blue"}
        found = [event async for event in stream(asked).events()]
        # The turn is there before the model is: its loading can be watched, and stopped.
        assert found[0]["meta"]["model"] == "local:blue"
        assert "".join(event.get("delta", "") for event in found).strip() == "blue"
        assert found[-1]["done"] is True
        assert json.loads((await ask("health", method="GET")).body)["model"] == "blue"
        # And the usual one comes back in the same way.
        reply = await ask("chat", body={"message": "and you?", "max_tokens": 1, "model": "local:red"})
        assert json.loads(reply.body)["content"].strip() == "red"

    async def test_takes_no_place_while_another_one_writes(self, ask, stream):
        first = stream({"message": "go on", "max_tokens": 4000})
        async for event in first.events():
            if "delta" in event:
                break
        reply = await ask("chat", body={"message": "hi", "model": "local:blue"})
        assert reply.code == 409
        assert "'red' is writing 1 answers" in json.loads(reply.body)["error"]["message"]
        first.response.cancel()

    async def test_is_not_loaded_by_a_look_at_what_would_be_sent(self, ask, services):
        reply = await ask("context", body={"message": "hi", "model": "local:blue"})
        assert (reply.code, json.loads(reply.body)["to"]["model"]) == (200, "blue")
        assert services.backends.get("local").model_name == "red"

    async def test_that_is_nowhere_is_refused_before_anything_is_kept(self, ask):
        reply = await ask("chat", body={"message": "hi", "model": "local:green"})
        assert reply.code == 404
        listed = json.loads((await ask("conversations", method="GET")).body)
        assert listed["conversations"] == []
