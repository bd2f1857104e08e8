"""Backends by name, by entry point and by a user's own class; the README's own text among them."""

import sys

import pytest

from tests.support.readme import readme_backend
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.registry import Backends, find_class
from tether_jupyter.settings import Config, load


def backends(backend):
    return Backends(load(Config({"Tether": {"backend": backend}}), environment={}))


async def ask(service, text):
    stream = service.stream(Prompt([{"role": "user", "content": text}]), Sampling(0.5, 9))
    return [event async for event in stream]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported."""

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


async def test_the_readmes_own_backend_works_as_it_stands(module):
    assert len(readme_backend().strip().splitlines()) <= 20
    module("my_module", readme_backend())
    service = await backends("my_module:MyService").wake("my_module:MyService")
    found = await ask(service, "hello")
    assert found[0]["delta"].endswith("hello")
    assert found[-1] == {"done": True, "finish_reason": "stop"}


async def test_a_class_of_ones_own_need_not_inherit_anything(module):
    module(
        "own",
        "class Mine:\n"
        "    service_type = model_name = 'mine'\n"
        "    async def initialize(self): self.up = True\n"
        "    async def cleanup(self): self.up = False\n"
        "    def is_ready(self): return self.up\n"
        "    async def complete(self, prompt, *, temperature=0.7, max_tokens=None):\n"
        "        return f'{prompt} {temperature} {max_tokens}'\n",
    )
    known = backends("own:Mine")
    service = await known.wake("own:Mine")
    assert await ask(service, "x") == [{"delta": "x 0.5 9"}, {"done": True, "finish_reason": "stop"}]
    assert service.is_ready()
    await known.close()
    assert not service.is_ready()


async def test_a_class_with_nothing_to_initialise_is_ready_at_once_and_stays_so(module):
    module("plain", "class Plain:\n    async def complete(self, prompt, **_): return 'up'\n")
    known = backends("plain:Plain")
    assert known.get().is_ready()
    await known.wake("plain:Plain")
    await known.close()
    assert known.get().is_ready()


async def test_a_backend_is_woken_once_however_many_ask(module):
    module(
        "slow",
        "import asyncio\n"
        "class Slow:\n"
        "    woken = 0\n"
        "    async def initialize(self):\n"
        "        await asyncio.sleep(0)\n"
        "        Slow.woken += 1\n"
        "    async def complete(self, prompt, **_): return ''\n",
    )
    import asyncio

    known = backends("slow:Slow")
    await asyncio.gather(*(known.wake("slow:Slow") for _ in range(10)))
    assert sys.modules["slow"].Slow.woken == 1


async def test_a_backend_that_does_not_start_says_so_and_is_tried_again(module):
    module(
        "late",
        "class Late:\n"
        "    tries = 0\n"
        "    async def initialize(self):\n"
        "        Late.tries += 1\n"
        "        if Late.tries == 1: raise OSError('sk-canary')\n"
        "    async def complete(self, prompt, **_): return 'up'\n",
    )
    known = backends("late:Late")
    with pytest.raises(ModelNotReady, match="did not start") as reason:
        await known.wake("late:Late")
    assert "canary" not in str(reason.value)
    assert (await ask(await known.wake("late:Late"), "x"))[0] == {"delta": "up"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("nobody", "There are: local, openai, mock"), ("", "There is no backend")],
)
def test_an_unknown_name_is_told_what_there_is(name, said):
    with pytest.raises(ModelNotReady, match=said):
        find_class(name)


@pytest.mark.parametrize("name", ["no_such_module:X", "json:NoSuchClass", "json:JSONDecoder"])
def test_a_class_that_cannot_answer_is_said_in_words(name):
    with pytest.raises(ModelNotReady):
        find_class(name)


@pytest.mark.parametrize(
    ("model", "split"),
    [
        (None, ("mock", None)),
        ("openai:gpt-4o", ("openai", "gpt-4o")),
        ("local:tiny", ("local", "tiny")),
        ("llama3:8b", ("mock", "llama3:8b")),
        ("openai", ("openai", None)),
        ("gpt-4o", ("mock", "gpt-4o")),
        ("openai:", ("openai", None)),
    ],
)
def test_a_model_may_name_its_backend(model, split):
    assert backends("mock").split(model) == split
