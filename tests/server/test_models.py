"""The doors of the models: what there is, pulling with events, removing, loading and letting go."""

import asyncio
import json

import pytest

from tests.server.test_uploads import BOUNDARY, form
from tests.support import gguf_bytes
from tests.support.documents import PNG
from tests.support.fake_hub import Fault, Hub
from tether_jupyter.llm.models.retry import Timing
from tether_jupyter.llm.models.shelf import Shelf
from tether_jupyter.server.openapi import document

REPO = "owner/Small-GGUF"
FILE = "small-q4_k_m.gguf"
NAME = "small-q4_k_m"


@pytest.fixture
def hub():
    with Hub() as running:
        running.add(REPO, FILE, gguf_bytes.model(floats=750_000))
        yield running


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "models")


@pytest.fixture
def tether_config(hub, shelf):
    return {
        "Tether": {"backend": "tests.support.shelved:ShelvedService"},
        "LocalLLM": {"models_dir": str(shelf.folder), "hub_endpoint": hub.url},
    }


@pytest.fixture(autouse=True)
def no_waits(services):
    """Let a pull try again at once."""

    async def at_once(_: float) -> None:
        """Wait for nothing."""

    services.library.timing = Timing(sleep=at_once)


@pytest.fixture
def put(shelf):
    """Put a model on the shelf."""

    def write(name=NAME, content=None):
        shelf.folder.mkdir(exist_ok=True)
        (shelf.folder / f"{name}.gguf").write_bytes(content or gguf_bytes.model())

    return write


@pytest.fixture
def row(ask):
    """Return one model's row."""

    async def find(name=NAME):
        models = json.loads((await ask("models", method="GET")).body)["models"]
        return next((model for model in models if model["name"] == name), None)

    return find


async def body(answer):
    """Return what a door answered."""
    return json.loads((await answer).body)


class TestTheList:
    async def test_names_what_is_here_and_what_could_be_pulled(self, ask, put, shelf, row):
        put()
        here, other = await row(), await row("qwen3-4b")
        assert (here["installed"], here["loaded"]) == (True, False)
        assert (here["architecture"], here["quantization"], here["license"]) == (
            "llama",
            "Q4_K_M",
            "apache-2.0",
        )
        assert here["memory"] > here["size"] == (shelf.folder / FILE).stat().st_size
        assert (other["installed"], other["approximate"], other["place"]) == (False, True, "this machine")
        assert other["purpose"]

    async def test_says_that_models_of_this_machine_see_no_pictures(self, put, row):
        put()
        assert ((await row())["vision"], (await row("qwen3-4b"))["vision"]) == (False, False)

    async def test_looking_makes_nothing(self, ask, shelf):
        for path in (["models"], ["models", "metadata"]):
            assert (await ask(*path, method="GET")).code == 200
        assert not shelf.folder.exists()

    async def test_says_why_a_bad_file_is_no_model(self, put, row):
        put("broken", b"GGUF" + b"\xff" * 100)
        assert "no model that can be loaded" in (await row("broken"))["problem"]

    async def test_counts_by_facet(self, ask, put):
        put()
        put("other", gguf_bytes.model(general__file_type=7))
        facets = (await body(ask("models", "metadata", method="GET")))["facets"]
        found = {entry["value"]: entry["count"] for entry in facets["quantization"]}
        assert found == {"Q4_K_M": 1, "Q8_0": 1}
        assert {entry["value"] for entry in facets["place"]} == {"this machine"}
        assert set(facets) >= {"size", "context_length", "architecture", "license", "installed"}

    @pytest.mark.parametrize(
        ("form", "path"), [("ModelList", ["models"]), ("ModelFacets", ["models", "metadata"])]
    )
    async def test_is_what_the_document_says(self, ask, put, form, path):
        from tether_jupyter.server import model_forms

        put()
        payload = await body(ask(*path, method="GET"))
        getattr(model_forms, form).model_validate(payload, strict=True)
        row = document()["components"]["schemas"]["ModelState"]["properties"]
        assert all(set(model) == set(row) for model in payload["models"])


