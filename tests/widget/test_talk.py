"""A person's conversation in the widget, against a played server."""

import json
import threading
from pathlib import Path

from tests.support.fake_tether import model, words
from tests.support.servers import running
from tests.widget.conftest import KERNEL, PATIENCE, Front
from tether_jupyter.client import Client
from tether_jupyter.core import events
from tether_jupyter.widget.talk import BUSY, GONE, Talk

ROOT = str(Path(__file__).parents[2])


def asked(talk, text="why?", **how):
    talk.ask(text, **how)
    assert talk.wait(PATIENCE)
    return talk.rows[-1]


def stored(id, role, content, parent=None, **known):
    return {
        "id": id, "parent_id": parent, "role": role, "content": content, "status": "complete", "model": None,
        "finish_reason": None, "error": None, "usage": None, **known,
    }  # fmt: skip


def test_a_question_is_answered_in_the_notebooks_conversation(talk, tether, front):
    answer = asked(talk)
    assert answer["text"] == front.text == "Hello there"
    assert answer["state"] == "done"
    assert tether.requests == [
        {"message": "why?", "client_id": "widget", "see": {"words": False}, "kernel_id": KERNEL}
    ]
    assert front.of("add")[0]["rows"][0]["text"] == "why?"
    assert front.kept


def test_the_line_says_who_wrote_it_where_how_much_and_at_what_cost(talk, tether):
    tether.script = [
        events.delta("x"),
        events.usage(completion_tokens=1200, tokens_per_s=41.2, cost_usd=0.0123),
        events.done("length"),
    ]
    assert asked(talk)["line"] == (
        "tiny · this machine · 1,200 tokens · 41/s · $0.0123 · cut at the length limit"
    )


def test_text_comes_before_the_answer_is_complete(talk, tether, front):
    tether.script = [events.delta("first "), {"wait": "go"}, *words("second")]
    talk.ask("why?")
    front.until(lambda: front.text == "first ")
    assert front.phases[-1] == "writing"
    tether.release("go")
    assert talk.wait(PATIENCE)
    assert front.text == "first second"


def test_what_is_told_grows_with_the_answer_and_no_faster(talk, tether, front):
    # Each piece is read on its own, so that as many messages are told as batches allow.
    tether.script = [{"repeat": [400, events.delta("word "), 0.002]}, *words("end")]
    asked(talk)
    pieces = front.of("more")
    assert len(pieces) > 3
    assert sum(len(piece["text"]) for piece in pieces) == 400 * 5 + 3
    assert len(json.dumps(pieces)) < 100 * len(pieces) + 400 * 5 + 100
    # The whole is saved when it is whole, and not before.
    assert front.kept == 1


def test_letters_beyond_the_basic_plane_are_counted_as_a_browser_counts_them(talk, tether, front):
    tether.script = [events.delta("🙂🙂"), {"wait": "go"}, *words("end")]
    talk.ask("why?")
    front.until(lambda: front.text == "🙂🙂")
    tether.release("go")
    assert talk.wait(PATIENCE)
    assert front.text == "🙂🙂end"
    assert front.of("end")[0]["size"] == 7


def test_the_place_in_the_line_and_thinking_are_told(talk, tether, front):
    tether.script = [events.queued(2), events.queued(1), events.thinking("hm"), *words("so")]
    asked(talk)
    assert [m.get("position") for m in front.of("phase") if m["phase"] == "queued"] == [2, 1]
    assert front.phases[-2:] == ["thinking", "writing"]


def test_how_far_the_model_is_loaded_is_told(talk, tether, front):
    tether.health |= {"llm_service": {"ready": False, "engine": {"progress": 0.4}}}
    tether.script = [{"wait": "go"}, *words("so")]
    talk.ask("why?")
    front.until(lambda: "loading" in front.phases)
    loading = next(m for m in front.of("phase") if m["phase"] == "loading")
    assert (loading["name"], loading["progress"]) == ("tiny", 0.4)
    tether.release("go")
    assert talk.wait(PATIENCE)


def test_stop_asks_the_server_and_keeps_the_text(talk, tether, front):
    # It ends because it was stopped: one that ended by itself might do so before the server is asked.
    tether.script = [events.delta("half"), {"wait": "stop"}, events.usage(), events.done("cancelled")]
    talk.ask("why?")
    front.until(lambda: front.text == "half")
    talk.stop()
    front.until(lambda: "stopping" in front.phases)
    assert talk.wait(PATIENCE)
    assert tether.stopped == ["c_1"]
    assert (talk.rows[-1]["text"], talk.rows[-1]["state"]) == ("half", "stopped")
    assert talk.rows[-1]["line"].endswith("stopped by you")


