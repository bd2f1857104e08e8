"""Rows that fail: asked again where that may help, told in their own column, and never a lost run."""

from __future__ import annotations

import json
import threading
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel, field_validator

from tests.support.fake_rows import TOKEN, FakeRows, refusal
from tether_jupyter.errors import (
    EngineCrashed,
    Forbidden,
    InvalidRequest,
    ModelNotReady,
    NotFound,
    TetherError,
    UpstreamError,
)
from tether_jupyter.llm.chunks import Chunks
from tether_jupyter.llm.refusals import KeyRefused


def frame(count: int = 6) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"row {n};" for n in range(count)]})


@pytest.mark.parametrize(
    "step",
    [
        "drop",
        refusal("upstream_error", 502),
        refusal("engine_crashed", 503),
        refusal("upstream_timeout", 504),
        refusal("rate_limited", 429, 0.001),
        refusal("rate_limited", 429),
        {"text": "cut", "finish_reason": "cancelled"},
    ],
)
def test_what_may_pass_is_asked_again(fake: FakeRows, step: Any) -> None:
    fake.scripts = {"row 2;": [step, step]}
    found = frame().tether.map("Say {text}")
    assert found["answer"].tolist()[2] == "SAY ROW 2;"
    assert found["answer_error"].isna().all()
    assert len(fake.requests) == 8


@pytest.mark.parametrize(
    ("kind", "status"),
    [("invalid_request", 400), ("too_large", 413), ("context_overflow", 422), ("internal", 500)],
)
def test_what_will_not_pass_is_asked_once_and_told(fake: FakeRows, kind: str, status: int) -> None:
    fake.scripts = {"row 2;": [refusal(kind, status, message="That cannot be.")]}
    found = frame().tether.map("Say {text}")
    assert found["answer_error"].fillna("-").tolist() == ["-", "-", "That cannot be.", "-", "-", "-"]
    assert found["answer"].isna().tolist() == [False, False, True, False, False, False]
    assert len(fake.requests) == 6


def test_a_row_is_given_up_after_its_retries_and_asked_anew_in_the_next_run(fake: FakeRows) -> None:
    fake.scripts = {"row 2;": [refusal("engine_crashed", 502, message="It fell.")] * 3}
    found = frame().tether.map("Say {text}", retries=2)
    assert found["answer_error"].tolist()[2] == "It fell."
    assert len(fake.requests) == 8
    again = frame().tether.map("Say {text}")
    assert again["answer_error"].isna().all()
    assert fake.prompts[8:] == ["Say row 2;"]


def test_too_many_at_once_makes_the_run_slower_and_loses_nothing(fake: FakeRows) -> None:
    fake.most, fake.held = 2, ["row"]
    thread = threading.Thread(target=lambda: (fake.wait_for(lambda fake: fake.refused > 5), fake.release()))
    thread.start()
    found = frame(60).tether.map("Say {text}", concurrency=32)
    thread.join()
    assert found["answer_error"].isna().all()
    assert len(set(fake.prompts)) == 60


def test_an_answer_that_is_no_json_is_repaired_once(fake: FakeRows) -> None:
    fake.answer = lambda request: '{"label": "a"}'
    fake.scripts = {"row 2;": ["I think it is a."]}
    found = frame().tether.map("Judge: {text}", schema="label one of a|b")
    assert found["label"].tolist() == ["a"] * 6
    (repair,) = [request for request in fake.requests if request.get("messages")]
    assert repair["messages"][1] == {"role": "assistant", "content": "I think it is a."}
    assert "row 2;" in repair["messages"][0]["content"]
    assert "no JSON object" in repair["message"]
    assert repair["response_format"] == fake.requests[0]["response_format"]
    fake.requests.clear()
    frame().tether.map("Judge: {text}", schema="label one of a|b")
    assert fake.requests == []


def test_an_answer_that_stays_invalid_shows_both_attempts(fake: FakeRows) -> None:
    fake.answer = lambda request: '{"label": "a"}'
    fake.scripts = {"row 2;": ["first try"], "That answer cannot be used": ['{"label": "c"}']}
    found = frame().tether.map("Judge: {text}", schema="label one of a|b")
    error = found["label_error"].iloc[2]
    assert "first try" in error
    assert '{"label": "c"}' in error
    assert found["label"].isna().sum() == 1
    assert len(fake.requests) == 7


