"""What a chain is shown is cut before it is asked, and that never changes what it chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support import tiny_gguf
from tether_jupyter.core.prompt import Sampling
from tether_jupyter.llm.local.constraint import Constraints
from tether_jupyter.llm.local.engine import sampling
from tether_jupyter.llm.local.engine.candidates import FEW, Candidates, best, best_allowed
from tether_jupyter.llm.local.engine.model import Model, Options
from tether_jupyter.llm.local.engine.sampling import Sampler

SIZE = 6000
KINDS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.0},
    {"temperature": 1.5, "top_k": 200, "min_p": 0.0},
    {"top_k": 0},
    {"presence_penalty": 1.0, "frequency_penalty": 0.5},
    {"repeat_penalty": 1.3, "temperature": 0.0},
    {"frequency_penalty": -2.0},
    {"logit_bias": {"17": 30.0, "400": 29.5, "5999": 29.0, "3": -100.0}},
    {"logit_bias": {str(token): -100.0 for token in range(0, SIZE, 2)}, "presence_penalty": 2.0},
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model; only its samplers are used, on logits that the tests make up."""
    path = tiny_gguf.write(tmp_path_factory.mktemp("models") / "m.gguf", says=["a", "b"])
    return Model(Options(str(path), context_length=32, slots=1, n_threads=1))


class Made:
    """A model with a larger vocabulary than the file's, whose logits are made up."""

    def __init__(self, model: Model) -> None:
        self.llama, self.context = model.llama, model.context
        self.vocabulary = Vocabulary()
        self.made = np.zeros(SIZE, np.float32)

    def logits(self, row: int) -> np.ndarray[Any, Any]:
        return self.made


class Vocabulary:
    """Three letters of bytes for each token, and an end."""

    size = SIZE

    def piece(self, token: int, /) -> bytes:
        if token < 256:
            return bytes([token])
        return b"" if token == SIZE - 1 else b"%c%c" % (97 + token % 26, 97 + token // 26 % 26)

    def ends(self, token: int, /) -> bool:
        return token == SIZE - 1


def slow(sampler: Sampler, logits: np.ndarray[Any, Any], allowed: np.ndarray[Any, Any]) -> int:
    """Return the chain's choice among all tokens that are allowed, none of them left out."""
    return Candidates(sampler.llama, SIZE).choice(sampler.chain, np.flatnonzero(allowed), logits)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.005])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_choice_is_the_one_among_all_allowed_tokens(
    model: Model, kind: dict[str, Any], share: float
) -> None:
    luck = np.random.default_rng(5)
    made: Any = Made(model)
    ours, theirs = (Sampler(made, Sampling(**{"temperature": 0.9, "seed": 4, **kind})) for _ in range(2))
    said = set()
    for step in range(150):
        made.made = luck.normal(0, 3, SIZE).astype(np.float32)
        allowed = luck.random(SIZE) < share
        allowed[luck.integers(SIZE)] = True
        found = ours.choice(0, allowed)
        assert found == slow(theirs, made.made, allowed), step
        assert allowed[found]
        said.add(found)
        for sampler in (ours, theirs):
            sampler.said(found)
    assert len(said) > 20 or "logit_bias" in kind
    ours.close()
    theirs.close()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.get("top_k") != 0], ids=str)
def test_the_choice_in_a_large_vocabulary_is_the_one_among_all(
    model: Model, kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "LARGE", SIZE)
    luck = np.random.default_rng(8)
    made: Any = Made(model)
    ours, theirs = (Sampler(made, Sampling(**{"temperature": 0.9, "seed": 4, **kind})) for _ in range(2))
    for step in range(150):
        made.made = luck.normal(0, 3, SIZE).astype(np.float32)
        found = ours.choice(0)
        assert found == slow(theirs, made.made, np.ones(SIZE, np.bool_)), step
        for sampler in (ours, theirs):
            sampler.said(found)
    ours.close()
    theirs.close()


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[4]], ids=str)
def test_the_shares_of_a_choice_are_the_chains(model: Model, kind: dict[str, Any]) -> None:
    """Two tokens that are left, one twice as likely as the other."""
    made: Any = Made(model)
    made.made[[40, 50]] = np.log([4.0, 2.0])
    made.made[60] = 9.0
    allowed = np.zeros(SIZE, np.bool_)
    allowed[[40, 50]] = True
    sampler = Sampler(made, Sampling(**{"temperature": 1.0, "seed": 1, **kind}))
    found = [sampler.choice(0, allowed) for _ in range(3000)]
    assert set(found) == {40, 50}
    assert found.count(40) / 3000 == pytest.approx(2 / 3, abs=0.04)
    sampler.close()


def test_penalties_note_what_was_said_and_not_what_was_refused(model: Model) -> None:
    """The model wants `x` all the time, and may not."""
    constraint = Constraints(Vocabulary()).compile(
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "integer"}}}
    )
    made: Any = Made(model)
    made.made[ord("x")], made.made[ord("7")], made.made[ord("8")] = 50.0, 40.0, 39.5
    sampler = Sampler(made, Sampling(temperature=0.0, presence_penalty=1.0), constraint)
    assert [sampler.sample(0, 999) for _ in range(3)] == [ord("7"), ord("8"), ord("7")]
    assert sampler.changed == {ord("7"), ord("8")}
    sampler.close()


@pytest.mark.parametrize("size", [1, 40, 500, 511, 512, 5000, 32_000, 32_003])
@pytest.mark.parametrize("count", [1, 40, 300, 10_000])
def test_none_of_the_best_is_left_out_and_few_others_are_in(size: int, count: int) -> None:
    luck = np.random.default_rng(size + count)
    for logits in (luck.normal(size=size), luck.integers(0, 3, size), np.zeros(size)):
        made = logits.astype(np.float32)
        found = best(made, count)
        assert np.array_equal(np.sort(made[found])[::-1][:count], np.sort(made)[::-1][:count])
        assert len(found) == size or len(found) <= count + FEW
        allowed = luck.random(size) < 0.9
        kept = best_allowed(made, allowed, count)
        assert allowed[kept].all()
        assert np.array_equal(np.sort(made[kept])[::-1][:count], np.sort(made[allowed])[::-1][:count])


@pytest.mark.parametrize(
    ("lead", "kind", "copies"),
    [
        (20.0, {}, True),
        (0.0, {}, False),
        (-200.0, {}, False),
        (0.0, {"temperature": 0.0}, True),
        (0.0, {"top_k": 1}, True),
        (0.0, {"logit_bias": {"7": 5.0}}, True),
    ],
)
def test_a_model_that_is_not_sure_of_its_token_copies_nothing(
    model: Model, lead: float, kind: dict[str, Any], copies: bool
) -> None:
    made: Any = Made(model)
    made.made = np.random.default_rng(6).normal(0, 1, SIZE).astype(np.float32)
    made.made[7] += lead
    sampler = Sampler(made, Sampling(**{"temperature": 0.9, **kind}))
    assert sampler.may_copy(0, 7) is copies
    sampler.close()
