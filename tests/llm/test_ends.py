"""Which ends of a conversation are asked with, one after the other."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.core.prompt import shrink
from tether_jupyter.llm.ends import AROUND, IMAGE, SHARES, end, ends, tokens


def conversation(exchanges, text="x" * 300, system="s"):
    past = [{"role": role, "content": text} for _ in range(exchanges) for role in ("user", "assistant")]
    return [{"role": "system", "content": system}, *past, {"role": "user", "content": "now"}]


roles = st.lists(st.sampled_from(["system", "user", "assistant", "tool"]), max_size=9)


@given(roles, st.integers(0, 60))
def test_an_end_is_the_first_that_fits_of_those_that_shrink_gives(before, most):
    messages = [{"role": role, "content": "x" * 3 * at} for at, role in enumerate(before)]
    messages.append({"role": "user", "content": "now"})
    choices = [messages]
    while shorter := shrink(choices[-1]):
        choices.append(shorter)
    fitting = [choice for choice in choices if tokens(choice) <= most]
    assert end(messages, most) == (fitting[0] if fitting else choices[-1])


@given(st.integers(0, 300), st.one_of(st.none(), st.integers(1, 50_000)))
def test_a_few_tries_lead_to_the_question_alone(exchanges, window):
    found = list(ends(conversation(exchanges), window))
    assert len(found) <= 1 + len(SHARES)
    assert [m["content"] for m in found[-1]] == ["s", "now"]
    assert all(len(later) < len(earlier) for earlier, later in pairwise(found))


def test_of_a_window_that_is_known_a_quarter_or_the_answer_that_is_asked_for_stays_free():
    messages = conversation(20)
    assert tokens(next(ends(messages, 4000))) in range(2700, 3001)
    assert tokens(next(ends(messages, 4000, 400))) in range(3300, 3601)
    assert tokens(next(ends(messages, 4000, 9999))) in range(1700, 2001)
    assert next(ends(messages, 10_000)) == messages
    assert next(ends(messages)) == messages


def test_an_image_counts_as_one_whatever_its_bytes():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9999}}
    assert (
        tokens([{"role": "user", "content": [{"type": "text", "text": "abc"}, image]}]) == AROUND + 1 + IMAGE
    )