def test_an_answer_that_was_cut_off_is_told_and_not_kept(fake: FakeRows) -> None:
    fake.scripts = {"row 2;": [{"text": "half of", "finish_reason": "length"}]}
    found = frame().tether.map("Say {text}", max_tokens=3)
    assert found["answer"].tolist()[2] == "half of"
    assert "Raise `max_tokens`" in found["answer_error"].iloc[2]
    frame().tether.map("Say {text}", max_tokens=3)
    assert fake.prompts[6:] == ["Say row 2;"]


def test_a_run_in_which_all_fails_alike_ends_early(fake: FakeRows) -> None:
    fake.scripts = {
        "row": [refusal("invalid_request", 400, message="The model takes no temperature.")] * 1000
    }
    with pytest.raises(InvalidRequest, match="takes no temperature"):
        frame(500).tether.map("Say {text}", concurrency=4)
    assert len(fake.requests) < 50


def test_rows_that_are_too_long_do_not_end_a_run(fake: FakeRows) -> None:
    fake.scripts = {f"row {n};": [refusal("context_overflow", 422, message="Too long.")] for n in range(9)}
    found = frame(10).tether.map("Say {text}", concurrency=1)
    assert found["answer_error"].tolist()[:9] == ["Too long."] * 9
    assert found["answer"].iloc[9] == "SAY ROW 9;"


def test_answers_that_are_cut_do_not_end_a_run_though_all_of_the_first_ones_are(fake: FakeRows) -> None:
    fake.scripts = {f"row {n};": [{"text": "half of", "finish_reason": "length"}] for n in range(9)}
    found = frame(10).tether.map("Say {text}", concurrency=1, max_tokens=3)
    assert found["answer_error"].str.contains("Raise `max_tokens`", regex=False).tolist()[:9] == [True] * 9
    assert found["answer"].iloc[9] == "SAY ROW 9;"


AZURE = (
    "api.example.org did not accept the request. It says: The response was filtered due to the prompt "
    "triggering Azure OpenAI's content management policy."
)


@pytest.mark.parametrize("way", ["in the answer", "before it"])
def test_rows_that_a_content_filter_refuses_do_not_end_a_run(fake: FakeRows, way: str) -> None:
    step = refusal("invalid_request", 400, message=AZURE)
    if way == "in the answer":
        step = {"status": 502, "error": filtered().payload()}
    fake.scripts = {f"row {n};": [step] for n in range(9)}
    found = frame(10).tether.map("Say {text}", concurrency=1)
    assert found["answer_error"].tolist()[:9] == [step["error"]["message"]] * 9
    assert found["answer"].iloc[9] == "SAY ROW 9;"
    assert len(fake.requests) == 10, "the same question would meet the same filter"


def filtered() -> TetherError:
    """Return what the server makes of an answer that an API's filter has kept back."""
    chunks = Chunks("api.example.org")
    chunks.feed(b'data: {"choices": [{"delta": {}, "finish_reason": "content_filter"}]}\n\ndata: [DONE]\n\n')
    assert chunks.failure is not None
    return chunks.failure


def test_a_key_that_is_refused_ends_a_run_early(fake: FakeRows) -> None:
    refused = KeyRefused("api.example.org refused the key. Check OPENAI_API_KEY.")
    fake.scripts = {"row": [{"status": 502, "error": refused.payload()}] * 1000}
    with pytest.raises(UpstreamError, match="refused the key"):
        frame(200).tether.map("Say {text}", concurrency=4)
    assert len(fake.requests) < 50


@pytest.mark.parametrize(
    ("step", "kind"),
    [(refusal("not_found", 404, message="No such model."), NotFound), (refusal("forbidden", 403), Forbidden)],
)
def test_what_is_about_the_server_ends_the_run_and_keeps_what_is_done(
    fake: FakeRows, step: dict[str, Any], kind: type[TetherError]
) -> None:
    fake.scripts = {"row 4;": [step]}
    with pytest.raises(kind, match=r"[45] of 6 rows are done\. Run this again to go on from there") as raised:
        frame().tether.map("Say {text}", concurrency=1)
    assert "Traceback" not in "\n".join(vars(raised.value)["_render_traceback_"]())
    before = len(fake.requests)
    found = frame().tether.map("Say {text}")
    assert found["answer_error"].isna().all()
    assert "Say row 4;" in fake.prompts[before:]
    assert len(fake.prompts[before:]) <= 2


