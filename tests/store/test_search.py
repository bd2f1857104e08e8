"""Searching through what was said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from tether_jupyter.core.history import StoredMessage, new_id
from tether_jupyter.store import search as module
from tether_jupyter.store.database import Database
from tether_jupyter.store.history import SqlHistory
from tether_jupyter.store.projects import Projects
from tether_jupyter.store.search import FTS_TABLES, SEARCH_COLUMNS, SEARCH_INDEXES, Search

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database)


@pytest.fixture
def search(database: Database) -> Search:
    return Search(database)


async def said(history, *texts, owner="ann", title="Untitled", **facts):
    """Hold a conversation: questions and answers in turn, an hour apart."""
    message = {name: facts.pop(name) for name in ("model", "status") if name in facts}
    begun = facts.pop("begun", DAY)
    made = await history.create(owner, title=title, **facts)
    parent, kept = None, []
    for number, words in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        at = begun + timedelta(hours=number)
        one = StoredMessage(new_id("m"), role, words, parent_id=parent, created_at=at)
        if role == "assistant":
            one = replace(one, **message)
        kept.append(one)
        parent = one.id
    await history.add(owner, made.id, *kept)
    return made.id, kept


async def texts(search, q, owner="ann", **filters):
    """Search, and return the snippets as texts with the hits in brackets."""
    page = await search.search(owner, q, **filters)
    return ["".join(f"[{p['text']}]" if p["hit"] else p["text"] for p in hit.snippet) for hit in page.hits]


async def test_a_word_is_found_whatever_its_case_and_accents(history, search):
    await said(history, "Die GRÖSSE der Tabelle", "la taille du café")
    assert await texts(search, "größe") == []  # ß is a letter of its own.
    assert await texts(search, "grosse ") == ["Die [GRÖSSE] der Tabelle"]
    assert await texts(search, "CAFE ") == ["la taille du [café]"]
    assert await texts(search, "cafe\u0301 ") == ["la taille du [café]"]


@pytest.mark.parametrize(
    "q", ["df_total ", "total ", "df ", "DF_Total", "read_csv ", "csv ", "pd.read_csv(", "read_cs"]
)
async def test_names_of_code_are_found_whole_and_by_their_parts(history, search, q):
    await said(history, "why is it wrong?", "df_total = pd.read_csv('x.txt')")
    assert len(await texts(search, q)) == 1


async def test_all_words_must_be_there_and_a_phrase_in_its_order(history, search):
    await said(history, "sort the rows by total", "total rows: sort them")
    assert len(await texts(search, "total sort ")) == 2
    assert await texts(search, '"sort the rows"') == ["[sort the rows] by total"]
    assert await texts(search, '"the sort"') == []
    assert await texts(search, "total missing ") == []


async def test_the_last_word_may_be_half_typed(history, search):
    await said(history, "plot the histogram")
    assert await texts(search, "histo") == ["plot the [histo]gram"]
    assert await texts(search, "histo ") == []
    assert await texts(search, '"histo"') == []


async def test_titles_are_found_before_messages_and_under_their_newest_name(history, search):
    first, _ = await said(history, "about cats", title="Dogs")
    second, _ = await said(history, "nothing", title="Cats and dogs")
    found = await search.search("ann", "cats ")
    assert [(hit.conversation["id"], hit.message is None) for hit in found.hits] == [
        (second, True),
        (first, False),
    ]
    third, _ = await said(history, "nothing", title="Cats anew")
    found = await search.search("ann", "cats ")
    assert [hit.conversation["id"] for hit in found.hits] == [third, second, first]
    await history.change("ann", third, title="")
    await history.change("ann", second, title="Birds")
    found = await search.search("ann", "cats ")
    assert [hit.conversation["id"] for hit in found.hits] == [first]
    assert await texts(search, "birds ") == ["[Birds]"]


async def test_an_answer_is_found_when_it_has_ended_and_not_before(history, search):
    conversation, (_, answer) = await said(history, "go", "half an ans", status="running")
    assert await texts(search, "half ") == []
    growing = replace(answer, content="half an answer, and more")
    await history.add("ann", conversation, growing)
    assert await texts(search, "half ") == []
    await history.add("ann", conversation, replace(growing, content="a whole answer", status="complete"))
    assert await texts(search, "half ") == []
    assert await texts(search, "whole ") == ["a [whole] answer"]


async def test_saving_an_answer_that_is_being_written_touches_no_index(history, database):
    if database.kind != "sqlite":
        pytest.skip("PostgreSQL keeps no queue: that the column is null is seen in the test before")
    conversation, (_, answer) = await said(history, "go", "a", status="running")

    def noted(connection):
        return connection.execute(text("SELECT count(*) FROM search_queue WHERE kind = 'message'")).scalar()

    before = await database.read(noted)
    for number in range(5):
        await history.add("ann", conversation, replace(answer, content="a" * number))
    assert await database.read(noted) == before
    await history.add("ann", conversation, replace(answer, status="complete"))
    assert await database.read(noted) == before + 1


async def test_what_is_deleted_is_found_again_only_when_it_is_restored(history, search):
    conversation, (question, _) = await said(history, "the needle", "hay", title="needles")
    assert len(await texts(search, "needle")) == 2
    await history.change_message("ann", question.id, deleted=True)
    assert await texts(search, "needle") == ["[needle]s"]
    await history.change_message("ann", question.id, deleted=False)
    assert len(await texts(search, "needle")) == 2
    await history.change("ann", conversation, deleted=True)
    assert await texts(search, "needle") == []
    await history.change("ann", conversation, deleted=False)
    assert len(await texts(search, "needle")) == 2


async def test_changes_between_two_searches_leave_one_entry(history, search, database):
    conversation, (question,) = await said(history, "alpha")
    assert len(await texts(search, "alpha ")) == 1
    for words in ("beta", "gamma", "alpha", "delta"):
        await history.add("ann", conversation, replace(question, content=words))
        await history.change_message("ann", question.id, deleted=True)
        await history.change_message("ann", question.id, deleted=False)
    assert [await texts(search, f"{word} ") for word in ("alpha", "beta", "gamma")] == [[], [], []]
    assert await texts(search, "delta ") == ["[delta]"]
    await database.write(lambda c: c.execute(text("DELETE FROM messages")))
    assert await texts(search, "delta ") == []


async def test_what_is_many_is_indexed_in_parts(history, search, monkeypatch):
    monkeypatch.setattr("tether_jupyter.store.search_sqlite.AT_ONCE", 2)
    for number in range(5):
        await said(history, f"word {number}", title=f"word {number}")
    assert len(await texts(search, "word ", limit=100)) == 10


async def test_the_index_of_sqlite_holds_what_the_messages_hold(history, search, database):
    if database.kind != "sqlite":
        pytest.skip("PostgreSQL keeps its own")
    conversation, (question, answer) = await said(history, "one two", "three", title="first")
    await texts(search, "one")
    await history.add("ann", conversation, replace(question, content="four"))
    await history.change_message("ann", answer.id, deleted=True)
    await history.change("ann", conversation, title="second")
    await texts(search, "one")

    def check(connection):
        for index in ("messages_fts", "titles_fts"):
            connection.execute(text(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)"))  # noqa: S608

    await database.write(check)


async def test_filters_narrow_it(history, search, database):
    project = await Projects(database).create("ann", name="P")
    inside, _ = await said(history, "x word", "y word", project_id=project.id, model="local:a", begun=DAY)
    later, _ = await said(history, "z word", notebook="n.ipynb", begun=DAY + timedelta(days=2), title="word")

    async def found(**filters):
        page = await search.search("ann", "word ", **filters)
        return [(hit.conversation["id"], hit.message and hit.message["role"]) for hit in page.hits]

    both = {(later, None), (later, "user"), (inside, "user"), (inside, "assistant")}
    assert set(await found()) == both
    assert set(await found(project_id=project.id)) == {(inside, "user"), (inside, "assistant")}
    assert set(await found(notebook="n.ipynb")) == {(later, None), (later, "user")}
    assert await found(model="local:a") == [(inside, "assistant")]
    assert set(await found(after=DAY + timedelta(days=1))) == {(later, None), (later, "user")}
    assert await found(before=DAY + timedelta(hours=1)) == [(inside, "user")]
    assert await found(after=DAY + timedelta(hours=1), before=DAY + timedelta(days=1), model="local:a") == [
        (inside, "assistant")
    ]
    assert await found(project_id=project.id, notebook="n.ipynb") == []
    assert await found(project_id="p\x00") == []


async def test_filters_find_the_same_by_list_and_by_row(history, search, monkeypatch):
    for number in range(12):
        await said(
            history, "word", "word", notebook=f"{number % 3}.ipynb", begun=DAY + timedelta(days=number)
        )
    filters = [{}, {"notebook": "1.ipynb"}, {"after": DAY + timedelta(days=5)}]
    filters.append({"notebook": "2.ipynb", "before": DAY + timedelta(days=7)})

    async def found():
        pages = [await search.search("ann", "word ", limit=100, **each) for each in filters]
        return [[hit.message["id"] for hit in page.hits] for page in pages]

    narrow = await found()
    for name in ("NARROW", "COMMON"):
        monkeypatch.setattr(f"tether_jupyter.store.search_sqlite.{name}", 0)
    wide = await found()
    assert [len(each) for each in narrow] == [24, 8, 14, 4]
    assert narrow == wide


async def test_nobody_finds_what_another_has_said(history, search):
    await said(history, "a secret word", title="secret", notebook="n.ipynb")
    await said(history, "hello", owner="ben")
    assert await texts(search, "secret", owner="ben") == []
    assert await texts(search, "secret", owner="ben", notebook="n.ipynb") == []
    assert await texts(search, "", owner="ben") == []
    assert len(await texts(search, "secret")) == 2


async def test_the_one_that_says_it_most_is_first_and_the_newest_among_equals(history, search):
    await said(history, "rose " + "and a long list of other flowers " * 20, begun=DAY + timedelta(days=9))
    for number in range(30):
        await said(history, f"tulip {number} in the garden", begun=DAY + timedelta(days=10))
    _, (old,) = await said(history, "rose rose rose", begun=DAY)
    found = await search.search("ann", "rose ")
    assert found.hits[0].message["id"] == old.id
    assert (await texts(search, "tulip "))[0] == "[tulip] 29 in the garden"


async def test_pages_follow_one_another_without_gap_or_repeat(history, search):
    for number in range(7):
        await said(history, f"word {number}", title=f"word {number}" if number < 3 else "other")
    whole = await search.search("ann", "word ", limit=100)
    offset, pages = 0, []
    while offset is not None:
        page = await search.search("ann", "word ", limit=3, offset=offset)
        pages += page.hits
        offset = page.next
    assert pages == whole.hits
    assert len(pages) == 10


async def test_of_a_common_word_the_newest_are_shown(history, search, monkeypatch):
    for form in ("sqlite", "postgresql"):
        monkeypatch.setattr(f"tether_jupyter.store.search_{form}.CANDIDATES", 4)
    for number in range(9):
        await said(history, f"word {number}", begun=DAY + timedelta(days=number))
    found = await texts(search, "word ")
    assert found == [f"[word] {number}" for number in (8, 7, 6, 5)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(max_size=60), st.text(alphabet="\"'*()-+:^&|!<>{}[]\\ANDORNOTEAR \x00ab_", max_size=60))
)
def test_nothing_that_is_typed_is_an_error(database, q):
    import asyncio

    asyncio.run(Search(database).search("ann", q))


@pytest.mark.parametrize(
    "q",
    [
        '"',
        "*",
        "a OR",
        "NEAR(",
        "text:",
        "a AND",
        "-",
        "^a",
        "a:*",
        "''",
        "%",
        "\\",
        "\x00",
        "x" * 100_000,
        "\U0001f600",
    ],
)
async def test_signs_are_no_syntax(history, search, q):
    await said(history, "something else")
    assert await texts(search, q) == []


async def test_a_word_of_sixty_thousand_letters_and_a_long_message_are_kept(history, search):
    await said(history, "x" * 60_000 + " needle", "filler words 가각간 " * 100_000 + " end")
    assert len(await texts(search, "needle ")) == 1
    assert len(await texts(search, "filler ")) == 1


async def test_a_disk_that_takes_nothing_more_is_still_searched(history, search, database, monkeypatch):
    from tether_jupyter.store.failures import StoreFailed

    await said(history, "indexed word")
    assert len(await texts(search, "word ")) == 1
    await said(history, "another word")

    async def full(_):
        raise StoreFailed(cause="full")

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", full)
        expected = 1 if database.kind == "sqlite" else 2
        assert len(await texts(search, "word ")) == expected
    assert len(await texts(search, "word ")) == 2


async def test_what_is_made_for_the_search_alone_is_what_the_constants_say(database, search):
    from tether_jupyter.store.tables import metadata

    def there(connection):
        found = inspect(connection)
        tables = {*found.get_table_names(), *found.get_view_names()} - {"alembic_version"}
        names = set(metadata.tables)
        columns = {(t, c["name"]) for t in names for c in found.get_columns(t)}
        indexes = {i["name"] for t in names for i in found.get_indexes(t)}
        return (
            tables - names,
            columns - {(t.name, c.name) for t in metadata.tables.values() for c in t.columns},
            indexes - {i.name for t in metadata.tables.values() for i in t.indexes},
        )

    tables, columns, indexes = await database.read(there)
    if database.kind == "sqlite":
        assert (tables, columns) == (FTS_TABLES, set())
    else:
        duplicates = {"uq_messages_owner_id"}
        assert (tables, columns, indexes - duplicates) == (set(), SEARCH_COLUMNS, SEARCH_INDEXES)


def test_the_candidates_are_more_than_a_page():
    assert module.CANDIDATES > module.MOST


class TestWithoutSpaces:
    """Scripts whose words stand in one run: the text itself is looked for."""

    @pytest.mark.parametrize(
        ("q", "words", "shown"),
        [
            ("结合", "请把两个表结合起来。", "请把两个表[结合]起来。"),
            ("データ ", "pandasのデータフレームを読む", "pandasの[データ]フレームを読む"),
            ("กินข้าว ", "ฉันกินข้าวแล้ว", "ฉัน[กินข้าว]แล้ว"),
            ('"東京 タワー"', "昨日の東京 タワーです", "昨日の[東京 タワー]です"),
            ("（結合）", "表を結合する", "表を[結合]する"),
            ("Pandasの", "次はpandasの話", "次は[pandasの]話"),
        ],
    )
    async def test_a_word_is_found_within_a_run(self, history, search, q, words, shown):
        await said(history, words, title="別の話")
        await said(history, words, owner="ben")
        assert await texts(search, q) == [shown]

    async def test_a_title_is_found_too(self, history, search):
        await said(history, "x", title="売上の集計方法")
        assert await texts(search, "集計") == ["売上の[集計]方法"]
        assert await texts(search, "集計 x ") == []

    async def test_it_goes_together_with_other_words(self, history, search):
        await said(history, "merge で結合する", "sort で並べる", "merge する")
        assert await texts(search, "結合 merge ") == ["[merge] で[結合]する"]
        assert await texts(search, '"merge で" 結合') == ["[merge で結合]する"]
        assert await texts(search, "結合 並べる") == []
        assert await texts(search, "並べ sor") == ["[sor]t で[並べ]る"]

    async def test_signs_in_it_are_no_pattern_and_marks_make_another_letter(self, history, search):
        await said(history, "結a合", "100%結合", "ガラス窓")
        assert await texts(search, "結_合") == []
        assert await texts(search, "0%結合") == ["10[0%結合]"]
        assert await texts(search, "カラス") == []

    async def test_filters_and_what_is_deleted_or_written_hold_for_it(self, history, search):
        conversation, (question, _) = await said(history, "表の結合", "結合する", notebook="n.ipynb")
        await said(history, "x", "結合中", status="running")
        assert len(await texts(search, "結合")) == 2
        assert await texts(search, "結合", notebook="other.ipynb") == []
        assert await texts(search, "結合", before=DAY) == []
        await history.change_message("ann", question.id, deleted=True)
        assert await texts(search, "結合") == []
        await history.change_message("ann", question.id, deleted=False)
        await history.change("ann", conversation, deleted=True)
        assert await texts(search, "結合") == []

    async def test_the_newest_are_looked_at_and_stand_first(self, history, search, monkeypatch):
        for form in ("sqlite", "postgresql"):
            monkeypatch.setattr(f"tether_jupyter.store.search_{form}.LOOKED", 3)
        for number in range(5):
            await said(history, f"word 結合{number}", begun=DAY + timedelta(days=number))
        assert await texts(search, "結合") == [f"word [結合]{number}" for number in (4, 3, 2)]
        assert len(await texts(search, "結合 word ")) == 3

    @pytest.mark.parametrize(
        ("q", "shown"),
        [
            ("pandas ", "使用[pandas]的merge函数合并两个DataFrame"),
            ("MERGE ", "使用pandas的[merge]函数合并两个DataFrame"),
            ("dataf", "使用pandas的merge函数合并两个[DataF]rame"),
            ("dataframe pandas ", "使用[pandas]的merge函数合并两个[DataFrame]"),
            ("合并两个 merge ", "使用pandas的[merge]函数[合并两个]DataFrame"),
        ],
    )
    async def test_a_word_of_another_script_is_found_within_a_run(self, history, search, q, shown):
        words = "使用pandas的merge函数合并两个DataFrame"
        await said(history, words, "the emerged 合并两个 pandasql", "xmerge函数", title="其他")
        await said(history, words, owner="ben")
        assert await texts(search, q) == [shown]

    async def test_it_goes_together_with_a_word_that_the_index_has(self, history, search):
        await said(history, "sort、使用pandas", "sort_values", "使用pandas", "Le résumé: 使用Café的")
        assert await texts(search, "sort pandas ") == ["[sort]、使用[pandas]"]
        assert await texts(search, '"résumé" café ') == ["Le [résumé]: 使用[Café]的"]

    @pytest.mark.parametrize("words", ["it emerged", "它emerged了", "merged之后", "2merge之后"])
    async def test_a_part_of_a_word_is_not_one_within_a_run_either(self, history, search, words):
        await said(history, words, title=words)
        assert await texts(search, "merge ") == []

    async def test_what_the_index_has_stands_before_it_and_no_message_twice(self, history, search):
        await said(history, "merge 1 和 merge函数", begun=DAY)
        for number in (2, 3, 4):
            await said(history, f"用merge函数{number}", begun=DAY + timedelta(days=number))
        await said(history, "其他", title="用merge合并")
        runs = ["用[merge]合并", *(f"用[merge]函数{number}" for number in (4, 3, 2))]
        whole = ["[merge] 1 和 [merge]函数", *runs]
        assert await texts(search, "merge ") == whole
        pages = [await texts(search, "merge ", limit=2, offset=start) for start in range(0, 6, 2)]
        assert [each for page in pages for each in page] == whole

    async def test_a_full_page_of_the_index_is_all_that_is_asked_for(self, history, search, monkeypatch):
        await said(history, "merge 1", "merge 2", "用merge函数")
        for form in ("sqlite", "postgresql"):
            monkeypatch.delattr(f"tether_jupyter.store.search_{form}.likely_messages")
        page = await search.search("ann", "merge ", limit=1)
        assert (len(page.hits), page.next) == (1, 1)

    async def test_that_there_is_no_such_text_is_remembered_until_something_is_written(self, history, search):
        conversation, _ = await said(history, "用merge函数", notebook="n.ipynb")
        await history.change("ann", conversation, deleted=True)
        await said(history, "it emerged — twice")
        for _ in range(10):
            assert await texts(search, "merge ") == []
        await history.change("ann", conversation, deleted=False)
        assert await texts(search, "merge ") == ["用[merge]函数"]
        assert await texts(search, "merge ", notebook="other.ipynb") == []
        assert await texts(search, "merge ", notebook="n.ipynb") == ["用[merge]函数"]

    async def test_filters_and_what_is_deleted_or_written_hold_in_a_run(self, history, search, monkeypatch):
        _, (_, answer) = await said(history, "用merge函数", "用merge", notebook="n.ipynb")
        await said(history, "x", "用merge", status="running")
        assert len(await texts(search, "merge ")) == 2
        assert await texts(search, "merge ", notebook="other.ipynb") == []
        assert await texts(search, "merge ", before=DAY) == []
        await history.change_message("ann", answer.id, deleted=True)
        assert await texts(search, "merge ") == ["用[merge]函数"]
        for form in ("sqlite", "postgresql"):
            monkeypatch.setattr(f"tether_jupyter.store.search_{form}.LOOKED", 0)
        assert await texts(search, "merge ") == []