def test_a_server_that_does_not_stop_is_left(talk, tether, front, monkeypatch):
    monkeypatch.setattr("tether_jupyter.widget.turn.STOP_SECONDS", 0.05)
    tether.script = [events.delta("half"), {"wait": "never"}]
    talk.ask("why?")
    front.until(lambda: front.text == "half")
    talk.stop()
    tether.wait_for_close()
    assert talk.wait(PATIENCE)
    assert talk.rows[-1]["state"] == "stopped"


def test_a_second_question_waits_for_the_first_and_keeps_its_words(talk, tether, front):
    tether.script = [{"wait": "go"}, *words("so")]
    talk.ask("first")
    talk.ask("second")
    assert front.of("refused") == [{"kind": "refused", "text": "second", "why": BUSY}]
    tether.release("go")
    assert talk.wait(PATIENCE)
    assert [row["text"] for row in talk.rows] == ["first", "so"]


def test_a_failure_says_what_to_do_and_keeps_the_words(talk, tether):
    problem = {
        "type": "model_not_ready",
        "message": "No model is here.",
        "hint": "Pull one.",
        "retryable": True,
    }
    tether.script = [{"refuse": problem}]
    answer = asked(talk)
    assert answer["state"] == "failed"
    assert (answer["problem"]["message"], answer["problem"]["hint"]) == ("No model is here.", "Pull one.")
    assert talk.rows[0]["text"] == "why?"
    tether.script = words("now")
    talk.again(answer["id"])
    assert talk.wait(PATIENCE)
    assert [row["text"] for row in talk.rows] == ["why?", "now"]


def test_a_broken_connection_keeps_what_came(talk, tether):
    tether.script = [events.delta("half"), {"drop": True}]
    answer = asked(talk)
    assert (answer["text"], answer["state"]) == ("half", "failed")
    assert "connection" in answer["problem"]["message"]


def test_a_server_that_goes_away_behind_an_answer_leaves_it_answered(talk, tether):
    tether.model, tether.health_status = "openai:big", 502
    answer = asked(talk)
    assert (answer["text"], answer["state"]) == ("Hello there", "done")
    assert asked(talk, "and now?")["state"] == "done"


def test_an_edited_question_takes_the_place_of_the_first(talk, tether, front):
    asked(talk, "one")
    asked(talk, "too")
    asked(talk, "two", instead_of=talk.rows[2]["id"])
    assert [row["text"] for row in talk.rows if row["role"] == "user"] == ["one", "two"]
    assert tether.requests[-1]["parent_id"] == "m_1"
    assert tether.requests[-1]["conversation_id"] == "c_1"
    asked(talk, "uno", instead_of=talk.rows[0]["id"])
    assert tether.requests[-1]["parent_id"] == "root"
    assert [row["text"] for row in talk.rows] == ["uno", "Hello there"]


def test_an_edited_question_that_is_refused_leaves_the_talk_as_it_was(make, tether, front):
    talk = make(variables=lambda: {"df": 42})
    for word in ("one", "two", "three"):
        asked(talk, word)
    before, first = list(talk.rows), talk.rows[0]["id"]
    asked(talk, "about @dff", instead_of=first)
    assert front.of("refused")[-1]["text"] == "about @dff"
    assert talk.rows == before
    asked(talk, "about @df", instead_of=first)
    assert (tether.requests[-1]["conversation_id"], tether.requests[-1]["parent_id"]) == ("c_1", "root")
    assert [row["text"] for row in talk.rows] == ["about @df", "Hello there"]


def test_a_question_instead_of_one_that_is_not_there_is_refused_with_its_words(talk, tether, front):
    asked(talk, "one")
    asked(talk, "uno", instead_of="w99")
    assert front.of("refused") == [{"kind": "refused", "text": "uno", "why": GONE}]
    assert [request["message"] for request in tether.requests] == ["one"]


def test_a_question_behind_one_that_was_refused_is_edited_behind_the_last_that_was_kept(talk, tether):
    busy = {"type": "rate_limited", "message": "Too many questions.", "retryable": True}
    tether.scripts = [words("first"), [{"refuse": busy, "status": 429}]]
    for word in ("one", "two", "three"):
        asked(talk, word)
    asked(talk, "drei", instead_of=talk.rows[4]["id"])
    assert (tether.requests[-1]["conversation_id"], tether.requests[-1]["parent_id"]) == ("c_1", "m_1")
    assert [row["text"] for row in talk.rows if row["role"] == "user"] == ["one", "two", "drei"]


