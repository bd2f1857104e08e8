"""Conversations and messages in a database."""

from __future__ import annotations

import asyncio

import pytest

from tether_jupyter.core.history import Conversation, Past, StoredMessage, new_id
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store.database import Database
from tether_jupyter.store.history import SqlHistory
from tether_jupyter.store.paths import file_id
from tether_jupyter.store.projects import Projects


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database)


def said(text, parent=None, role="user", **fields):
    return StoredMessage(new_id("m"), role, text, parent and parent.id, **fields)


async def test_a_conversation_is_there_again_when_the_database_is_opened_anew(history, database_url):
    made = await history.create("ann", notebook="a.ipynb", data={"colour": "red"})
    await history.add("ann", made.id, said("why is the total wrong?"))
    again = SqlHistory(Database(database_url))
    found = await again.get("ann", made.id)
    assert (found.title, found.notebook, found.message_count) == ("why is the total wrong?", "a.ipynb", 1)
    assert found.data == {"colour": "red"}
    assert [m.content for m in await again.messages("ann", made.id)] == ["why is the total wrong?"]
    await again.database.close()


async def test_every_field_of_a_message_comes_back(history):
    made = await history.create("ann")
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    message = said(
        parts,
        role="user",
        model="mock:m",
        finish_reason="stop",
        usage={"completion_tokens": 3, "cost_usd": 0.5},
        completion_ms=12.5,
        tool_calls=[{"id": "t"}],
        attachments=["u_1"],
        data={"x": 1},
    )
    await history.add("ann", made.id, message)
    [found] = await history.messages("ann", made.id)
    assert found == message
    assert found.payload()["cost_usd"] == 0.5


async def test_a_new_state_of_a_message_replaces_the_old_one_where_it_stands(history):
    made = await history.create("ann")
    question = said("one")
    answer = said("", question, "assistant", status="running")
    await history.add("ann", made.id, question, answer)
    await history.add("ann", made.id, said("two", answer))
    answer.content, answer.status = "an answer", "complete"
    await history.add("ann", made.id, answer)
    assert [m.content for m in await history.messages("ann", made.id)] == ["one", "an answer", "two"]
    assert (await history.get("ann", made.id)).message_count == 3


async def test_regenerating_makes_a_branch_and_keeps_the_other(history):
    made = await history.create("ann")
    question = said("one")
    first, second = said("this", question, "assistant"), said("that", question, "assistant")
    await history.add("ann", made.id, question, first, second)
    assert [m.content for m in await history.branch("ann", made.id)] == ["one", "that"]
    assert [m.content for m in await history.branch("ann", made.id, first.id)] == ["one", "this"]
    assert len(await history.messages("ann", made.id)) == 3


async def test_a_branch_is_found_among_others_that_lie_between(history):
    made = await history.create("ann")
    root = said("0")
    left, right = [root], [root]
    await history.add("ann", made.id, root)
    for number in range(1, 12):
        for branch in (left, right):
            branch.append(said(f"{number}", branch[-1]))
            await history.add("ann", made.id, branch[-1])
    for branch in (left, right):
        found = await history.branch("ann", made.id, branch[-1].id, limit=8)
        assert [m.id for m in found] == [m.id for m in branch[-8:]]
        found = await history.branch("ann", made.id, branch[3].id, limit=99)
        assert [(m.id, m.parent_id) for m in found] == [(m.id, m.parent_id) for m in branch[:4]]


async def test_a_conversation_and_its_first_question_are_kept_together(history):
    question = said("why?")
    made = await history.begin(Conversation("c_1", "ann", notebook="a.ipynb"), question, new=True)
    found, branch = await history.resume("ann", Past(made.id))
    assert (found.title, found.message_count, found.notebook) == ("why?", 1, "a.ipynb")
    assert found.last_message_at >= question.created_at
    assert [m.id for m in branch] == [question.id]


async def test_a_beginning_that_is_tried_again_is_kept_once(history):
    question = said("why?")
    for _ in range(2):
        made = await history.begin(Conversation("c_1", "ann"), question, new=True)
        assert made.id == "c_1"
    assert (await history.get("ann", "c_1")).message_count == 1


