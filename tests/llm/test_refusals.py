"""What an API's refusal becomes, and which fields it is asked without."""

import json

import pytest

from tether_jupyter.llm.refusals import leave_out, not_taken, refusal

MISTRAL = {
    "object": "error",
    "message": {
        "detail": [
            {
                "type": "extra_forbidden",
                "loc": ["body", "seed"],
                "msg": "Extra inputs are not permitted",
                "input": 1,
            }
        ]
    },
    "type": "invalid_request_error",
    "param": None,
    "code": None,
}
REQUEST = {"model": "m", "max_tokens": 5, "seed": 1, "stop": ["x"], "temperature": 0.5}


@pytest.mark.parametrize(
    ("status", "body", "name"),
    [
        (400, "Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens"),
        (422, '{"detail": [{"loc": ["response_format"], "msg": "Unsupported", "input": {"seed": 1}}]}', None),
        (400, '{"error": {"message": "Unsupported parameter", "param": "seed"}}', "seed"),
        (422, '{"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}', "seed"),
        (400, 'Unknown field "stop"', "stop"),
        (400, "please stop sending an unknown seed of doubt", None),
        (400, "`temperature` must be at most 1", None),
        (500, 'Unknown field "seed"', None),
        (400, "Unsupported parameter: 'logprobs'", None),
        (422, json.dumps(MISTRAL), "seed"),
        (422, json.dumps({"message": MISTRAL["message"]["detail"], "type": "invalid"}), "seed"),
        (400, '[{"error": {"message": "Unknown name \\"stop\\": Cannot find field."}}]', "stop"),
        (422, '{"message": {"detail": [{"loc": 5, "msg": "Extra inputs: seed"}, "seed"]}}', None),
    ],
)
def test_only_a_field_that_is_refused_by_name_is_left_out(status, body, name):
    assert not_taken(status, body, REQUEST) == name


def test_the_limit_goes_on_under_its_other_name():
    request = dict(REQUEST)
    leave_out(request, "max_tokens")
    assert request["max_completion_tokens"] == 5
    assert "max_tokens" not in request


def test_every_field_can_be_left_out_once_so_that_asking_again_ends():
    request = dict(REQUEST)
    body = "Unsupported: 'max_tokens', 'max_completion_tokens', 'seed', 'stop', 'temperature'"
    asked = 0
    while name := not_taken(400, body, request):
        leave_out(request, name)
        asked += 1
    assert asked == 5
    assert request == {"model": "m"}


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (401, "upstream_error"),
        (404, "not_found"),
        (429, "rate_limited"),
        (504, "upstream_timeout"),
        (0, "upstream_error"),
    ],
)
def test_each_status_has_its_type_and_quotes_no_secret(status, type_):
    body = json.dumps({"error": {"message": "bad key sk-abcdefgh12345 or swordfish"}})
    error = refusal(status, body, "api.example", "m", ["swordfish"])
    assert error.type == type_
    assert "sk-abcdefgh" not in error.message
    assert "swordfish" not in error.message


def test_a_question_that_is_too_long_for_the_model_is_a_context_overflow():
    body = json.dumps(
        {"error": {"code": "context_length_exceeded", "message": "maximum context length is 8"}}
    )
    assert refusal(400, body, "api.example", "m", []).type == "context_overflow"


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 4097 tokens, however you requested 5000 tokens.",
        "the request exceeds the available context size, try increasing it",
        "The input token count (314175) exceeds the maximum number of tokens allowed (131072).",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "Your input exceeds the context window of this model.",
    ],
)
def test_each_api_says_in_its_own_words_that_a_question_is_too_long(said):
    for body in ({"error": {"message": said}}, [{"error": {"message": said}}], {"message": said}):
        assert refusal(400, json.dumps(body), "api.example", "m", []).type == "context_overflow"


def test_a_question_about_a_context_length_that_is_quoted_is_not_one_that_is_too_long():
    detail = [{"loc": ["body", "n"], "msg": "Not a number", "input": "What is context_length?"}]
    error = refusal(422, json.dumps({"detail": detail}), "api.example", "m", [])
    assert error.type == "invalid_request"
    assert "n: Not a number" in error.message


def test_a_length_that_only_the_provider_behind_an_api_speaks_of_is_found():
    body = {"error": {"message": "Provider returned error", "metadata": {"raw": "context_length_exceeded"}}}
    assert refusal(400, json.dumps(body), "api.example", "m", []).type == "context_overflow"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([{"error": {"code": 400, "message": "API key not valid."}}], "It says: API key not valid."),
        (MISTRAL, "It says: seed: Extra inputs are not permitted"),
        ({"detail": [{"msg": "one"}, {"loc": ["body", "n"], "msg": "two"}]}, "It says: one; n: two"),
    ],
)
def test_what_an_api_wraps_its_message_in_does_not_hide_it(body, said):
    assert refusal(400, json.dumps(body), "api.example", "m", []).message.endswith(said)


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "null", "[5]", "[" * 4000, "<html>"),
        *('{"error": []}', '{"error": {"message": 5}}', '[{"error": 5}]', '{"message": {"detail": [5, {}]}}'),
    ],
)
def test_a_body_of_any_shape_is_survived(body):
    assert refusal(500, body, "api.example", "m", []).type == "upstream_error"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, "404 page not found", "OPENAI_BASE_URL"),
        (404, '{"error": {"message": "The model `m` does not exist"}}', "does not know the model"),
        (301, "", "OPENAI_BASE_URL"),
        (403, '{"error": {"message": "Country not supported"}}', "Country not supported"),
        (500, "<html>context_length</html>", "failed (500)"),
    ],
)
def test_the_advice_fits_what_happened(status, body, said):
    assert said in refusal(status, body, "api.example", "m", []).message


def test_a_model_that_an_api_does_not_know_comes_with_where_to_name_another():
    body = json.dumps({"error": {"message": 'model "m" not found, try pulling it first'}})
    message = refusal(404, body, "localhost", "m", []).message
    assert "set TETHER_OPENAI_MODEL to one" in message
    assert "with -m" in message
    assert message.endswith('It says: model "m" not found, try pulling it first')


def test_a_key_that_is_refused_is_named_and_not_tried_again():
    error = refusal(401, "", "api.example", "m", [], "OPENROUTER_API_KEY")
    assert "OPENROUTER_API_KEY" in error.message
    assert error.payload()["retryable"] is False
    assert error.payload()["type"] == "upstream_error"
