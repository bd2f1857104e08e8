"""`%tether history`, `undo`, `branch` and `export`: the conversation from the notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether
from tests.support.kernels import Kernel
from tether_jupyter.errors import InvalidRequest, NotFound

Said = Callable[..., str]


def message(id: str, role: str, content: str, parent: str | None, **known: Any) -> dict[str, Any]:
    return {"id": id, "role": role, "content": content, "parent_id": parent, "model": None, **known}


TALK = [
    message("q1", "user", "What is a list?", None),
    message("a1", "assistant", "A row of\nthings.", "q1", model="local:tiny", status="complete"),
    message("q2", "user", "And a dict?", "a1"),
    message("a2", "assistant", "A table of names.", "q2", model="local:tiny", finish_reason="length"),
    message("q3", "user", "Or rather a set?", "a1"),
    message("a3", "assistant", "", "q3", model="local:tiny", error={"type": "internal"}),
]


@pytest.fixture
def talk(tether: FakeTether, said: Said) -> str:
    """A conversation of three questions, the third in a branch of its own; none of them was asked here."""
    said("hello there you")
    tether.talks["c_1"] = TALK
    tether.requests.clear()
    return "c_1"


@pytest.mark.usefixtures("talk")
class TestHistory:
    def test_is_the_branch_that_goes_on_in_two_lines_each(self, said: Said) -> None:
        assert said("history") == (
            "  1  What is a list?\n"
            "     → A row of things.  (tiny)\n"
            "  3  Or rather a set?\n"
            "     → (nothing)  (tiny, failed)\n"
            "\n"
            "1 more exchange on other branches: `%tether branch` lists them.\n"
        )

    def test_shows_one_exchange_in_full(self, said: Said) -> None:
        assert said("history 1") == "1  What is a list?\n\n→ (local:tiny)\nA row of\nthings.\n"

    def test_knows_no_other_numbers(self, shell: InteractiveShell) -> None:
        with pytest.raises(NotFound, match="no exchange 7"):
            shell.run_line_magic("tether", "history 7")


@pytest.mark.usefixtures("talk")
class TestUndo:
    def test_lets_the_next_question_go_on_from_before(self, tether: FakeTether, said: Said) -> None:
        shown = said("undo")
        assert "Undone: 3, “Or rather a set?”" in shown
        assert "goes on from 1, “What is a list?”" in shown
        assert "`%tether branch 3`" in shown
        said("next?")
        assert (tether.requests[0]["conversation_id"], tether.requests[0]["parent_id"]) == ("c_1", "a1")
        said("and then?")
        assert "parent_id" not in tether.requests[1], "the newest message is the one to go on from again"

    def test_can_go_on_to_the_beginning(self, tether: FakeTether, said: Said) -> None:
        said("undo")
        assert "is a first one" in said("undo")
        assert "nothing to undo" in said("undo")
        assert "Nothing has been said yet" in said("history")
        said("afresh?")
        assert tether.requests[0]["parent_id"] == "root"

    def test_deletes_nothing(self, tether: FakeTether, said: Said) -> None:
        said("undo")
        assert said("branch").count("\n") > 3
        assert tether.talks["c_1"] == TALK


@pytest.mark.usefixtures("talk")
class TestBranches:
    def test_are_listed_by_what_they_end_with(self, said: Said) -> None:
        assert said("branch") == (
            "   N          ends with\n"
            "   2  2 deep  And a dict?\n"
            "*  3  2 deep  Or rather a set?\n"
            "\n"
            "* goes on with the next question. `%tether branch N` goes on behind another.\n"
        )

    def test_go_on_behind_any_exchange(self, tether: FakeTether, said: Said) -> None:
        assert "goes on from 2, “And a dict?”" in said("branch 2")
        assert "→ A table of names.  (tiny, cut)" in said("history")
        said("next?")
        assert tether.requests[0]["parent_id"] == "a2"


class TestExport:
    def test_is_named_after_the_conversation(
        self, talk: str, tether: FakeTether, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert said("export") == "Saved as why-is-the-sky-blue.md (12 bytes).\n"
        assert (tmp_path / "why-is-the-sky-blue.md").read_text() == "# c_1 as md\n"

    @pytest.mark.parametrize(("name", "form"), [("a.ipynb", "ipynb"), ("a.json", "json"), ("a", "md")])
    def test_is_what_the_suffix_says(
        self, talk: str, tether: FakeTether, said: Said, tmp_path: Path, name: str, form: str
    ) -> None:
        said(f'export "{tmp_path / name}"')
        assert tether.exports == [(talk, {"format": form})]

    def test_writes_over_a_file_only_by_force(
        self, talk: str, shell: InteractiveShell, said: Said, tmp_path: Path
    ) -> None:
        file = tmp_path / "talk.md"
        file.write_text("mine")
        with pytest.raises(InvalidRequest, match="stays as it is"):
            shell.run_line_magic("tether", f"export {file}")
        assert file.read_text() == "mine"
        said(f"export {file} --force")
        assert file.read_text() == "# c_1 as md\n"

    def test_holds_the_branch_that_goes_on(
        self, talk: str, tether: FakeTether, said: Said, tmp_path: Path
    ) -> None:
        said("branch 2")
        said(f"export {tmp_path}/a.md")
        assert tether.exports[0][1]["message"] == "a2"

    def test_knows_three_forms(self, talk: str, shell: InteractiveShell) -> None:
        with pytest.raises(UsageError, match=r"not as \.docx"):
            shell.run_line_magic("tether", "export a.docx")

    def test_needs_a_files_name(self, talk: str, shell: InteractiveShell, tmp_path: Path) -> None:
        for folder in (".", "..", "/", tmp_path):
            with pytest.raises(UsageError, match=r"is a folder\. Add a file's name"):
                shell.run_line_magic("tether", f"export {folder}")
        with pytest.raises(NotFound, match="no home folder"):
            shell.run_line_magic("tether", "export ~nobody_of_that_name/a.md")


def test_a_conversation_of_ones_own_has_its_own_past(tether: FakeTether, said: Said) -> None:
    said("-c side first")
    tether.talks["c_1"] = TALK
    said("undo -c side")
    said("-c side next?")
    assert tether.requests[-1]["parent_id"] == "a1"
    said("other?")
    assert "parent_id" not in tether.requests[-1]


@pytest.mark.parametrize("command", ["history", "undo", "branch", "export"])
def test_before_the_first_question_there_is_none(
    shell: InteractiveShell, tether: FakeTether, command: str
) -> None:
    with pytest.raises(NotFound, match="no conversation yet"):
        shell.run_line_magic("tether", command)


def test_a_fresh_kernel_finds_its_notebooks_conversation(kernel: Kernel, tether: FakeTether) -> None:
    tether.notebooks[kernel.id] = "c_9"
    tether.talks["c_9"] = TALK
    assert "What is a list?" in kernel.run("%tether history").printed
    assert "Undone: 3" in kernel.run("%tether undo").printed
    kernel.run("%tether next?")
    request = tether.requests[-1]
    assert (request["conversation_id"], request["parent_id"], request["kernel_id"]) == (
        "c_9",
        "a1",
        kernel.id,
    )


class TestAfterARestart:
    @pytest.fixture
    def kernel_of(self, kernel: Kernel, tether: FakeTether) -> Iterator[Kernel]:
        """A kernel whose notebook has a conversation, of which it knows nothing."""
        tether.notebooks[kernel.id] = "c_9"
        tether.talks["c_9"] = TALK
        restart(kernel)
        yield kernel
        restart(kernel)

    def test_what_was_undone_stays_undone(self, kernel_of: Kernel, tether: FakeTether) -> None:
        tether.metadata["c_9"] = {"see": {"level": "schema"}}
        kernel_of.run("%tether undo")
        assert tether.metadata["c_9"]["see"] == {"level": "schema"}, "what else is noted there stays"
        restart(kernel_of)
        assert "Or rather" not in kernel_of.run("%tether history").printed
        restart(kernel_of)
        kernel_of.run("%tether next?")
        assert (tether.requests[-1]["conversation_id"], tether.requests[-1]["parent_id"]) == ("c_9", "a1")

    def test_the_chosen_branch_is_the_one_that_goes_on(self, kernel_of: Kernel, tether: FakeTether) -> None:
        kernel_of.run("%tether branch 2")
        restart(kernel_of)
        assert "*  2" in kernel_of.run("%tether branch").printed
        kernel_of.run("%tether next?")
        assert tether.requests[-1]["parent_id"] == "a2"

    def test_what_was_said_since_goes_before(self, kernel_of: Kernel, tether: FakeTether) -> None:
        kernel_of.run("%tether undo")
        tether.talks["c_9"] = [*TALK, message("q4", "user", "In the sidebar?", "a3")]
        restart(kernel_of)
        kernel_of.run("%tether next?")
        assert "parent_id" not in tether.requests[-1]


def restart(kernel: Kernel) -> None:
    """Let the magic know nothing any more, as after a restart of its kernel, whose id stays."""
    kernel.run("%unload_ext tether_jupyter")
    assert kernel.run("%load_ext tether_jupyter").reply["status"] == "ok"