def test_a_question_asked_before_the_first_look_is_edited_behind_what_was_said_before(talk, tether):
    tether.notebooks[KERNEL] = "c_7"
    tether.talks["c_7"] = [
        stored("u_1", "user", "hello?"),
        stored("a_1", "assistant", "Hi.", "u_1"),
        stored("u_2", "user", "one", "a_1"),
        stored("m_1", "assistant", "Hello there", "u_2"),
    ]
    meta = {"id": "m_1", "conversation_id": "c_7", "parent_id": "u_2", "model": "local:tiny"}
    tether.script = [events.meta(**meta, correlation_id="x"), *words("Hello there")]
    asked(talk, "one")
    asked(talk, "uno", instead_of=talk.rows[0]["id"])
    assert (tether.requests[-1]["conversation_id"], tether.requests[-1]["parent_id"]) == ("c_7", "a_1")


def test_what_was_said_elsewhere_stands_there(talk, tether, front):
    tether.notebooks[KERNEL] = "c_7"
    tether.talks["c_7"] = [
        stored("m_1", "user", "hello?"),
        stored("m_2", "assistant", "old branch", "m_1", model="local:tiny"),
        stored("m_3", "assistant", "Hi.", "m_1", model="local:tiny", finish_reason="stop",
               usage={"completion_tokens": 2}),
    ]  # fmt: skip
    talk.look()
    assert talk.wait(PATIENCE)
    assert [row["text"] for row in front.of("all")[-1]["rows"]] == ["hello?", "Hi."]
    assert talk.rows[-1]["line"] == "tiny · this machine · 2 tokens"
    asked(talk, "again", instead_of=talk.rows[0]["id"])
    assert tether.requests[-1] == {
        "message": "again", "client_id": "widget", "see": {"words": False}, "kernel_id": KERNEL,
        "conversation_id": "c_7", "parent_id": "root",
    }  # fmt: skip


def test_kept_failures_and_endings_show_as_such(talk, tether):
    tether.notebooks[KERNEL] = "c_7"
    problem = {"type": "internal", "message": "It broke. Ask again.", "retryable": False, "hint": None}
    tether.talks["c_7"] = [
        stored("m_1", "assistant", "a", finish_reason="cancelled"),
        stored("m_2", "assistant", "b", "m_1", status="interrupted"),
        stored("m_3", "assistant", "", "m_2", error=problem),
    ]
    talk.look()
    assert talk.wait(PATIENCE)
    assert [row["state"] for row in talk.rows] == ["stopped", "interrupted", "failed"]
    assert talk.rows[-1]["problem"]["message"] == "It broke. Ask again."


def test_a_kernel_of_another_server_goes_on_with_its_own_conversation(talk, tether):
    tether.strangers.add(KERNEL)
    asked(talk, "one")
    asked(talk, "two")
    assert tether.requests[-1]["conversation_id"] == "c_1"


def test_nothing_of_other_notebooks_shows_for_a_kernel_that_the_server_does_not_know(talk, tether):
    tether.notebooks |= {"k-8": "c_8", "k-9": "c_9"}
    tether.strangers.add(KERNEL)
    tether.talks["c_8"] = [stored("m_1", "user", "somebody else's")]
    talk.look()
    assert talk.wait(PATIENCE)
    assert talk.rows == []


def test_a_given_conversation_is_gone_on_with(make, tether):
    talk = make(conversation_id="c_5")
    tether.talks["c_5"] = [stored("m_1", "user", "hello?")]
    talk.look()
    assert talk.wait(PATIENCE)
    asked(talk, "more")
    assert [row["text"] for row in talk.rows] == ["hello?", "more", "Hello there"]
    assert tether.requests[-1]["conversation_id"] == "c_5"


def test_a_notebook_that_went_on_elsewhere_takes_its_old_talk_away(talk, tether, front):
    asked(talk, "one")
    tether.notebooks[KERNEL] = "c_99"
    asked(talk, "two")
    assert [row["text"] for row in talk.rows] == ["two", "Hello there"]
    assert [row["text"] for row in front.of("all")[-1]["rows"]] == ["two", "Hello there"]


def test_a_new_chat_is_the_notebooks_from_then_on(talk, tether, front):
    asked(talk, "one")
    talk.fresh()
    assert talk.wait(PATIENCE)
    assert talk.rows == front.of("all")[-1]["rows"] == []
    assert tether.notebooks[KERNEL] == "c_2"


