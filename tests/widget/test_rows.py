"""What a notebook is given to save, and how a line of figures reads."""

from tether_jupyter.widget import rows, words


def test_what_is_saved_has_a_bound_and_keeps_the_newest():
    many = [rows.answer(f"m{n}", text="x" * 10_000) for n in range(100)]
    kept = rows.bounded(many)
    assert sum(len(row["text"]) for row in kept) <= rows.MAX_TOTAL
    assert kept[-1]["id"] == "m99"
    assert len(rows.bounded([rows.answer(str(n)) for n in range(100)])) == rows.MAX_ROWS


def test_one_endless_answer_is_cut_and_says_so():
    (kept,) = rows.bounded([rows.answer("m", text="x" * 1_000_000)])
    assert len(kept["text"]) == rows.MAX_TEXT
    assert kept["text"].endswith("to keep the notebook small)")


def test_the_newest_branch_is_found_and_a_circle_has_an_end():
    stored = [
        {"id": "a", "parent_id": None},
        {"id": "b", "parent_id": "a"},
        {"id": "c", "parent_id": "a"},
    ]
    assert [message["id"] for message in rows.newest_branch(stored)] == ["a", "c"]
    circle = [{"id": "a", "parent_id": "b"}, {"id": "b", "parent_id": "a"}]
    assert [message["id"] for message in rows.newest_branch(circle)] == ["a", "b"]
    assert rows.newest_branch([]) == []


def test_an_image_in_a_question_is_named():
    parts = [{"type": "text", "text": "look:"}, {"type": "image_url", "image_url": {"url": "data:…"}}]
    assert rows.text_of(parts) == "look:\n[image]"


def test_money_is_told_as_far_as_it_matters():
    assert [words.money(cost) for cost in (None, 0, 0.00001, 0.0012, 0.5, 12.345)] == [
        None,
        None,
        "under $0.0001",
        "$0.0012",
        "$0.5",
        "$12.35",
    ]


def test_a_model_that_runs_beside_a_server_elsewhere_runs_there():
    health = {"backend": "local", "place": "this machine"}
    assert words.place_of(health, "local:tiny", host=None) == "this machine"
    assert words.place_of(health, "local:tiny", host="hub.example") == "hub.example"
    assert words.place_of(health, "openai:big", host=None) == "openai"


def test_a_line_says_nothing_that_is_not_known():
    assert words.quiet_line("", None, None, "cancelled") == "stopped by you"
    assert words.quiet_line("mock", "this machine", {"completion_tokens": 1}, "stop") == (
        "mock · this machine · 1 token"
    )


def test_a_backend_that_is_named_by_its_class_keeps_its_colon():
    health = {"backend": "mine:Service", "place": "api.example"}
    assert words.name_of(health, "mine:Service:big") == "big"
    assert words.place_of(health, "mine:Service:big", host=None) == "api.example"
    assert words.name_of(health, "local:tiny") == "tiny"
    assert words.name_of({"backend": "local", "demo": True}, "local:x") == "demo model"
