"""What `probe.running` tells of the main thread, asked from another one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import tqdm.std

from tests.context.test_probe_error import Shell
from tether_jupyter.context.probe import running


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell()
    yield shell
    for bar in list(getattr(tqdm.std.tqdm, "_instances", [])):
        bar.close()


def seen(shell: Shell, code: str, level: str = "schema") -> dict[str, Any]:
    """Run a cell that calls `stop()`, and return what another thread sees then."""
    found: list[dict[str, Any]] = []

    def stop() -> None:
        other = threading.Thread(target=lambda: found.append(running(shell, level)))
        other.start()
        other.join(30)

    shell.user_ns["stop"] = stop
    shell.run(code)
    assert found, "the cell did not come to its stop"
    json.dumps(found)
    return found[0]


def test_nothing_runs() -> None:
    found = running(Shell())
    assert found["running"] is False
    assert found["frames"] == []


def test_the_line_and_the_way_down_are_told(shell: Shell) -> None:
    found = seen(
        shell,
        """
        def fit(epochs):
            for epoch in range(epochs):
                stop()
                break

        model = 5
        fit(10)
        """,
    )
    assert found["running"] is True
    assert found["cell"].startswith("def fit(epochs):")
    assert (found["line"], found["code"]) == (7, "fit(10)")
    own = [frame for frame in found["frames"] if frame.get("cell") == "cell [1]"]
    assert [(frame["function"], frame["line"], frame["code"]) for frame in own] == [
        ("<module>", 7, "fit(10)"),
        ("fit", 3, "stop()"),
    ]


def test_variables_are_those_of_the_innermost_own_frame_at_the_level(shell: Shell) -> None:
    code = "def fit(epochs):\n    rate = 0.5\n    map_stop(epochs)\nfit(10)"
    shell.user_ns["map_stop"] = lambda n: list(map(lambda _: shell.user_ns["stop"](), range(1)))  # noqa: C417
    found = seen(shell, code, "samples")
    # The test's own lambdas count as the user's files.
    assert found["frames"][1]["function"] == "fit"
    plain = seen(shell, "n = 4711\nstop()")
    assert "4711" not in json.dumps(plain["variables"])


def test_a_bar_of_tqdm_is_read(shell: Shell) -> None:
    found = seen(
        shell,
        """
        import io
        from tqdm.std import tqdm
        for n in tqdm(range(100), desc="train", file=io.StringIO(), mininterval=0):
            if n == 40:
                stop()
                break
        """,
    )
    assert len(found["bars"]) == 1
    assert found["bars"][0].startswith("train: 40/100 [00:00<00:")


def test_a_bar_without_an_end_and_one_that_is_not_shown(shell: Shell) -> None:
    found = seen(
        shell,
        """
        import io
        from tqdm.std import tqdm
        quiet = tqdm(range(5), disable=True)
        endless = tqdm(file=io.StringIO())
        endless.update(7)
        stop()
        """,
    )
    assert found["bars"] == ["7 [00:00]"]


def test_a_bar_of_somebodys_subclass_is_read_and_not_called(shell: Shell) -> None:
    found = seen(
        shell,
        """
        import io
        from tqdm.std import tqdm
        called = []
        class Mine(tqdm):
            armed = False
            @property
            def format_dict(self):
                called.append("format_dict")
                return super().format_dict
            def __str__(self):
                called.append("str")
                return ""
            def __len__(self):
                called.append("len")
                return 0
        bar = Mine(total=10, file=io.StringIO(), initial=0)
        bar.n = 5
        called.clear()
        stop()
        seen_calls = list(called)
        """,
    )
    assert found["bars"][0].startswith("5/10")
    assert shell.user_ns["seen_calls"] == []