async def test_two_first_questions_of_one_notebook_share_a_conversation(history):
    begun = [
        history.begin(Conversation(f"c_{n}", "ann", notebook="a.ipynb"), said(f"{n}"), new=True)
        for n in range(3)
    ]
    made = {found.id for found in await asyncio.gather(*begun)}
    assert len(made) == 1
    assert {m.content for m in await history.messages("ann", made.pop())} == {"0", "1", "2"}


async def test_nothing_begins_in_a_conversation_that_is_not_there(history):
    with pytest.raises(NotFound):
        await history.begin(Conversation("c_1", "ann"), said("why?"), new=False)
    await history.begin(Conversation("c_1", "ann"), said("why?"), new=True)
    with pytest.raises(NotFound):
        await history.begin(Conversation("c_1", "ben"), said("mine"), new=False)


async def test_what_goes_on_is_found_by_id_or_by_notebook_and_is_nobody_elses(history):
    made = await history.create("ann", notebook="a.ipynb", file_id="7")
    await history.add("ann", made.id, said("one"))
    for given in ({"conversation_id": made.id}, {"notebook": "a.ipynb"}):
        found, branch = await history.resume("ann", Past(**given))
        assert (found.id, [m.content for m in branch]) == (made.id, ["one"])
        assert await history.resume("ben", Past(**given)) == (None, [])
    found, _ = await history.resume("ann", Past(notebook="b.ipynb", file_id="7"))
    assert (found.id, found.notebook) == (made.id, "b.ipynb")
    assert (await history.of_notebook("ann", "b.ipynb")).id == made.id
    with pytest.raises(NotFound):
        await history.resume("ann", Past(made.id, last="m_none"))


async def test_only_the_end_of_a_long_branch_is_read(history):
    made = await history.create("ann")
    chain = [said("0")]
    for number in range(1, 30):
        chain.append(said(str(number), chain[-1]))
    await history.add("ann", made.id, *chain)
    assert [m.content for m in await history.branch("ann", made.id, limit=3)] == ["27", "28", "29"]


async def test_a_parent_of_another_conversation_is_none(history):
    one, two = await history.create("ann"), await history.create("ann")
    message = said("one")
    await history.add("ann", one.id, message)
    with pytest.raises(NotFound):
        await history.branch("ann", two.id, message.id)
    with pytest.raises(NotFound):
        await history.branch("ann", "c_none")


