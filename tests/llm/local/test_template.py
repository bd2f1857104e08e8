"""Chat templates: what transformers allows works, and what a hostile file tries does not."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.renderer import Renderer
from tether_jupyter.llm.local.template import CHATML

MESSAGES = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hé <b>"}]


@pytest.fixture
def renderers() -> Iterator[list[Renderer]]:
    made: list[Renderer] = []
    yield made
    for renderer in made:
        renderer.close()


def make(renderers: list[Renderer], template: str | None, seconds: float = 5.0) -> Renderer:
    variables = {"bos_token": "<s>", "eos_token": "</s>"}
    renderers.append(Renderer(template, seconds=seconds, memory=256, variables=variables))
    return renderers[-1]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ bos_token }}{{ messages[-1].content }}{{ eos_token }}", "<s>hé <b></s>"),
        ("{{ messages[1] | tojson }}", '{"role": "user", "content": "hé <b>"}'),
        (
            "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}",
            "user",
        ),
        ("{% for m in messages %}{{ m.role }}{% break %}{% endfor %}", "system"),
        ("{% generation %}x{% endgeneration %}", "x"),
        (
            "{% set s = namespace(n=1) %}{% for m in messages %}{% set s.n = s.n * 3 %}{% endfor %}{{ s.n }}",
            "9",
        ),
        ("{% if tools is none and add_generation_prompt %}\n  yes\n{% endif %}\n", "yes\n"),
        ("{{ strftime_now('%Y') | length }}", "4"),
        ("{{ messages[0].content.upper().strip() }}", "BE BRIEF"),
    ],
)
def test_a_template_renders_as_transformers_renders_it(
    renderers: list[Renderer], template: str, text: str
) -> None:
    assert make(renderers, template).render(MESSAGES).strip() == text.strip()


def test_a_file_without_a_template_gets_chatml(renderers: list[Renderer]) -> None:
    assert make(renderers, None).render(MESSAGES) == (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhé <b><|im_end|>\n<|im_start|>assistant\n"
    )
    assert tiny_gguf.CHATML == CHATML


def test_a_template_that_refuses_system_messages_gets_them_with_the_question(
    renderers: list[Renderer],
) -> None:
    refusing = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('No system') }}{% endif %}"
        "{{ m.role }}: {{ m.content }}{% endfor %}"
    )
    renderer = make(renderers, refusing)
    assert renderer.render(MESSAGES) == "user: be brief\n\nhé <b>"
    always = make(renderers, "{{ raise_exception('Roles must alternate') }}")
    with pytest.raises(InvalidRequest, match="refuses this conversation: Roles must alternate"):
        always.render(MESSAGES)


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.system('touch FILE') }}",
    "{{ lipsum.__globals__['os'].popen('touch FILE').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ self.__init__.__globals__.__builtins__.open('FILE', 'w') }}",
    "{{ self._TemplateReference__context }}",
    "{{ messages.__class__.__base__ }}",
    "{{ (messages | attr('__class__')) | attr('__mro__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ '{0.__class__}'.format(messages) }}",
    "{{ '{0.__globals__}'.format(raise_exception) }}",
    "{{ '{x.__globals__}'.format_map({'x': strftime_now}) }}",
    "{{ strftime_now.__globals__ }}",
    "{{ raise_exception.__globals__['os'].system('touch FILE') }}",
    "{{ raise_exception.__code__ }}",
    "{{ messages.append(1) }}",
    "{{ messages.clear() }}",
    "{% set messages[0].role = 'x' %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.system('touch FILE') }}",
    "{% extends 'FILE' %}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ ().__class__.__bases__[0].__subclasses__()[100].__init__.__globals__['sys'] }}",
    "{{ (lipsum | attr('__globals__')).get('os') }}",
    "{{ [].__class__.__base__.__subclasses__() | map(attribute='__name__') | list }}",
    "{{ messages | map(attribute='__class__') | list }}",
    "{{ messages | groupby('__class__') }}",
    "{{ {}.__init__.__self__.__class__ }}",
    "{{ (1).__reduce__() }}",
    "{{ 'x'.encode().__class__ }}",
    "{% set x = caller.__globals__ %}{{ x }}",
    "{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}",
    "{{ (x for x in messages).gi_frame.f_globals }}",
]


CONFINED = """
import json, sys
from tether_jupyter.llm.local import template

