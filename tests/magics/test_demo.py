"""Typed answers from the model that comes with Tether, through a real server and the real engine."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from IPython.core.interactiveshell import InteractiveShell
from pydantic import BaseModel

from tests.support.random_schemas import cases
from tests.support.servers import RunningServer, running
from tether_jupyter.client.schemas import plain

Said = Callable[..., str]
KINDS = [
    "",
    "str",
    "int",
    "float",
    "bool",
    "date",
    "datetime",
    "list[str]",
    "list[int]",
    "one of a|b|c",
    "dict[int]",
]


class Point(BaseModel):
    """A class of the user's own."""

    x: int
    y: float | None
    label: str = "none"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def shell(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("JUPYTER_SERVER_URL", server.url)
    monkeypatch.setenv("JUPYTER_TOKEN", server.token)
    shell = InteractiveShell()
    shell.extension_manager.load_extension("tether_jupyter.magics")
    yield shell
    shell.extension_manager.unload_extension("tether_jupyter.magics")


def line(seed: int) -> str:
    """Return a random schema as people write one in a line."""
    chance = random.Random(seed)  # noqa: S311
    fields = []
    for name in chance.sample(
        ["name", "age", "price", "born", "tags", "mood", "notes"], chance.randint(1, 4)
    ):
        optional = "?" if chance.random() < 0.3 else ""
        described = ": what it is" if chance.random() < 0.3 else ""
        fields.append(f"{name} {chance.choice(KINDS)}{optional}{described}")
    return ", ".join(fields)


@pytest.mark.parametrize("many", ["", "--many", "--frame"])
def test_every_answer_under_a_line_of_fields_is_a_value(
    shell: InteractiveShell, said: Said, many: str
) -> None:
    for seed in range(12):
        said(
            f"--no-store --no-repair -t 1 --seed {seed} -o value {many} --schema '{line(seed)}' Make one up."
        )
        value = shell.user_ns.pop("value")
        kinds = {"": BaseModel, "--many": list}
        assert isinstance(value, kinds[many]) if many in kinds else list(value.columns)


def test_every_answer_under_a_json_schema_follows_it(shell: InteractiveShell, said: Said) -> None:
    asked = 0
    for case in cases(40, seed=5):
        if "colour" in str(case.schema):  # A format that the engine refuses by name.
            continue
        asked += 1
        shell.user_ns["wanted"] = case.schema
        said(f"--no-store --no-repair -t 1 --seed {asked} -o value --schema wanted Make one up.")
        value = shell.user_ns.pop("value")
        if not isinstance(value, BaseModel):
            jsonschema.validate(plain(value), case.schema)
    assert asked >= 30


def test_an_answer_under_a_class_is_an_instance_of_it(shell: InteractiveShell, said: Said) -> None:
    shell.user_ns["Point"] = Point
    said("--no-repair -o points --many --schema Point Where?")
    said("--no-repair -o point --schema Point Where?")
    assert isinstance(shell.user_ns["point"], Point)
    assert all(isinstance(point, Point) for point in shell.user_ns["points"])


def test_the_past_of_a_conversation_is_the_servers(
    shell: InteractiveShell, said: Said, tmp_path: Any
) -> None:
    said("-c new What is a list?")
    said("-o number --schema int How many?")
    assert "  2  How many?" in said("history")
    said("undo")
    assert "How many" not in said("history")
    said("And a dict?")
    assert "  3  And a dict?" in said("history")
    assert "   2  2 deep" in said("branch")
    said(f"export {tmp_path}/talk.md")
    text = (tmp_path / "talk.md").read_text()
    assert "And a dict?" in text
    assert "How many" not in text
    assert said("use").splitlines()[1].split()[:2] == ["model", "local:tether-demo"]
    assert "the demo model" in said("status")
