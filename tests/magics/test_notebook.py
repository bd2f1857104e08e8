"""`%%tether` in a real kernel, as a notebook sees it."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.support.fake_tether import FakeTether, words
from tests.support.kernels import Kernel, text_arrives
from tether_jupyter import __version__

END: list[dict[str, Any]] = [{"done": True, "finish_reason": "stop"}]


def test_an_answer_shows_as_markdown_with_a_quiet_line(kernel: Kernel, tether: FakeTether) -> None:
    ran = kernel.run("%%tether\nwhy?")
    assert ran.reply["status"] == "ok"
    assert ran.markdown == "Hello there\n\n*tiny · this machine · 2 tokens · 41/s*"
    assert ran.displays[-1]["data"]["text/plain"].startswith("Hello there\n")
    assert {mime for d in ran.displays for mime in d["data"]} == {"text/markdown", "text/plain"}


def test_a_line_asks_as_a_cell_does(kernel: Kernel, tether: FakeTether) -> None:
    assert kernel.run('%tether -t 0.5 what\'s "this" {nobody}?').reply["status"] == "ok"
    assert tether.requests == [
        {
            "message": 'what\'s "this" {nobody}?',
            "kernel_id": kernel.id,
            "client_id": "magic",
            "see": {"words": False},
            "temperature": 0.5,
        }
    ]


def test_every_option_reaches_the_server(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("%%tether -m openai:big --max-tokens 7 --system 'be brief' -t0.1 in short:\nwhy?")
    assert tether.requests == [
        {
            "message": "in short:\n\nwhy?",
            "kernel_id": kernel.id,
            "client_id": "magic",
            "see": {"words": False},
            "model": "openai:big",
            "max_tokens": 7,
            "system": "be brief",
            "temperature": 0.1,
        }
    ]


def test_the_first_words_show_while_the_model_is_still_writing(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"delta": "First"}, {"wait": "more"}, *words(" second")]
    request = kernel.start("%tether go")
    ran = kernel.finish(request, until=text_arrives)
    assert ran.markdown == "First"
    tether.release("more")
    assert kernel.finish(request).markdown.startswith("First second\n\n*")


def test_words_that_came_fast_never_wait_for_the_next_one(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"delta": "a"}, {"delta": "b"}, {"delta": "c"}, {"wait": "end"}, *words("d")]
    request = kernel.start("%tether go")
    ran = kernel.finish(
        request, until=lambda m: text_arrives(m) and m["content"]["data"]["text/plain"] == "abc"
    )
    assert ran.displays[-1]["data"]["text/markdown"] == "abc"
    tether.release("end")
    kernel.finish(request)


def test_one_display_is_updated_in_order_and_in_batches(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"repeat": [100, {"delta": "word "}, 0.005]}, *END]
    ran = kernel.run("%tether go")
    kinds = [m["msg_type"] for _, m in ran.messages if text_arrives(m)]
    assert kinds[0] == "display_data"
    assert set(kinds[1:]) == {"update_display_data"}
    assert len({d["transient"]["display_id"] for d in ran.displays}) == 1
    lengths = [len(d["data"]["text/markdown"]) for d in ran.displays]
    assert lengths == sorted(lengths)
    assert len(kinds) < 30, "a batch holds more than a token"


def test_a_long_answer_is_updated_more_rarely(kernel: Kernel, tether: FakeTether) -> None:
    piece = "words and words " * 1000
    tether.script = [{"repeat": [60, {"delta": piece}, 0.01]}, *END]
    ran = kernel.run("%tether go")
    sent = sum(len(d["data"]["text/markdown"]) for d in ran.displays)
    assert sent < 8 * 60 * len(piece)
    assert ran.displays[-1]["data"]["text/plain"].startswith((piece * 60).rstrip())


def test_a_wait_is_put_into_words_only_if_it_lasts(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"queued": {"position": 2}}, {"wait": "turn"}, *words("Now")]
    request = kernel.start("%tether go")
    ran = kernel.finish(request, until=text_arrives)
    assert ran.displays[-1]["data"]["text/plain"] == "Waiting, 2nd in line"
    assert ran.messages[-1][0] - ran.messages[0][0] > 0.8
    tether.release("turn")
    assert kernel.finish(request).markdown.startswith("Now\n\n")


def test_a_place_in_the_queue_goes_with_the_first_text(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"queued": {"position": 2}}, {"wait": "turn"}, {"delta": "Now"}, {"wait": "end"}, *END]
    request = kernel.start("%tether go")
    assert "2nd in line" in kernel.finish(request, until=text_arrives).markdown
    tether.release("turn")
    assert kernel.finish(request, until=text_arrives).markdown == "Now"
    tether.release("end")
    kernel.finish(request)


def test_a_model_that_loads_is_named_until_the_first_word(kernel: Kernel, tether: FakeTether) -> None:
    loading = {"type": "local", "ready": False, "engine": {"progress": 0.38}}
    tether.health = {**tether.health, "llm_service": loading}
    tether.script = [{"wait": "loaded"}, *words("Now")]
    request = kernel.start("%tether go")
    ran = kernel.finish(request, until=lambda m: text_arrives(m) and "Loading" in str(m["content"]["data"]))
    assert ran.displays[-1]["data"]["text/plain"] == "Loading tiny, 38 %"
    tether.health = {**tether.health, "llm_service": {**loading, "ready": True}}
    kernel.finish(request, until=lambda m: text_arrives(m) and "Thinking" in str(m["content"]["data"]))
    tether.release("loaded")
    assert kernel.finish(request).markdown.startswith("Now\n\n")


def test_thinking_is_told_with_its_seconds(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"thinking": "hm"}, {"wait": "thought"}, *words("Yes")]
    request = kernel.start("%tether go")
    ran = kernel.finish(request, until=text_arrives)
    assert ran.displays[-1]["data"]["text/plain"] == "Thinking, 1 s"
    tether.release("thought")
    kernel.finish(request)


def test_the_output_keeps_what_was_asked_and_no_secret(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("password = 'hunter2'")
    ran = kernel.run("%%tether -t 0 --max-tokens 9\nis {password} good?")
    assert tether.requests[0]["message"] == "is hunter2 good?"
    assert ran.metadata == {
        "prompt": "is {password} good?",
        "parameters": {"temperature": 0.0, "max_tokens": 9},
        "filled": ["password"],
        "model": "local:tiny",
        "conversation_id": "c_1",
        "id": "m_1",
        "finish_reason": "stop",
        "usage": {"completion_tokens": 2, "tokens_per_s": 41.0},
        "version": __version__,
    }
    assert tether.token not in json.dumps([m for _, m in ran.messages], default=str)
    assert "hunter2" not in json.dumps(ran.displays)


def test_braces_are_filled_in_only_where_a_variable_is_meant(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("x = 5\ni = 3\nframe = 'a  b'\nprint_me = [1]")
    question = (
        "{x} {frame} {print_me} {nobody} {print} {In} {'foo': 'bar'} {{x}} f'{x}' "
        r'{"a": {"b": 1}} \sum_{i}^{x} \frac{x}{i} ${x} {x!r} {x + 1} {}'
    )
    kernel.run(f"%%tether\n{question}")
    assert tether.requests[0]["message"] == (
        "5 a  b [1] {nobody} {print} {In} {'foo': 'bar'} {{x}} f'{x}' "
        r'{"a": {"b": 1}} \sum_{i}^{x} \frac{x}{i} ${x} {x!r} {x + 1} {}'
    )


def test_a_long_value_goes_along_beside_the_question(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("short, long = 'a  b', 'z' * 15_000")
    kernel.run("%tether how do {short} and {long} differ?")
    assert tether.requests[0]["message"] == "how do a  b and `long` differ?"
    assert tether.requests[0]["context"] == [{"kind": "file", "name": "long", "text": "z" * 15_000}]


def test_values_that_are_long_together_go_along_beside_the_question(
    kernel: Kernel, tether: FakeTether
) -> None:
    kernel.run("one, two = 'y' * 3_000, 'z' * 3_000")
    kernel.run("%tether {one} {two}")
    assert tether.requests[0]["message"] == "y" * 3_000 + " `two`"
    assert [item["name"] for item in tether.requests[0]["context"]] == ["two"]


def test_a_huge_value_is_cut(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("huge = 'z' * 500_000")
    kernel.run("%tether {huge}")
    (item,) = tether.requests[0]["context"]
    assert item["text"].startswith("z" * 200_000 + "\n…")
    assert "500,000" in item["text"]


def test_a_value_that_has_no_text_fails_in_words(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("class Bad:\n    def __str__(self):\n        raise ValueError('no')\nbad = Bad()")
    ran = kernel.run("%tether {bad}")
    assert ran.error["traceback"] == ["The variable `bad` cannot be turned into text: ValueError."]
    assert not tether.requests


def test_output_puts_the_text_into_a_variable(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("%tether -o answer why?")
    assert tether.requests[0]["message"] == "why?", "IPython takes it for a plea for help"
    assert kernel.value("answer") == "'Hello there'"


def test_without_streaming_the_answer_shows_once(kernel: Kernel, tether: FakeTether) -> None:
    ran = kernel.run("%tether --no-stream -o whole why?")
    assert tether.paths[0] == "/tether/chat"
    assert ran.markdown.startswith("Hello there\n\n*tiny · this machine · 2 tokens")
    assert kernel.value("whole") == "'Hello there'"


def test_the_notebooks_conversation_goes_on(kernel: Kernel, tether: FakeTether) -> None:
    first, second = kernel.run("%tether one"), kernel.run("%tether two")
    assert first.metadata["conversation_id"] == second.metadata["conversation_id"]
    assert [request.get("conversation_id") for request in tether.requests] == [None, None]


def test_a_named_conversation_is_kept_apart(kernel: Kernel, tether: FakeTether) -> None:
    cells = ("%tether a", "%tether -c side b", "%tether -c side c", "%tether d")
    ids = [kernel.run(cell).metadata["conversation_id"] for cell in cells]
    assert ids[1] == ids[2] != ids[0] == ids[3]


def test_new_starts_the_notebooks_conversation_afresh(kernel: Kernel, tether: FakeTether) -> None:
    before = kernel.run("%tether a").metadata["conversation_id"]
    fresh = kernel.run("%tether -c new b").metadata["conversation_id"]
    after = kernel.run("%tether c").metadata["conversation_id"]
    assert before != fresh == after


def test_a_conversation_that_the_server_lost_is_named_and_started_anew(
    kernel: Kernel, tether: FakeTether
) -> None:
    kernel.run("%tether -c work a")
    gone = {"type": "not_found", "message": "There is no such conversation."}
    tether.scripts = [[{"refuse": gone, "status": 404}]]
    ran = kernel.run("%tether -c work b")
    assert "Run the cell again" in ran.error["traceback"][1]
    kernel.run("%tether -c work c")
    assert "conversation_id" not in tether.requests[-1]


def test_a_model_that_is_not_there_is_no_lost_conversation(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("%tether -c task a")
    tether.script = [{"error": {"type": "not_found", "message": "There is no such model."}}]
    assert kernel.run("%tether -c task -m x b").error["traceback"] == ["There is no such model."]
    tether.script = words("Yes")
    kernel.run("%tether -c task c")
    assert tether.requests[-1]["conversation_id"] == tether.requests[1]["conversation_id"]


def test_an_interrupt_between_two_tokens_keeps_the_text_and_closes_the_connection(
    kernel: Kernel, tether: FakeTether
) -> None:
    tether.script = [{"delta": "Half an "}, {"delta": "answer"}, {"wait": "never"}]
    request = kernel.start("%tether -o part go")
    kernel.finish(request, until=lambda m: text_arrives(m) and "answer" in str(m["content"]["data"]))
    ran = kernel.interrupt(request)
    tether.wait_for_close()
    assert ran.reply["status"] == "error", "Run All stops"
    assert ran.reply["ename"] == "KeyboardInterrupt"
    assert ran.error["traceback"] == ["Stopped by you."]
    assert ran.markdown.startswith("Half an answer\n\n*")
    assert ran.markdown.endswith("Stopped by you*")
    assert kernel.value("part") == "'Half an answer'"


def test_an_interrupt_in_mid_stream_keeps_the_text(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"repeat": [50_000, {"delta": "word "}, 0.002]}, *END]
    request = kernel.start("%tether -o part go")
    kernel.finish(request, until=text_arrives)
    ran = kernel.interrupt(request)
    tether.wait_for_close()
    assert ran.reply["ename"] == "KeyboardInterrupt"
    assert ran.markdown.startswith("word")
    assert ran.markdown.endswith("Stopped by you*")
    assert kernel.value("part.count('word') > 0") == "True"


@pytest.mark.parametrize("options", ["", "--no-stream"])
def test_an_interrupt_before_a_word_stops_as_well(kernel: Kernel, tether: FakeTether, options: str) -> None:
    tether.script = [{"wait": "never"}]
    request = kernel.start(f"%tether {options} go")
    tether.wait_until_reached("never")
    ran = kernel.interrupt(request)
    tether.wait_for_close()
    assert ran.error["traceback"] == ["Stopped by you."]
    tether.script = words("Yes")
    assert kernel.run("%tether again").markdown.startswith("Yes")


def test_a_failure_before_a_word_fails_the_cell_in_words(kernel: Kernel, tether: FakeTether) -> None:
    refused = {
        "type": "rate_limited",
        "message": "Too many requests.",
        "retryable": True,
        "hint": "Wait a bit.",
    }
    tether.script = [{"refuse": refused, "status": 429}]
    ran = kernel.run("%tether go")
    assert ran.reply["status"] == "error"
    assert ran.reply["ename"] == "RateLimited"
    assert ran.error["traceback"] == ["Too many requests.", "Wait a bit."]
    assert not ran.displays


def test_a_failure_in_the_middle_keeps_the_text_and_fails_the_cell(
    kernel: Kernel, tether: FakeTether
) -> None:
    crashed = {"type": "engine_crashed", "message": "The model stopped.", "retryable": True, "hint": None}
    tether.script = [{"delta": "So far"}, {"error": crashed}]
    ran = kernel.run("%tether -o part go")
    assert ran.reply["ename"] == "EngineCrashed"
    assert ran.error["traceback"] == ["The model stopped."]
    assert ran.markdown == "So far\n\n*tiny · this machine · incomplete*"
    assert kernel.value("part") == "'So far'"


def test_a_lost_connection_keeps_the_text_and_fails_the_cell(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"delta": "So far"}, {"drop": True}]
    ran = kernel.run("%tether go")
    assert ran.reply["ename"] == "UpstreamError"
    assert "lost" in ran.error["traceback"][0]
    assert ran.markdown.startswith("So far\n\n*")


def test_a_failed_cell_stops_the_cells_queued_behind_it(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = [{"refuse": {"type": "model_not_ready", "message": "Not yet."}, "status": 503}]
    kernel.run("ran = False")
    first = kernel.client.execute("%tether go", stop_on_error=True)
    second = kernel.client.execute("ran = True")
    assert kernel.finish(first).reply["status"] == "error"
    assert kernel.finish(second).reply["status"] == "aborted"
    assert kernel.value("ran") == "False"


@pytest.mark.parametrize(
    ("cell", "words_in_it"),
    [
        ("%tether", "no question"),
        ("%tether -t 0.5", "no question"),
        ("%%tether\n   ", "no question"),
        ("%tether --nope x", "no option --nope"),
        ("%tether -t hot x", "temperature"),
        ("%tether -t 3 x", "between 0 and 2"),
        ("%tether --max-tokens 0 x", "at least 1"),
        ("%tether -o 2bad x", "not a variable"),
        ("%tether -o", "needs a value"),
    ],
)
def test_a_mistake_in_the_line_is_told_without_a_traceback(
    kernel: Kernel, tether: FakeTether, cell: str, words_in_it: str
) -> None:
    ran = kernel.run(cell)
    assert ran.reply["status"] == "error"
    assert words_in_it in ran.printed
    assert "Traceback" not in ran.printed
    assert not tether.requests


def test_a_question_mark_shows_the_options(kernel: Kernel, tether: FakeTether) -> None:
    pages = kernel.run("%%tether?").reply["payload"]
    text = pages[0]["data"]["text/plain"]
    for option in ("--model", "--conversation", "--output", "--temperature", "--max-tokens", "--system"):
        assert option in text
    assert "--no-stream" in text
    assert "braces stay as typed" in text


def test_the_demo_model_says_what_it_is_in_full_once(kernel: Kernel, tether: FakeTether) -> None:
    tether.model = "local:tether-demo"
    tether.health["demo"] = True
    first, second = kernel.run("%tether a").markdown, kernel.run("%tether b").markdown
    assert "*demo model · this machine" in first
    assert "TETHER\\_MODEL\\_PATH" in first
    assert "*demo model · this machine" in second
    assert "TETHER" not in second


def test_where_a_model_runs_is_looked_up_again_where_the_first_look_failed(
    kernel: Kernel, tether: FakeTether
) -> None:
    tether.model = "local:another-demo"
    healthy, tether.health = {**tether.health, "demo": True}, {"error": {"type": "internal"}}
    tether.health_status = 500
    assert "demo model" not in kernel.run("%tether a").markdown
    tether.health, tether.health_status = healthy, 200
    assert "*demo model · this machine" in kernel.run("%tether b").markdown


def test_a_cut_answer_says_so(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = words("So", finish_reason="length")
    assert kernel.run("%tether a").markdown.endswith("cut at the length limit*")


def test_an_answer_cannot_load_anything(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = words("![x](http://evil.test/?q=1) <img src='http://evil.test'>")
    ran = kernel.run("%tether a")
    for display in ran.displays:
        assert "![" not in display["data"]["text/markdown"]
        assert "<img" not in display["data"]["text/markdown"]


def test_an_open_code_block_ends_before_the_quiet_line(kernel: Kernel, tether: FakeTether) -> None:
    tether.script = words("```python\nx = 1")
    assert "x = 1\n```\n\n*tiny" in kernel.run("%tether a").markdown


def test_fifty_questions_leave_no_thread_and_no_socket_behind(kernel: Kernel, tether: FakeTether) -> None:
    count = (
        "import threading, psutil; "
        "left = [t.name for t in threading.enumerate() if t.name.startswith('tether')]; "
        "sockets = [c for c in psutil.Process().net_connections('tcp')"
        f" if c.raddr and c.raddr.port == {tether.port}]"
    )
    for number in range(50):
        if number % 5 == 4:
            tether.scripts = [[{"delta": "x"}, {"wait": "never"}]]
            request = kernel.start("%tether q")
            kernel.finish(request, until=text_arrives)
            kernel.interrupt(request)
        elif number % 5 == 3:
            tether.scripts = [[{"delta": "x"}, {"drop": True}]]
            assert kernel.run("%tether q").reply["status"] == "error"
        else:
            assert kernel.run("%tether q").reply["status"] == "ok"
    kernel.run(count)
    assert kernel.value("left") == "[]"
    assert int(kernel.value("len([c for c in sockets if c.status == 'ESTABLISHED'])")) <= 2
    assert kernel.value("[c.status for c in sockets if c.status == 'CLOSE_WAIT']") == "[]"


def test_a_signal_in_between_questions_does_no_harm(kernel: Kernel, tether: FakeTether) -> None:
    kernel.manager.signal_kernel(signal.SIGINT)
    assert kernel.run("%tether q").reply["status"] in ("ok", "error")
    assert kernel.run("%tether q").reply["status"] == "ok"
