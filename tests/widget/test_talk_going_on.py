"""What a conversation in the widget keeps and lets go: failed questions at a look, answers at a new chat."""

import threading

from tests.support.fake_tether import words
from tests.widget.conftest import KERNEL, PATIENCE
from tests.widget.test_talk import asked, stored
from tether_jupyter.core import events

BUSY_SERVER = {"refuse": {"type": "rate_limited", "message": "Too many questions.", "retryable": True}}


def kept_once(tether):
    tether.notebooks[KERNEL] = "c_7"
    tether.talks["c_7"] = [stored("u_1", "user", "one"), stored("a_1", "assistant", "Hi.", "u_1")]


def looked(talk):
    talk.look()
    assert talk.wait(PATIENCE)
    return [row["text"] for row in talk.rows]


def test_questions_that_failed_before_they_were_kept_outlive_a_look_at_the_server(talk, tether, front):
    kept_once(tether)
    looked(talk)
    tether.script = [BUSY_SERVER]
    asked(talk, "two")
    asked(talk, "one")  # The words of the question that was kept, asked once more.
    assert looked(talk) == ["one", "Hi.", "two", "", "one", ""]
    assert [row["text"] for row in front.of("all")[-1]["rows"]] == ["one", "Hi.", "two", "", "one", ""]
    assert talk.rows[-1]["problem"]["message"] == "Too many questions."
    # Asked again, it follows what was said elsewhere meanwhile.
    tether.talks["c_7"] += [stored("u_2", "user", "from the sidebar", "a_1")]
    tether.talks["c_7"] += [stored("a_2", "assistant", "Yes.", "u_2")]
    assert looked(talk) == ["one", "Hi.", "from the sidebar", "Yes.", "two", "", "one", ""]
    tether.script = words("now")
    talk.again(talk.rows[-1]["id"])
    assert talk.wait(PATIENCE)
    assert tether.requests[-1]["parent_id"] == "a_2"


def test_a_question_that_was_kept_although_the_connection_broke_stands_there_once(talk, tether):
    kept_once(tether)
    looked(talk)
    tether.script = [{"refuse": None, "status": 502}]
    assert asked(talk, "two")["state"] == "failed"
    tether.talks["c_7"] += [stored("u_2", "user", "two", "a_1")]
    tether.talks["c_7"] += [stored("a_2", "assistant", "Two.", "u_2")]
    assert looked(talk) == ["one", "Hi.", "two", "Two."]


def test_an_answer_that_is_followed_is_told_whole_before_a_question_that_failed(
    talk, tether, front, monkeypatch
):
    kept_once(tether)
    looked(talk)
    tether.script = [BUSY_SERVER]
    asked(talk, "two")
    tether.talks["c_7"] += [stored("u_2", "user", "elsewhere", "a_1")]
    tether.talks["c_7"] += [stored("a_2", "assistant", "Wri", "u_2", status="running")]
    long = "x" * 60_000
    tether.script = [events.delta(long), {"wait": "go"}, *words("end")]
    # The played server has no answer that somebody else asked for.
    monkeypatch.setattr("tether_jupyter.widget.talk.Join", lambda client, _: client.stream("elsewhere"))
    talk.look()
    front.until(lambda: front.of("more"))
    talk.show()
    assert [row["text"] for row in front.of("all")[-1]["rows"]] == [
        "one", "Hi.", "elsewhere", long, "two", "",
    ]  # fmt: skip
    tether.release("go")
    assert talk.wait(PATIENCE)
    assert [row["state"] for row in talk.rows[3::2]] == ["done", "failed"]


def test_a_new_chat_is_not_undone_by_the_end_of_an_answer_that_was_being_written(talk, tether, front):
    tether.scripts = [[events.delta("half"), {"wait": "go"}, *words(" of it")]]
    talk.ask("old?")
    front.until(lambda: front.text == "half")
    talk.fresh()
    front.until(lambda: front.of("all"))
    assert front.of("all")[-1]["live"] is None
    # The new conversation is asked at once; the old answer ends in the middle of the new one.
    tether.scripts = [[events.delta("new"), {"wait": "on"}, *words(" one")]]
    talk.ask("new?")
    front.until(lambda: front.text == "new")
    before = len(front.told)
    (left,) = talk._left
    tether.release("go")
    assert left._over.wait(PATIENCE)
    assert talk.busy
    assert len(front.told) == before
    tether.release("on")
    assert talk.wait(PATIENCE)
    assert [row["text"] for row in talk.rows] == ["new?", "new one"]
    assert front.text == "new one"
    # The server was not made to stop it.
    assert (tether.stopped, tether.closed_at, left.row["text"]) == ([], [], "half of it")
    asked(talk, "newer?", instead_of=talk.rows[0]["id"])
    assert tether.requests[-1]["conversation_id"] == "c_2"


def test_a_new_chat_stays_new_when_the_answer_before_ends_unwatched(talk, tether, front):
    tether.script = [events.delta("half"), {"wait": "go"}, *words(" of it")]
    talk.ask("old?")
    front.until(lambda: front.text == "half")
    talk.fresh()
    front.until(lambda: front.of("all"))
    tether.release("go")
    assert talk.wait(PATIENCE)
    assert talk.rows == []
    assert front.of("end") == []
    assert not talk._left


def test_an_answer_that_was_left_for_a_new_chat_does_not_outlive_the_widget(make, tether, front):
    talk = make()
    tether.script = [events.delta("half"), {"wait": "never"}]
    talk.ask("old?")
    front.until(lambda: front.text == "half")
    talk.fresh()
    front.until(lambda: front.of("all"))
    talk.close()
    tether.wait_for_close()


def test_a_look_that_comes_back_after_a_new_chat_began_does_not_bring_the_old_one(talk, tether, monkeypatch):
    asked(talk, "old?")
    tether.talks["c_1"] = [stored("u_1", "user", "old?"), stored("m_1", "assistant", "Hello there", "u_1")]
    read, began = threading.Event(), threading.Event()
    messages = talk._client.messages

    def slowly(conversation):
        found = messages(conversation)
        read.set()
        assert began.wait(PATIENCE)
        return found

    monkeypatch.setattr(talk._client, "messages", slowly)
    talk.look()
    assert read.wait(PATIENCE)
    talk._fresh()
    began.set()
    assert talk.wait(PATIENCE)
    assert talk.rows == []
    assert talk._current.id == "c_2"
