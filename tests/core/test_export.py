"""A conversation as a file."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from urllib.parse import unquote

import mistune
import nbclient
import nbformat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tether_jupyter.core.export import as_markdown, as_notebook, branch, disposition, export
from tether_jupyter.core.export_blocks import Code, blocks
from tether_jupyter.core.export_file import read_file
from tether_jupyter.core.export_markdown import bare, code, line, markdown, quotation
from tether_jupyter.core.given import given_with, remembered
from tether_jupyter.core.history import Conversation, StoredMessage
from tether_jupyter.core.prompt import Section
from tether_jupyter.errors import InvalidRequest, NotFound, TooLarge

WHEN = datetime(2026, 11, 21, 12, tzinfo=UTC)
TALK = Conversation("c_1", "ann", title="Totals", created_at=WHEN, last_message_at=WHEN)


def message(id, role, content, parent=None, **facts):
    return StoredMessage(id, role, content, parent_id=parent, created_at=WHEN, **facts)


ANSWER = """Add them up:

```python
total = sum([1, 2, 3])
```

Then in a shell:

```bash
echo done
```

1. And show it:
   ```py
   if total:
       print(total)
   ```
"""
TREE = [
    message("m_1", "user", "How do I\nadd <b>numbers</b>?"),
    message("m_2", "assistant", "Badly.", "m_1", model="local:a"),
    message("m_3", "assistant", ANSWER, "m_1", model="local:a", usage={"completion_tokens": 7}),
]


def cells(messages):
    return nbformat.reads(as_notebook(TALK, messages), as_version=4).cells


def test_the_newest_branch_is_the_one_that_is_written():
    assert [m.id for m in branch(TREE)] == ["m_1", "m_3"]
    assert [m.id for m in branch(TREE, "m_2")] == ["m_1", "m_2"]
    assert branch([]) == []
    with pytest.raises(NotFound):
        branch(TREE, "m_9")


def test_a_circle_of_parents_comes_to_an_end():
    assert len(branch([message("a", "user", "x", "b"), message("b", "user", "y", "a")])) == 2


def test_a_notebook_has_prose_and_code_in_cells_of_their_own():
    found = [(cell.cell_type, cell.source) for cell in cells(branch(TREE))]
    assert found == [
        ("markdown", "# Totals"),
        ("markdown", "> How do I\n> add &lt;b>numbers&lt;/b>?"),
        ("markdown", "Add them up:"),
        ("code", "total = sum([1, 2, 3])"),
        ("markdown", "Then in a shell:\n\n```bash\necho done\n```\n\n1. And show it:"),
        ("code", "if total:\n    print(total)"),
    ]


def test_a_notebook_is_valid_and_says_nothing_of_trust():
    text = as_notebook(TALK, branch(TREE))
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert "trusted" not in text
    assert all(not cell.get("outputs") for cell in notebook.cells)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert ids == [cell.id for cell in cells(branch(TREE))]


def test_a_notebook_runs():
    notebook = nbformat.reads(as_notebook(TALK, branch(TREE)), as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert outputs[1][0].text == "6\n"


def test_code_that_was_cut_is_not_made_to_run():
    found = cells([message("m", "assistant", "So:\n```python\nimport os\nos.rem", status="interrupted")])
    assert [cell.cell_type for cell in found] == ["markdown"] * 3
    assert found[-1].source == "*This answer was interrupted.*"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("words", ["words"]),
        ("```python\na\n```", [Code("a")]),
        ("```PY\na\n```\n```ipython\n%b\n```", [Code("a"), Code("%b")]),
        ("~~~python\n```\n~~~", [Code("```")]),
        ("````markdown\n```python\na\n```\n````", ["````markdown\n```python\na\n```\n````"]),
        ("```{python}\na\n```", [Code("a")]),
        ("```python title=x\na\n```", [Code("a")]),
        ("```\na\n```", ["```\na\n```"]),
        ("```js\na\n```", ["```js\na\n```"]),
        ("  ```python\n  a\n    b\n  ```", [Code("a\n  b")]),
        ("\t```python\n\ta\n\t```", [Code("a")]),
        ("```python\n```", []),
        ("a\r\n```python\r\nb\r\n```\r\nc", ["a", Code("b"), "c"]),
        ("`python` ```x``` end", ["`python` ```x``` end"]),
    ],
)
def test_where_the_python_is(text, expected):
    assert list(blocks(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx=1\n" * 16_000,
        "\n".join(f"{'`' * n}x" for n in range(600, 3, -1)) + "\n" * 200_000,
        "```" + "a" * 100_000 + "`",
        "~" * 100_000 + "`",
    ],
    ids=["a loop", "each shorter", "no fence", "no tildes"],
)
def test_blocks_that_are_never_closed_are_walked_once(text):
    # Each of them took half a minute and more.
    started = time.process_time()
    assert len(list(blocks(text))) == 1
    assert time.process_time() - started < 5


RENDER = mistune.create_markdown(
    renderer=mistune.HTMLRenderer(escape=False, allow_harmful_protocols=True), plugins=["table", "url"]
)


def rendered(text):
    """Render as trustingly as a renderer can."""
    return str(RENDER(text))


SCRIPTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java&#115;cript:alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](<javascript:alert(1)>)",
    "[a](\n  javascript:alert(1))",
    "[a]( \t javascript:alert(1) 'b')",
    "[a](java\\script:alert(1))",
    "[a](vbscript:x)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](file:///etc/passwd)",
    "[a](command:workbench.action.x)",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "[a][b]\n\n[b]:\n   javascript:alert(1)",
    "[b]\n\n[b]: <javascript:alert(1)>",
    "<javascript:alert(1)>",
    "![x](http://elsewhere.example/pixel.png)",
    "![x][p]\n\n[p]: http://elsewhere.example/pixel.png",
    "- item\n\n      [a](javascript:alert(1))\n\n  [a](javascript:alert(1))",
    "```\n[a](javascript:alert(1))\n   ```x\n[a](javascript:alert(1))",
    "> ```\n[a](javascript:alert(1))",
    "<details open ontoggle=alert(1)>\n\n```python\nx\n```",
]


@pytest.mark.parametrize("text", SCRIPTS)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_nothing_that_was_said_runs_or_loads_when_the_file_is_opened(role, text):
    said = [message("m", role, text)]
    sources = [cell.source for cell in cells(said) if cell.cell_type == "markdown"]
    for found in [as_markdown(TALK, said), *sources]:
        page = rendered(found)
        tags = {tag.lower() for tag in re.findall(r"<([a-zA-Z]+)", page)}
        assert not tags & {"script", "img", "details", "iframe", "svg"}, page
        for target in re.findall(r'href="([^"]*)"', page):
            assert target.startswith(("http:", "https:", "mailto:", "#")), page


SIGNS = [
    *"ab[]()<>:!`~\n \\&#;j\"'|$\t",
    "```",
    "~~~",
    "> ",
    "- ",
    "\n\n",
    "    ",
    "1. ",
    "<b>",
    "```python\n",
]
SIGNS += ["[x](javascript:a)", "[x]: javascript:a\n", "[x]", "<javascript:a>", "](", "]: ", "javascript:"]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), max_size=25).map("".join), st.sampled_from([markdown, quotation]))
@example("]: [x](javascript:a)", markdown)
def test_no_arrangement_of_signs_makes_a_script(text, form):
    page = rendered(form(text))
    assert not re.search(r'(?:href|src)="\s*javascript|<(?:img|b)\b', page, re.IGNORECASE)


def test_a_title_is_text_whatever_it_holds():
    page = rendered(
        as_markdown(replace(TALK, title="<script>x</script> [a](javascript:b)\n# two `c` $x$"), [])
    )
    assert page.count("<h1>") == 1
    assert "<script" not in page
    assert "href" not in page


@pytest.mark.parametrize(
    "link", ["[a](https://jupyter.org)", "[a](mailto:b@c.d)", "[a](#part)", "[a](other.md)"]
)
def test_links_to_pages_stay(link):
    assert markdown(link) == link


def test_code_of_other_languages_keeps_its_brackets():
    text = "```r\nx[i](a:b)\n```"
    assert markdown(text).strip() == text


def test_what_a_terminal_obeys_is_dropped():
    text = "a\x1b[31mred\x1b[0m \x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\x9b2Jd\x00\x08\x7fe\tf\u202eg"
    assert bare(text) == "ared bcde\tf\u202eg"
    assert code(text) == "ared bcde\tfg"


def test_half_a_code_point_does_not_stop_an_export():
    said = [message("m", "assistant", "a\ud800b\n```python\n'\ud800'\n```")]
    for form in ("md", "ipynb", "json"):
        assert export(TALK, said, form).content.decode("utf-8")
    assert code("\ud800") == "\ufffd"


def test_lines_of_a_quotation_are_all_quoted():
    assert quotation("one\n\n```python\ntwo\n```") == "> one\n>\n> ```python\n> two\n> ```"
    assert quotation("  ") == ""
    assert line("a\nb") == "a b"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Totals", "Totals.md"),
        ("a/b\\c:d", "a b c d.md"),
        ("../../etc/passwd", "etc passwd.md"),
        ("", "conversation.md"),
        ("...", "conversation.md"),
        ("CON", "conversation.md"),
        ("nul.tar", "conversation.md"),
        ('x"; filename="evil.exe', "x ; filename= evil.exe.md"),
        ("a\r\nSet-Cookie: b", "a Set-Cookie b.md"),
        ("Größe \u202egnp.exe", "Größe gnp.exe.md"),
        ("数" * 100, "数" * 26 + ".md"),
        ("50% 'off'", "50% 'off'.md"),
    ],
)
def test_the_files_name_is_safe_and_reads_like_the_title(title, name):
    value = disposition(title, "md")
    assert value.isascii()
    assert not set(value) & {"\r", "\n"}
    header = Message()
    header["Content-Disposition"] = value
    assert header.get_content_disposition() == "attachment"
    extended = re.search(r"filename\*=UTF-8''(\S+)$", value)
    plain = re.search(r'filename="([^"]*)"', value)[1]
    assert (unquote(extended[1]) if extended else plain) == name


def exported(messages=TREE, **facts):
    return json.loads(export(replace(TALK, **facts), messages, "json").content)


def test_json_holds_the_whole_tree_and_nobodys_name():
    found = exported(data={"k": 1})
    assert (found["format"], found["version"]) == ("tether-conversation", 1)
    assert [m["id"] for m in found["messages"]] == ["m_1", "m_2", "m_3"]
    assert found["messages"][2]["usage"] == {"completion_tokens": 7}
    assert "ann" not in json.dumps(found)


def test_what_was_exported_is_read_again_with_new_ids():
    parts = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]
    tree = [
        *TREE,
        message("m_4", "user", parts, "m_3", attachments=["u_1"], data={"a": [1]}, reaction=None),
        message("m_5", "assistant", "half", "m_4", status="running", tool_calls=[{"id": "t"}]),
        message(
            "m_6",
            "assistant",
            "",
            "m_4",
            error={"type": "internal", "message": "x", "retryable": True, "hint": None},
        ),
    ]
    conversation, messages = read_file(exported(tree, data={"k": 1}), "ben")
    assert (conversation.owner, conversation.title, conversation.notebook) == ("ben", "Totals", None)
    assert (conversation.message_count, conversation.created_at, conversation.data) == (6, WHEN, {"k": 1})
    assert not {m.id for m in messages} & {m.id for m in tree}
    fresh = {new.id: old.id for new, old in zip(messages, tree, strict=True)}
    for new, old in zip(messages, tree, strict=True):
        assert fresh.get(new.parent_id) == old.parent_id
        same = replace(new, id=old.id, parent_id=old.parent_id, usage=old.usage)
        assert same == (replace(old, status="interrupted") if old.status == "running" else old)
    assert messages[2].usage["completion_tokens"] == 7


def test_what_went_along_with_a_question_is_read_again_however_long_it_is():
    sections = [Section("cell", f"{n}", "x" * 3200, "schema") for n in range(19)]
    sections.append(Section("file", "notes.txt", "x" * 2400))
    seen = {"level": "schema", "items": [{"kind": "cell", "name": "y" * 1000, "tokens": 1}] * 60}
    data = {"tag": 1, **remembered(seen, sections)}
    assert len(str(data)) > 120_000
    _, [read] = read_file(exported([message("m_1", "user", "why?", data=data)]), "ben")
    assert read.data == data
    assert given_with(read.data) == sections


@pytest.mark.parametrize(
    "given",
    ["x", [1], [{"kind": "cell"}], [{"kind": "root", "text": "x"}], [{"kind": "cell", "text": 1}], None],
)
def test_context_that_is_none_is_not_taken_from_a_file(given):
    _, [read] = read_file(exported([message("m_1", "user", "why?", data={"a": 1, "given": given})]), "ben")
    assert read.data == {"a": 1}


def test_a_message_whose_parent_was_deleted_is_a_beginning():
    _, messages = read_file(exported(TREE[1:]), "ann")
    assert [m.parent_id for m in messages] == [None, None]


def test_messages_may_stand_in_any_order():
    _, messages = read_file(exported(TREE[::-1]), "ann")
    seen = {None}
    for each in messages:
        assert each.parent_id in seen
        seen.add(each.id)


def wrong(path, value):
    def change(found):
        *where, last = path
        for step in where:
            found = found[step]
        found[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.clear(), "not a conversation of Tether"),
        (lambda f: f.update(format="other", nbformat=4), "This is a notebook"),
        (wrong(["version"], 2), "newer version of Tether"),
        (wrong(["version"], True), "`version`"),
        (wrong(["version"], "1"), "`version`"),
        (wrong(["extra"], 1), "Unknown field `extra`"),
        (wrong(["messages"], {}), "`messages`"),
        (wrong(["messages", 1], "x"), "`messages.1`"),
        (wrong(["messages", 1, "role"], "root"), "`messages.1.role`"),
        (wrong(["messages", 1, "content"], None), "`messages.1.content"),
        (wrong(["messages", 1, "content"], [{"type": "text", "text": 5}]), "`messages.1.content"),
        (wrong(["messages", 1, "id"], "m_1"), "same `id`"),
        (wrong(["messages", 1, "parent_id"], "m_9"), "`messages.1.parent_id` names no message"),
        (wrong(["messages", 1, "parent_id"], "m_2"), "circle"),
        (wrong(["messages", 0, "parent_id"], "m_2"), "circle"),
        (wrong(["messages", 1, "created_at"], "yesterday"), "`messages.1.created_at`"),
        (wrong(["messages", 1, "created_at"], "0001-01-01T00:00:00+14:00"), "between 1970 and 2200"),
        (wrong(["messages", 1, "completion_ms"], -1), "`messages.1.completion_ms`"),
        (wrong(["messages", 1, "usage"], {"completion_tokens": 2**40}), "completion_tokens"),
        (wrong(["messages", 1, "owner"], "ben"), "Unknown field `messages.1.owner`"),
        (wrong(["messages", 1, "reaction"], "love"), "`messages.1.reaction`"),
        (wrong(["messages", 1, "metadata"], {"x": "y" * 70_000}), "64 KB"),
        (wrong(["messages", 1, "model"], "a\x00b"), "NUL"),
        (wrong(["messages", 1, "attachments"], ["a\x00b"]), "NUL"),
        (wrong(["conversation", "title"], "x" * 301), "`conversation.title`"),
        (wrong(["conversation"], None), "`conversation`"),
    ],
)
def test_a_wrong_file_is_told_where_it_is_wrong(change, said):
    found = exported()
    change(found)
    with pytest.raises(InvalidRequest) as caught:
        read_file(found, "ann")
    assert said in caught.value.message


def test_what_is_nested_too_deeply_or_too_long_is_refused():
    deep = exported()
    inner = deep["messages"][0]["metadata"]
    for _ in range(200):
        inner["x"] = inner = {}
    with pytest.raises(InvalidRequest, match="nested"):
        read_file(deep, "ann")
    long = exported()
    long["messages"] = long["messages"][:1] * 10_001
    with pytest.raises(TooLarge, match="10,001 messages"):
        read_file(long, "ann")
