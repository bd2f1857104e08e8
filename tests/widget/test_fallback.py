"""The conversation for viewers that know no widgets."""

from tether_jupyter.widget import fallback, rows

TALK = [
    rows.question("q", "why is `total` <b>wrong</b>?\nand *how* wrong?"),
    rows.answer(
        "a", text="It **is** text: ![x](http://198.51.100.7/x.png) <img src=x>", state="done", line="tiny · 2"
    ),
]


def test_the_conversation_reads_well_as_markdown_and_loads_nothing():
    text = fallback.markdown(TALK)
    assert text.startswith(
        "> **You:** why is \\`total\\` \\<b\\>wrong\\</b\\>?\n> and \\*how\\* wrong?\n\nIt **is** text"
    )
    assert "![" not in text
    assert "<img" not in text
    assert text.endswith("*tiny · 2*")


def test_the_conversation_reads_well_as_plain_text_without_control_characters():
    text = fallback.plain([rows.question("q", "a\x1b[31mb"), *TALK[1:]])
    assert text.startswith("You: a[31mb\n\nIt **is** text")


def test_a_failure_and_an_answer_without_an_end_say_so():
    failed = rows.answer("a", state="failed", line="tiny") | {"problem": {"message": "No model."}}
    assert fallback.plain([failed]) == "tiny · No model."
    assert fallback.plain([rows.answer("a", text="half")]) == "half\nnot complete"


def test_nothing_said_yet_says_what_this_is():
    assert "chat" in fallback.markdown([])


def test_a_long_conversation_loses_its_beginning():
    long = [rows.answer(str(n), text=f"{n} " + "x" * 9_000, state="done") for n in range(20)]
    text = fallback.markdown(long)
    assert len(text) <= fallback.MAX_CHARACTERS + len(fallback.OLDER) + 2
    assert text.startswith(fallback.OLDER)
    assert "\n\n19 xxx" in text
