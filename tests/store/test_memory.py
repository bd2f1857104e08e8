"""Conversations in memory."""

import pytest

from tether_jupyter.core.history import StoredMessage, new_id
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store.memory import MemoryHistory
from tether_jupyter.store.paths import file_id


@pytest.fixture
def history():
    return MemoryHistory(max_conversations=3, max_messages=4)


async def say(history, conversation, text, owner="ann"):
    await history.add(owner, conversation.id, StoredMessage(new_id("m"), "user", text))


async def test_a_conversation_is_named_after_its_first_question(history):
    conversation = await history.create("ann")
    await say(history, conversation, "why is\n  the total wrong? " + "x" * 100)
    assert conversation.title.startswith("why is the total wrong?")
    assert len(conversation.title) == 60


async def test_the_newest_conversation_comes_first(history):
    old, new = await history.create("ann"), await history.create("ann")
    await say(history, old, "again")
    assert [c.id for c in await history.conversations("ann")] == [old.id, new.id]


async def test_the_oldest_makes_room_and_its_notebook_starts_afresh(history):
    first = await history.create("ann", notebook="n.ipynb")
    for _ in range(3):
        await history.create("ann")
    with pytest.raises(NotFound):
        await history.get("ann", first.id)
    assert await history.of_notebook("ann", "n.ipynb") is None


async def test_a_renamed_notebook_moves_nobody_elses_of_that_name(history):
    mine, other = [await history.create(who, notebook="n.ipynb") for who in ("ann", "ben")]
    await history.renamed("ann", "n.ipynb", "new.ipynb")
    assert (await history.of_notebook("ann", "new.ipynb")).id == mine.id
    assert (await history.of_notebook("ben", "n.ipynb")).id == other.id


async def test_a_deleted_notebook_leaves_its_conversation_in_the_list(history):
    made = await history.create("ann", notebook="old/n.ipynb", file_id="7:7")
    await history.unbind("ann", "old")
    assert await history.of_notebook("ann", "old/n.ipynb", "7:7") is None
    assert [(c.id, c.notebook) for c in await history.conversations("ann")] == [(made.id, None)]


async def test_a_file_number_that_was_given_to_another_notebook_brings_no_conversation(tmp_path):
    history = MemoryHistory(root=str(tmp_path))
    (tmp_path / "a.ipynb").touch()
    file = file_id(str(tmp_path), "a.ipynb")
    made = await history.create("ann", notebook="a.ipynb", file_id=file)
    (tmp_path / "a.ipynb").rename(tmp_path / "b.ipynb")
    (tmp_path / "a.ipynb").touch()
    assert await history.of_notebook("ann", "b.ipynb", file) is None
    (tmp_path / "a.ipynb").unlink()
    assert (await history.of_notebook("ann", "b.ipynb", file)).id == made.id


async def test_one_persons_conversations_make_no_room_among_anothers(history):
    mine = await history.create("ann")
    for _ in range(10):
        await history.create("ben")
    assert (await history.get("ann", mine.id)).id == mine.id


async def test_one_in_use_does_not_make_room(history):
    first = await history.create("ann")
    for _ in range(5):
        await history.create("ann")
        await history.get("ann", first.id)
    assert (await history.get("ann", first.id)).id == first.id


async def test_a_long_conversation_forgets_its_beginning(history):
    conversation = await history.create("ann")
    for n in range(6):
        await say(history, conversation, str(n))
    assert [m.content for m in await history.messages("ann", conversation.id)] == ["2", "3", "4", "5"]


async def test_a_new_state_of_a_message_takes_its_place(history):
    conversation = await history.create("ann")
    message = StoredMessage("m_1", "assistant", "ha")
    await history.add("ann", conversation.id, message)
    message.content = "half"
    await history.add("ann", conversation.id, message)
    assert [m.content for m in await history.messages("ann", conversation.id)] == ["half"]


async def test_an_id_is_taken_once_by_each_owner(history):
    await history.create("ann", conversation_id="x")
    await history.create("ben", conversation_id="x")
    with pytest.raises(Conflict):
        await history.create("ann", conversation_id="x")


async def test_a_message_goes_with_what_follows_it_and_comes_back_in_its_place(history):
    made = await history.create("ann")
    one = StoredMessage(new_id("m"), "user", "1")
    two = StoredMessage(new_id("m"), "assistant", "2", one.id)
    three = StoredMessage(new_id("m"), "user", "3", two.id)
    other = StoredMessage(new_id("m"), "assistant", "2, otherwise", one.id)
    await history.add("ann", made.id, one, two, three, other)
    await history.change_message("ann", two.id, deleted=True)
    await history.change_message("ann", two.id, deleted=True)
    assert [m.content for m in await history.messages("ann", made.id)] == ["1", "2, otherwise"]
    await history.change_message("ann", two.id, deleted=False)
    assert [m.content for m in await history.messages("ann", made.id)] == ["1", "2", "3", "2, otherwise"]
    with pytest.raises(NotFound):
        await history.change_message("ben", two.id, deleted=True)


async def test_an_answer_that_grows_after_it_was_taken_away_stays_away(history):
    made = await history.create("ann")
    question = StoredMessage(new_id("m"), "user", "why?")
    answer = StoredMessage(new_id("m"), "assistant", "Bec", question.id)
    await history.add("ann", made.id, question, answer)
    await history.change_message("ann", question.id, deleted=True)
    answer.content = "Because."
    await history.add("ann", made.id, answer)
    assert await history.messages("ann", made.id) == []
    await history.change_message("ann", question.id, deleted=False)
    assert [m.content for m in await history.messages("ann", made.id)] == ["why?", "Because."]


async def test_an_empty_title_is_made_from_the_first_question(history):
    made = await history.create("ann", title="Plans")
    await say(history, made, "why?")
    await say(history, made, "and now?")
    assert (await history.change("ann", made.id, title="")).title == "why?"


async def test_what_is_set_of_a_message_leaves_its_context_as_it_was(history):
    made = await history.create("ann")
    asked = StoredMessage(new_id("m"), "user", "why?", data={"given": [1], "context": {}})
    plain = StoredMessage(new_id("m"), "user", "and?")
    await history.add("ann", made.id, asked, plain)
    for message in (asked, plain):
        await history.change_message("ann", message.id, data={"tag": 1, "given": "mine"})
    assert [m.data for m in await history.messages("ann", made.id)] == [{"tag": 1, "given": [1]}, {"tag": 1}]