def test_a_view_made_in_the_middle_is_told_all_of_it(talk, tether, front):
    long = "x" * 60_000
    tether.script = [events.delta(long), {"wait": "go"}, *words("end")]
    talk.ask("why?")
    front.until(lambda: len(front.text) == len(long))
    talk.show()
    shown = front.of("all")[-1]
    # Cut, it would not fit what follows, which is told by its place.
    assert shown["rows"][-1]["text"] == long
    assert (shown["live"]["id"], shown["live"]["phase"]) == (talk.rows[-1]["id"], "writing")
    tether.release("go")
    assert talk.wait(PATIENCE)
    assert front.text == long + "end"


def test_models_and_presets_can_be_chosen(talk, tether, front):
    rows = [
        model(active=True),
        model("big", backend="openai", place="api.example"),
        model("far", installed=False),
    ]
    tether.models = {"models": rows, "problem": None}
    tether.presets["widget"] = {"presets": [{"name": "brief", "active": False, "values": {}}], "active": None}
    talk.list_models()
    assert talk.wait(PATIENCE)
    (choices,) = front.of("models")
    assert [row["label"] for row in choices["models"]] == ["local:tiny", "openai:big"]
    assert choices["presets"] == ["brief"]
    talk.use(model="openai:big", preset="brief")
    asked(talk)
    assert (tether.requests[-1]["model"], tether.requests[-1]["preset"]) == ("openai:big", "brief")
    assert front.of("facts")[-1]["facts"]["label"] == "openai:big"


def test_the_demo_model_is_named_as_such(talk, tether, front):
    tether.health["demo"] = True
    talk.look()
    assert talk.wait(PATIENCE)
    assert "demo model" in front.of("facts")[-1]["facts"]["notice"]
    assert asked(talk)["line"].startswith("demo model · this machine")


def test_a_server_that_is_away_is_said_at_once(front):
    talk = Talk(Client("http://127.0.0.1:9/", "x"), front.tell, front.keep)
    talk.look()
    assert talk.wait(PATIENCE)
    problem = front.of("facts")[-1]["facts"]["problem"]
    assert "does not answer" in problem["message"]
    assert "jupyter lab" in problem["hint"]
    talk.close()


def test_a_named_variable_goes_along(make, tether):
    talk = make(variables=lambda: {"answer": 42})
    asked(talk, "what is @answer?")
    (item,) = tether.requests[-1]["context"]
    assert (item["kind"], item["name"], item["data"]["type"]) == ("variable", "answer", "int")


def test_a_name_that_is_no_variable_sends_nothing_and_keeps_the_words(make, tether, front):
    talk = make(variables=lambda: {"answer": 42})
    talk.ask("what is @anwser?")
    assert tether.requests == []
    (refused,) = front.of("refused")
    assert refused["text"] == "what is @anwser?"
    assert "`anwser`" in refused["why"]


def test_an_answer_that_is_under_way_elsewhere_is_followed(tmp_path):
    # The real server: who asks and who follows are two clients of it.
    home = tmp_path / "home"
    config = 'c.Tether.backend = "tests.e2e.held:Held"\n'
    with running(home, app="server", config=config, PYTHONPATH=ROOT) as real:
        asking = Client(real.url, real.token)
        conversation = asking.new_conversation()
        heard = threading.Event()
        replies = []

        def ask():
            with asking.stream("count", conversation_id=conversation) as stream:
                for event in stream:
                    replies.append(event)
                    if "word30" in event.get("delta", ""):
                        heard.set()

        thread = threading.Thread(target=ask)
        thread.start()
        assert heard.wait(PATIENCE)
        front = Front()
        talk = Talk(Client(real.url, real.token), front.tell, front.keep, conversation_id=conversation)
        talk.look()
        front.until(lambda: "word30" in front.text)
        assert "word31" not in front.text
        (home / "work" / "go").touch()
        assert talk.wait(PATIENCE)
        thread.join(PATIENCE)
        assert front.text.endswith("word59 word60")
        assert talk.rows[-1]["state"] == "done"
        talk.close()
        asking.close()


def test_closing_stops_what_is_under_way(make, tether, front):
    talk = make()
    tether.script = [events.delta("x"), {"wait": "never"}]
    talk.ask("why?")
    front.until(lambda: front.text == "x")
    talk.close()
    assert tether.stopped == ["c_1"]


def test_what_is_stopped_before_it_began_does_not_run_on(make, tether, front, monkeypatch):
    monkeypatch.setattr("tether_jupyter.widget.turn.STOP_SECONDS", 0.05)
    talk = make()
    tether.script = [{"wait": "never"}]
    talk.ask("why?")
    talk.stop()
    assert talk.wait(PATIENCE)
    assert talk.rows[-1]["state"] == "stopped"
    if tether.requests and not tether.stopped:
        tether.wait_for_close()