class TestPulling:
    async def test_tells_how_far_it_is_and_ends_with_done(self, stream, row, shelf):
        pull = stream({"name": REPO}, path="models/pull")
        events = [event async for event in pull.events()]
        assert set(events[0]) == {"pull"}
        assert events[0]["pull"]["name"] == NAME
        assert events[-1] == {"done": True, "name": NAME, "size": shelf.list()[0].size, "already": False}
        assert (await row())["installed"]

    async def test_speaks_sse_too(self, stream):
        pull = stream({"name": REPO}, accept="text/event-stream", path="models/pull")
        kinds = [line async for line in pull.lines() if line.startswith("event: ")]
        assert kinds[0] == "event: pull"
        assert kinds[-1] == "event: done"
        assert (await pull.response).headers["Content-Type"] == "text/event-stream"

    async def test_answers_whole_to_whoever_wants_json(self, ask):
        reply = await ask("models", "pull", body={"name": REPO}, headers={"Accept": "application/json"})
        assert json.loads(reply.body)["done"] is True

    @pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "text/event-stream"])
    async def test_what_is_refused_at_once_has_its_status(self, ask, accept):
        for name, status in (("no/where", 502), ("nonsense", 404), ("a b c", 400), (f"{REPO}:Q9_9", 404)):
            reply = await ask("models", "pull", body={"name": name}, headers={"Accept": accept})
            assert reply.code == status, name
            assert json.loads(reply.body)["error"]["message"]

    async def test_what_goes_wrong_later_is_the_last_event(self, stream, hub):
        hub.faults = [Fault(bytes=hub.files[REPO][FILE][:-1] + b"!")]
        events = [event async for event in stream({"name": REPO}, path="models/pull").events()]
        assert "pull" in events[0]
        assert events[-1]["error"]["type"] == "upstream_error"

    async def test_whoever_hangs_up_stops_it_and_keeps_the_part(
        self,
        hub,
        row,
        shelf,
        ask,
        jp_serverapp,
        jp_http_port,
        jp_base_url,
        jp_auth_header,
        http_server_client,
    ):
        hub.faults = [Fault(hold=True)]
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        sent = json.dumps({"name": REPO}).encode()
        headers = {"Host": "127.0.0.1", "Content-Type": "application/json", **jp_auth_header}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        target = f"{jp_base_url}tether/models/pull"
        writer.write(f"POST {target} HTTP/1.1\r\n{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        async with asyncio.timeout(20):
            await reader.readuntil(b'"pull"')
        writer.close()
        async with asyncio.timeout(20):
            # It cannot be removed while it is being pulled; that it can says that there is a part.
            while (reply := await ask("models", NAME, method="DELETE")).code == 409:
                pass
        assert reply.code == 200
        assert shelf.list() == []

    async def test_the_next_one_goes_on(self, ask, hub, row):
        hub.faults = [Fault(cut=2_000_000), *[Fault(cut=0)] * 9]
        headers = {"Accept": "application/json"}
        reply = await ask("models", "pull", body={"name": REPO}, headers=headers)
        assert reply.code == 502
        assert 1_000_000 < (await row())["partial"] <= 2_000_000
        hub.faults.clear()
        await ask("models", "pull", body={"name": REPO}, headers=headers)
        assert hub.ranges()[-1] != "bytes=0-"
        assert (await row())["partial"] is None

    @pytest.mark.parametrize(
        "sent", [{}, {"name": ""}, {"name": 5}, {"name": "x" * 500}, {"name": "x", "to": "/"}]
    )
    async def test_a_request_that_makes_no_sense_is_refused(self, ask, sent):
        assert (await ask("models", "pull", body=sent)).code == 400


class TestLoading:
    async def test_a_model_is_loaded_and_let_go_by_name(self, ask, put, row):
        put()
        assert (await body(ask("models", "load", body={"name": NAME})))["loaded"] is True
        assert ((await row())["loaded"], (await row())["active"]) == (True, True)
        assert (await body(ask("models", "unload")))["loaded"] is False
        assert (await row())["loaded"] is False

    @pytest.mark.parametrize("name", ["nothing", "../secrets", "a/b", "..", "x\x00y"])
    async def test_a_name_never_leads_out_of_the_folder(self, ask, put, shelf, name):
        put()
        (shelf.folder.parent / "secrets.gguf").write_bytes(gguf_bytes.model())
        assert (await ask("models", "load", body={"name": name})).code == 404

    async def test_a_backend_without_models_says_so(self, ask):
        assert (await ask("models", "load", body={"name": "mock:other"})).code == 400


class TestRemoving:
    async def test_a_model_that_is_not_loaded_goes(self, ask, put, row, shelf):
        put()
        assert (await body(ask("models", NAME, method="DELETE"))) == {"name": NAME, "removed": True}
        assert await row() is None
        assert (await ask("models", NAME, method="DELETE")).code == 404

    async def test_it_may_have_any_name_that_a_file_has(self, ask, put, shelf):
        put("My model+v2 (1)")
        (name,) = [model.name for model in shelf.list()]
        assert (await ask("models", name, method="DELETE")).code == 200
        assert shelf.list() == []

    @pytest.mark.parametrize("name", ["..", "../secrets", "..\\secrets", "x\x00y"])
    async def test_a_name_never_leads_out_of_the_folder(self, ask, put, shelf, name):
        put()
        (shelf.folder.parent / "secrets.gguf").write_bytes(gguf_bytes.model())
        assert (await ask("models", name, method="DELETE")).code == 404
        assert (shelf.folder.parent / "secrets.gguf").exists()

    async def test_a_loaded_one_stays(self, ask, put, shelf):
        put()
        await ask("models", "load", body={"name": NAME})
        reply = await ask("models", NAME, method="DELETE")
        assert (reply.code, json.loads(reply.body)["error"]["type"]) == (409, "conflict")
        assert len(shelf.list()) == 1
        await ask("models", "unload")
        assert (await ask("models", NAME, method="DELETE")).code == 200


class TestABackendThatIsNotThere:
    @pytest.fixture
    def tether_config(self, tether_config):
        return {**tether_config, "Tether": {"backend": "nope"}}

    async def test_leaves_the_list_standing(self, ask, put, row):
        put()
        reply = await ask("models", method="GET")
        assert reply.code == 200
        assert "There is no backend `nope`" in json.loads(reply.body)["problem"]
        assert (await row())["installed"]


class TestAnApi:
    """It tells nothing of its models: what is known of them stands in the settings."""

    @pytest.fixture
    def known(self):
        return {"see*": {"vision": True, "context_length": 9000}, "read*": {"vision": False}}

    @pytest.fixture
    def model(self, request):
        return getattr(request, "param", "seer")

    @pytest.fixture
    def tether_config(self, known, model):
        openai = {"base_url": "http://127.0.0.1:9/v1", "model": model, "models": known}
        return {"Tether": {"backend": "openai"}, "OpenAILLM": openai}

    @pytest.mark.parametrize(
        ("model", "vision", "window"),
        [("seer", True, 9000), ("reader", False, None), ("other", None, None)],
        indirect=["model"],
    )
    async def test_tells_what_is_known_of_its_model_and_nothing_else(self, row, model, vision, window):
        found = await row(model)
        assert (found["vision"], found["context_length"]) == (vision, window)
        assert found["place"] == "this machine"

    async def test_is_not_sent_a_picture_that_its_model_cannot_see(self, ask, jp_fetch):
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        sent = await jp_fetch("tether", "uploads", method="POST", body=form(("p.png", PNG)), headers=headers)
        question = {"message": "?", "attachments": [json.loads(sent.body)["uploads"][0]["id"]]}
        refused = await ask("chat", body={**question, "model": "openai:reader"})
        assert refused.code == 400
        assert "does not see images" in json.loads(refused.body)["error"]["message"]
        # Of another model nobody knows: it is asked, where this port answers nothing.
        assert (await ask("chat", body={**question, "model": "openai:other"})).code == 502

    async def test_tells_the_window_of_the_model_that_is_asked(self, ask):
        told = json.loads((await ask("context", body={"message": "?"})).body)
        assert told["window"] == 9000
        told = json.loads((await ask("context", body={"message": "?", "model": "openai:other"})).body)
        assert told["window"] is None
