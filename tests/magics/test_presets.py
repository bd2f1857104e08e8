"""`%%tether --preset NAME` and `%tether --presets`."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether
from tests.support.kernels import Kernel


def preset(name: str, *, active: bool = False, **values: Any) -> dict[str, Any]:
    return {"name": name, "values": values, "active": active}


class TestTheTable:
    def test_says_what_each_one_sets_and_marks_the_active_one(self, tether: FakeTether, said: Any) -> None:
        several = [
            preset("Größe", temperature=0.2, stop=["END"]),
            preset("kind", active=True, system="Be kind.\nBe brief, and never say more than is asked for."),
            preset("none"),
        ]
        tether.presets["magic"] = {"presets": several, "active": "kind"}
        assert said("--presets") == (
            "   preset\n"
            '   Größe   stop ["END"], temperature 0.2\n'
            '*  kind    system "Be kind. Be brief, and never say more t…"\n'
            "   none    sets nothing\n"
            "\n"
            "* is active: it holds where a question sets nothing else.\n"
            "`%%tether --preset NAME` asks with one.\n"
        )
        assert tether.requests == []

    def test_says_how_to_make_one_where_there_is_none(self, said: Any) -> None:
        assert "PUT tether/clients/magic/presets/NAME" in said("--presets")

    def test_keeps_control_characters_from_the_terminal(self, tether: FakeTether, said: Any) -> None:
        evil = preset("a\x1b]52;c;ZXZpbA==\x07b", system="\x1b[2J")
        tether.presets["magic"] = {"presets": [evil], "active": None}
        assert "\x1b" not in said("--presets")

    def test_takes_no_question(self, shell: InteractiveShell, tether: FakeTether) -> None:
        with pytest.raises(UsageError, match="no question"):
            shell.run_line_magic("tether", "--presets why?")
        assert tether.paths == []


class TestAsking:
    def test_names_the_preset_to_the_server(self, tether: FakeTether, said: Any) -> None:
        said('--preset "two words" -t 0.1 Why?')
        request = tether.requests[-1]
        assert (request["preset"], request["client_id"], request["message"]) == ("two words", "magic", "Why?")
        said("Why?")
        assert "preset" not in tether.requests[-1]

    def test_a_missing_one_is_told_and_costs_no_conversation(
        self, shell: InteractiveShell, tether: FakeTether, said: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said("-c mine First?")
        missing = {"type": "not_found", "message": "`magic` has no preset `x`. There are `kind`."}
        tether.script = [{"refuse": missing, "status": 404}]
        shell.run_cell("%tether -c mine --preset x Second?")
        assert "There are `kind`." in "".join(capsys.readouterr())
        tether.forget()
        said("-c mine Third?")
        assert tether.requests[-1].get("conversation_id")


def test_the_options_are_in_the_help(kernel: Kernel, tether: FakeTether) -> None:
    text = kernel.run("%tether?").reply["payload"][0]["data"]["text/plain"]
    assert "--preset NAME" in text
    assert "--presets" in text