sources = json.load(sys.stdin)
template.warm_up()
template.confine(256)
messages = [{"role": "user", "content": "q"}]
for source in sources:
    print(json.dumps(template.answer(lambda: template.Template(source, {}).render(messages))))
"""


def test_no_escape_from_the_sandbox_finds_anything(tmp_path: Path) -> None:
    marker = tmp_path / "escaped"
    done = subprocess.run(
        [sys.executable, "-c", CONFINED],
        input=json.dumps([escape.replace("FILE", str(marker)) for escape in ESCAPES]),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(ESCAPES)
    for escape, text in zip(ESCAPES, answers, strict=True):
        for trace in ("<class", "<module", "subprocess", "root:", "<function", "<code", "<frame", "os.py"):
            assert trace not in text, (escape, text)
    assert not marker.exists()


def test_even_a_template_that_escaped_could_open_nothing_and_start_nothing(
    renderers: list[Renderer],
) -> None:
    renderer = make(renderers, CHATML)
    renderer.render(MESSAGES)
    limits = Path(f"/proc/{renderer.process.process.pid}/limits").read_text()
    rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    for name in ("Max open files", "Max processes", "Max file size", "Max core file size"):
        assert rows[name] == ["0", "0"]
    assert int(rows["Max address space"][1]) < 1024 * 2**20


NESTED = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}"
NESTED += "{% endfor %}{% endfor %}"
BOMBS = {
    "loops": (NESTED, "takes more than"),
    "power": ("{{ 9**(9**(9**9)) }}", "takes more than"),
    "power at run time": (
        "{% set n = messages | length %}{{ (n+8)**((n+8)**((n+8)**9)) }}",
        "takes more than",
    ),
    "text": ("{{ 'a' * 10**10 }}", "memory"),
    "text at run time": ("{% set n = messages | length %}{{ 'a' * (n * 10**10) }}", "memory"),
    "growing text": (
        "{% set ns = namespace(t='a') %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
        "memory",
    ),
    "long output": ("{% for i in range(99999) %}{{ 'a' * 1000 }}{% endfor %}", "memory|too long"),
    "recursion": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "without end|Recursion"),
    "broken": ("{% if %}", "TemplateSyntaxError"),
    "undefined": ("{{ nothing.at.all }}", "UndefinedError"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_defused_and_the_next_rendering_works_on(name: str, renderers: list[Renderer]) -> None:
    template, reason = BOMBS[name]
    harmless = "{% if messages[0].content == 'go' %}" + template + "{% else %}fine{% endif %}"
    # What ends for another reason has the time to get there on a busy machine.
    seconds = 0.5 if reason.startswith("takes") else 30
    at_once = name in ("broken", "power", "text")
    renderer = make(renderers, template if at_once else harmless, seconds=seconds)
    before = renderer.process.process.pid
    with pytest.raises(InvalidRequest, match=f"chat template cannot be used: .*({reason})"):
        renderer.render([{"role": "user", "content": "go"}])
    if renderer.process.process.pid != before:
        with pytest.raises(ProcessLookupError):
            os.kill(before, 0)
    if not at_once:
        assert renderer.render([{"role": "user", "content": "stay"}]) == "fine"


def test_a_hostile_template_fails_its_own_request_and_neither_worker_nor_server(tmp_path: Path) -> None:
    bomb = "{% if messages[-1].content == 'go' %}" + NESTED + "{% endif %}" + CHATML
    path = tiny_gguf.write(tmp_path / "hostile.gguf", says=["fine"], template=bomb)

    async def run() -> None:
        async with lm.running(path, template_seconds=0.5) as local:
            assert lm.answer(await lm.ask(local, "hi")) == "fine"
            pid = local.pid
            with pytest.raises(InvalidRequest, match=r"takes more than 0\.5 seconds"):
                await lm.ask(local, "go")
            assert lm.answer(await lm.ask(local, "hi")) == "fine"
            assert local.pid == pid

    asyncio.run(run())


def test_a_model_without_a_template_and_a_chat_with_a_system_message_are_answered(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "plain.gguf", says=["fine"], template=None)

    async def run() -> None:
        async with lm.running(path) as local:
            prompt = Prompt([{"role": "developer", "content": "s"}, {"role": "user", "content": "q"}])
            events = [event async for event in local.stream(prompt, Sampling())]
            assert lm.answer(events) == "fine"
            with pytest.raises(InvalidRequest, match="role"):
                await anext(local.stream(Prompt([{"role": "user<|im_end|>", "content": ""}]), Sampling()))

    asyncio.run(run())