def test_a_server_that_is_not_there_is_said_before_anything_else() -> None:
    with pytest.raises(ModelNotReady, match="does not answer"):
        frame().tether.map("Say {text}", url="http://127.0.0.1:9/", token=TOKEN)


def test_a_wrong_token_is_said_and_not_shown(fake: FakeRows) -> None:
    with pytest.raises(Forbidden) as raised:
        frame().tether.map("Say {text}", url=fake.url, token="wrong-0815")
    assert "wrong-0815" not in f"{raised.value} {raised.value.hint}"


def test_a_model_that_stays_unready_ends_the_run(fake: FakeRows) -> None:
    fake.scripts = {"row": [refusal("model_not_ready", 503, message="No model is there.")] * 1000}
    with pytest.raises(ModelNotReady, match="No model is there"):
        frame(200).tether.map("Say {text}", retries=1, concurrency=4)
    assert len(fake.requests) < 50


def test_an_engine_that_falls_again_and_again_is_told_in_its_rows(fake: FakeRows) -> None:
    fake.scripts = {f"row {n};": [refusal("engine_crashed", 503, message="It fell.")] * 2 for n in (1, 2)}
    found = frame().tether.map("Say {text}", retries=1, concurrency=1)
    assert found["answer_error"].fillna("-").tolist() == ["-", "It fell.", "It fell.", "-", "-", "-"]
    assert EngineCrashed.retryable


def test_a_service_that_wants_a_very_long_pause_ends_the_run(fake: FakeRows) -> None:
    fake.scripts = {"row 3;": [refusal("rate_limited", 429, 86_400, message="Come back tomorrow.")]}
    with pytest.raises(TetherError, match=r"Come back tomorrow\..*rows are done"):
        frame().tether.map("Say {text}", concurrency=1)


def test_json_around_words_needs_no_repair(fake: FakeRows) -> None:
    fake.answer = lambda request: "Sure:\n```json\n" + json.dumps({"label": "b"}) + "\n```"
    assert frame().tether.map("Judge: {text}", schema="label one of a|b")["label"].tolist() == ["b"] * 6
    assert len(fake.requests) == 6


class Looked(BaseModel):
    label: str

    @field_validator("label")
    @classmethod
    def known(cls, value: str) -> str:
        return {"a": "first"}[value]


def test_a_validator_that_fails_costs_its_row_alone_after_one_repair(fake: FakeRows) -> None:
    fake.answer = lambda request: '{"label": "a"}'
    fake.scripts = {"row 2;": ['{"label": "b"}'], "That answer cannot be used": ['{"label": "c"}']}
    found = frame().tether.map("Judge: {text}", schema=Looked)
    assert found["label"].fillna("-").tolist() == ["first", "first", "-", "first", "first", "first"]
    assert "KeyError: 'c'" in found["label_error"].iloc[2]
    assert [prompt for prompt in fake.prompts if "KeyError: 'b'" in prompt]


def test_an_answer_that_nothing_can_be_made_of_costs_its_row_alone(fake: FakeRows) -> None:
    fake.scripts = {"row 2;": [{"text": 5}]}
    found = frame().tether.map("Say {text}")
    assert found["answer"].isna().tolist() == [False, False, True, False, False, False]
    assert "AttributeError" in found["answer_error"].iloc[2]


def test_halves_of_characters_end_no_run_wherever_they_stand(fake: FakeRows) -> None:
    fake.answer = lambda request: json.dumps({"label": request["system"]})
    rows = pd.DataFrame({"text": ["row 0;", "row 1 \ud83d;"]}, dtype=object)
    schema = {"properties": {"label": {"type": "string", "description": "caf\udce9"}}}
    found = rows.tether.map("Say {text}", system="to \ud83d", schema=schema)
    assert found["label"].tolist() == ["to \ufffd"] * 2
    assert all("caf\ufffd" in prompt for prompt in fake.prompts)