async def test_nothing_of_one_owner_can_be_read_or_changed_by_another(history, database):
    made = await history.create("ann", notebook="a.ipynb", file_id="1:2")
    message = said("secret")
    await history.add("ann", made.id, message)
    project = await Projects(database).create("ann", "mine")
    for attempt in (
        history.get("ben", made.id),
        history.messages("ben", made.id),
        history.branch("ben", made.id),
        history.branch("ben", made.id, message.id),
        history.change("ben", made.id, title="mine"),
        history.move("ben", made.id, "b.ipynb"),
        history.add("ben", made.id, said("hello")),
        history.add("ben", made.id, message),
        history.change_message("ben", message.id, reaction="thumbs_up"),
        history.change_message("ben", message.id, deleted=True),
        history.create("ben", project_id=project.id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await history.of_notebook("ben", "a.ipynb", "1:2") is None
    assert await history.conversations("ben") == []
    assert [m.content for m in await history.messages("ann", made.id)] == ["secret"]
    assert (await history.get("ann", made.id)).title == "secret"


async def test_two_owners_may_give_a_conversation_the_same_name(history):
    await history.create("ann", conversation_id="nightly")
    await history.create("ben", conversation_id="nightly")
    await history.add("ann", "nightly", said("one"))
    assert await history.messages("ben", "nightly") == []
    with pytest.raises(Conflict):
        await history.create("ann", conversation_id="nightly")


async def test_a_notebook_is_found_by_its_file_after_it_was_renamed(history):
    made = await history.create("ann", notebook="old.ipynb", file_id="7:7")
    found = await history.of_notebook("ann", "new.ipynb", "7:7")
    assert found is not None
    assert found.id == made.id
    assert (await history.get("ann", made.id)).notebook == "new.ipynb"
    assert await history.of_notebook("ann", "old.ipynb", "8:8") is None


async def test_a_renamed_folder_takes_its_notebooks_along(history):
    inside = await history.create("ann", notebook="plans/a.ipynb")
    beside = await history.create("ann", notebook="plansheet/a.ipynb")
    await history.renamed("ann", "plans", "done/plans")
    assert (await history.get("ann", inside.id)).notebook == "done/plans/a.ipynb"
    assert (await history.get("ann", beside.id)).notebook == "plansheet/a.ipynb"


async def test_a_renamed_notebook_moves_nobody_elses_of_that_name(history):
    mine = await history.create("ann", notebook="Untitled.ipynb")
    other = await history.create("ben", notebook="Untitled.ipynb")
    await history.renamed("ann", "Untitled.ipynb", "plan.ipynb")
    assert (await history.get("ann", mine.id)).notebook == "plan.ipynb"
    assert (await history.get("ben", other.id)).notebook == "Untitled.ipynb"


async def test_a_notebook_of_another_root_has_a_conversation_of_its_own(database):
    first, second = SqlHistory(database, "/notebooks/first"), SqlHistory(database, "/notebooks/second")
    made = await first.begin(Conversation("c_1", "ann", notebook="a.ipynb"), said("one"), new=True)
    assert await second.resume("ann", Past(notebook="a.ipynb", file_id="1:99")) == (None, [])
    other = await second.begin(Conversation("c_2", "ann", notebook="a.ipynb"), said("two"), new=True)
    assert (made.id, other.id) == ("c_1", "c_2")
    for history, own in ((first, made), (second, other)):
        found = await history.conversations("ann", notebook="a.ipynb")
        assert [each.id for each in found] == [own.id]
    await second.renamed("ann", "a.ipynb", "b.ipynb")
    await second.unbind("ann", "a.ipynb")
    assert (await first.of_notebook("ann", "a.ipynb")).id == made.id
    assert (await second.of_notebook("ann", "b.ipynb")).id == other.id


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_conversation_of_before_roots_belongs_to_where_the_next_question_is_asked(database, by_id):
    made = await SqlHistory(database).create("ann", notebook="a.ipynb")
    asked, other = SqlHistory(database, "/notebooks/first"), SqlHistory(database, "/notebooks/second")
    assert [each.id for each in await other.conversations("ann", notebook="a.ipynb")] == [made.id]
    await asked.resume("ann", Past(made.id if by_id else None, "a.ipynb"))
    assert await other.of_notebook("ann", "a.ipynb") is None
    assert (await asked.of_notebook("ann", "a.ipynb")).id == made.id


async def test_a_conversation_of_another_root_stays_there_when_it_goes_on_here(database):
    first, second = SqlHistory(database, "/notebooks/first"), SqlHistory(database, "/notebooks/second")
    made = await first.begin(Conversation("c_1", "ann", notebook="a.ipynb"), said("one"), new=True)
    known, _ = await second.resume("ann", Past(made.id, "a.ipynb", "1:99"))
    assert known.id == made.id
    assert await second.of_notebook("ann", "a.ipynb") is None
    assert (await first.of_notebook("ann", "a.ipynb")).id == made.id


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_look_at_a_conversation_binds_it_to_nothing(database, by_id):
    made = await SqlHistory(database).create("ann", notebook="a.ipynb")
    looked, other = SqlHistory(database, "/notebooks/first"), SqlHistory(database, "/notebooks/second")
    await looked.resume("ann", Past(made.id if by_id else None, "a.ipynb", looking=True))
    assert (await other.of_notebook("ann", "a.ipynb")).id == made.id


async def test_a_conversation_that_is_taken_to_another_root_stays_there(database):
    first, second = SqlHistory(database, "/notebooks/first"), SqlHistory(database, "/notebooks/second")
    made = await first.create("ann", notebook="a.ipynb")
    await second.move("ann", made.id, "b.ipynb")
    assert (await second.of_notebook("ann", "b.ipynb")).id == made.id
    assert await first.of_notebook("ann", "b.ipynb") is None


async def test_a_file_number_that_was_given_to_another_root_brings_no_conversation(database, tmp_path):
    first, second = (SqlHistory(database, str(tmp_path / name)) for name in ("first", "second"))
    await first.create("ann", notebook="gone.ipynb", file_id="7:7")
    assert await second.of_notebook("ann", "a.ipynb", "7:7") is None
    assert await first.of_notebook("ann", "a.ipynb", "7:7") is not None


async def test_a_file_that_is_seen_from_two_roots_has_one_conversation(database, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.ipynb").touch()
    upper, lower = SqlHistory(database, str(tmp_path)), SqlHistory(database, str(tmp_path / "sub"))
    file = file_id(str(tmp_path), "sub/a.ipynb")
    made = await upper.create("ann", notebook="sub/a.ipynb", file_id=file)
    for history, path in ((lower, "a.ipynb"), (upper, "sub/a.ipynb")):
        found, _ = await history.resume("ann", Past(None, path, file))
        assert (found.id, found.notebook, found.root) == (made.id, path, history.root)


async def test_a_file_number_that_was_given_to_another_notebook_brings_no_conversation(database, tmp_path):
    history = SqlHistory(database, str(tmp_path))
    (tmp_path / "a.ipynb").touch()
    old = file_id(str(tmp_path), "a.ipynb")
    made = await history.create("ann", notebook="a.ipynb", file_id=old)
    # As `git checkout` leaves it: what was a's file is b's, and a is written anew.
    (tmp_path / "a.ipynb").rename(tmp_path / "b.ipynb")
    (tmp_path / "a.ipynb").touch()
    assert await history.resume("ann", Past(None, "b.ipynb", old)) == (None, [])
    begun = await history.begin(
        Conversation("c_b", "ann", notebook="b.ipynb", file_id=old), said("one"), new=True
    )
    assert begun.id == "c_b"
    found, _ = await history.resume("ann", Past(None, "a.ipynb", file_id(str(tmp_path), "a.ipynb")))
    assert found.id == made.id


async def test_what_was_said_of_a_deleted_notebook_stays_and_no_other_goes_on_with_it(history):
    made = await history.create("ann", notebook="old/a.ipynb", file_id="7:7")
    beside = await history.create("ann", notebook="older/a.ipynb")
    other = await history.create("ben", notebook="old/a.ipynb")
    await history.unbind("ann", "old")
    assert await history.of_notebook("ann", "old/a.ipynb", "7:7") is None
    assert {c.id: c.notebook for c in await history.conversations("ann")} == {
        made.id: None,
        beside.id: "older/a.ipynb",
    }
    assert (await history.of_notebook("ben", "old/a.ipynb")).id == other.id


async def test_a_root_whose_name_is_no_text_is_a_root_too(database):
    history = SqlHistory(database, "/work/\udcff")
    made = await history.create("ann", notebook="a.ipynb")
    assert (await history.of_notebook("ann", "a.ipynb", "7:7")).id == made.id


async def test_a_deleted_conversation_is_out_of_sight_and_can_be_restored(history):
    made = await history.create("ann", notebook="a.ipynb")
    await history.change("ann", made.id, deleted=True)
    assert await history.conversations("ann") == []
    assert await history.of_notebook("ann", "a.ipynb") is None
    assert [c.id for c in await history.conversations("ann", deleted=True)] == [made.id]
    await history.change("ann", made.id, deleted=False)
    assert [c.id for c in await history.conversations("ann")] == [made.id]


async def test_what_is_pinned_comes_first(history):
    old, new = await history.create("ann"), await history.create("ann")
    await history.add("ann", old.id, said("1"))
    await history.add("ann", new.id, said("2"))
    await history.change("ann", old.id, pinned=True)
    assert [c.id for c in await history.conversations("ann")] == [old.id, new.id]


async def test_a_title_given_by_a_person_stays(history):
    made = await history.create("ann", title="Plans")
    await history.add("ann", made.id, said("hello"))
    assert (await history.get("ann", made.id)).title == "Plans"


async def test_an_empty_title_is_made_from_the_first_question_that_is_still_there(history):
    made = await history.create("ann", title="Plans")
    gone, first = said("deleted"), said("why is the total wrong?")
    await history.add("ann", made.id, gone, first, said("Because.", first, "assistant"), said("later"))
    await history.change_message("ann", gone.id, deleted=True)
    assert (await history.change("ann", made.id, title="")).title == "why is the total wrong?"
    empty = await history.create("ann", title="Plans")
    assert (await history.change("ann", empty.id, title="")).title == ""
    await history.add("ann", empty.id, said("a first one"))
    assert (await history.get("ann", empty.id)).title == "a first one"


async def test_what_is_set_of_a_message_leaves_its_context_as_it_was(history):
    made = await history.create("ann")
    asked = said("why?", data={"given": [{"kind": "cell", "text": "1"}], "context": {}})
    plain = said("and?", asked)
    await history.add("ann", made.id, asked, plain)
    for message in (asked, plain):
        await history.change_message("ann", message.id, data={"tag": 1, "given": "mine"})
    kept = [m.data for m in await history.messages("ann", made.id)]
    assert kept == [{"tag": 1, "given": [{"kind": "cell", "text": "1"}]}, {"tag": 1}]


async def test_a_long_question_makes_a_title_of_whole_words(history):
    made = await history.create("ann")
    await history.add("ann", made.id, said("why\n is  the total wrong " + "x" * 30 + " indeed and more"))
    title = (await history.get("ann", made.id)).title
    assert title == "why is the total wrong " + "x" * 30 + "…"


async def test_a_deleted_message_takes_its_place_in_the_count(history):
    made = await history.create("ann")
    one, two = said("1"), said("2")
    await history.add("ann", made.id, one, two)
    await history.change_message("ann", two.id, deleted=True)
    assert [m.content for m in await history.messages("ann", made.id)] == ["1"]
    assert (await history.get("ann", made.id)).message_count == 1


async def test_a_message_goes_with_what_follows_it_and_comes_back_with_that(history):
    made = await history.create("ann")
    one = said("1")
    two, other = said("2", one), said("2, otherwise", one)
    three = said("3", two)
    await history.add("ann", made.id, one, two, three, other)
    await history.change_message("ann", three.id, deleted=True)
    await history.change_message("ann", two.id, deleted=True)
    assert [m.content for m in await history.messages("ann", made.id)] == ["1", "2, otherwise"]
    await history.change_message("ann", two.id, deleted=False)
    assert [m.content for m in await history.messages("ann", made.id)] == ["1", "2", "2, otherwise"]
    await history.change_message("ann", three.id, deleted=False)
    assert [m.content for m in await history.messages("ann", made.id)] == ["1", "2", "3", "2, otherwise"]
    assert (await history.get("ann", made.id)).message_count == 4


async def test_a_reaction_stays_when_the_message_is_saved_again(history):
    made = await history.create("ann")
    message = said("1")
    await history.add("ann", made.id, message)
    await history.change_message("ann", message.id, reaction="thumbs_up")
    await history.add("ann", made.id, message)
    assert (await history.messages("ann", made.id))[0].reaction == "thumbs_up"


async def test_a_text_with_a_nul_is_kept(history):
    made = await history.create("ann")
    await history.add("ann", made.id, said("a\x00b"))
    assert (await history.messages("ann", made.id))[0].content == "a\ufffdb"


async def test_what_a_dead_server_was_writing_is_interrupted_and_what_a_live_one_writes_is_not(
    history, database_url
):
    from tether_jupyter.store.presence import prepare

    made = await history.create("ann")
    dead = SqlHistory(Database(database_url))
    dead.presence.id = dead.presence.id.replace("/", "/9", 1)  # A process that there is not.
    left, going = (
        said("half", role="assistant", status="running"),
        said("", role="assistant", status="running"),
    )
    await dead.add("ann", made.id, left)
    await history.add("ann", made.id, going)
    later = SqlHistory(Database(database_url, prepare))
    states = {m.id: m.status for m in await later.messages("ann", made.id)}
    assert states == {left.id: "interrupted", going.id: "running"}
    await dead.database.close()
    await later.database.close()


async def test_a_server_that_leaves_takes_its_turns_with_it(history):
    made = await history.create("ann")
    await history.add("ann", made.id, said("half", role="assistant", status="running"))
    await history.close()
    assert [m.status for m in await history.messages("ann", made.id)] == ["interrupted"]
