"""From a request to a turn that the engine can compute: render, tokenise, fit, constrain."""

from __future__ import annotations

from tether_jupyter.core.prompt import Message, Sampling, text_of
from tether_jupyter.errors import ContextOverflow, InvalidRequest
from tether_jupyter.llm.local import fitting, limits
from tether_jupyter.llm.local.constraint import Constraints
from tether_jupyter.llm.local.engine.lookup import Lookup
from tether_jupyter.llm.local.engine.model import Model, NoChatModel
from tether_jupyter.llm.local.engine.sampling import Doubt, Sampler
from tether_jupyter.llm.local.engine.text import TextStream
from tether_jupyter.llm.local.engine.turn import Job, Turn, as_tokens
from tether_jupyter.llm.local.renderer import Renderer
from tether_jupyter.llm.thoughts import Thoughts

CUT = 256
"""A text that is too long loses its beginning in pieces of up to this many tokens: most keystrokes leave what
remains as it was, and with it what was computed for it."""
SUFFIX_SHARE = 4
"""What stands after the cursor gets a quarter of the room at most: what stands before it says more."""


class Answerer:
    """Makes turns of requests, beside the engine, so that a long prompt's text holds up nobody's answer.

    Parameters
    ----------
    max_tokens:
        The model's own ceiling on an answer, or `None`.
    doubt:
        When the model is to say that it does not know, or `None`.
    speculation:
        Whether answers guess their next tokens from what was said.
    """

    def __init__(
        self,
        model: Model,
        renderer: Renderer,
        max_tokens: int | None,
        doubt: Doubt | None = None,
        *,
        speculation: bool = True,
    ) -> None:
        self.model = model
        self.renderer = renderer
        self.max_tokens = max_tokens
        self.doubt = doubt
        self.speculation = speculation and model.partial
        self.constraints = Constraints(model.vocabulary)

    def turn(self, job: Job) -> Turn:
        """Return the turn of a `generate` or `infill` message.

        Raises
        ------
        TetherError
            The model cannot answer this; nothing was computed.
        """
        if not self.model.writes:
            # Its first step would end the process.
            raise NoChatModel(
                f"{self.model.name} is no chat model: it makes embeddings, and writes no text. "
                "Choose another model."
            )
        message = job.message
        wanted = limits.checked(message["sampling"])
        constraint = self.constraints.compile(wanted.response_format)
        ceiling = min(filter(None, (wanted.max_tokens, self.max_tokens)), default=None)
        if message["op"] == "infill":
            tokens = self.infill(str(message["prefix"]), str(message["suffix"]), ceiling)
        else:
            tokens = fitting.fit(
                message["messages"],
                tokens_of=self.tokens_of,
                at_least=self.at_least,
                context_length=self.model.context_length,
                max_tokens=ceiling,
            )
        if not tokens:
            raise InvalidRequest(
                "The model's chat template makes nothing of this question. Use another file of this model."
            )
        room = self.model.context_length - len(tokens)
        conversation = message.get("conversation")
        return Turn(
            job,
            as_tokens(tokens),
            Sampler(self.model, wanted, constraint, self.doubt if message["op"] == "generate" else None),
            TextStream(wanted.stop),
            self.thoughts(tokens, plain=message["op"] == "infill" or constraint is not None),
            limit=min(ceiling or room, room),
            conversation=str(conversation) if conversation else None,
            fresh=wanted.seed is not None,
            lookup=Lookup(tokens) if self.speculation and self.predictable(wanted) else None,
        )

    def thoughts(self, tokens: list[int], *, plain: bool) -> Thoughts:
        """Return what tells an answer's thoughts apart; in a text that must have a form there are none."""
        if plain:
            return Thoughts("answer")
        opening = self.model.vocabulary.opens_thought(tokens)
        return Thoughts("thinking", opening) if opening else Thoughts()

    @staticmethod
    def predictable(sampling: Sampling) -> bool:
        """Return whether guesses have a chance: what is sampled wildly repeats nothing."""
        return sampling.temperature <= 1.0

    def infill(self, prefix: str, suffix: str, max_tokens: int | None) -> list[int]:
        """Return the tokens of a text with a gap, cut to what lies around the gap.

        A model without the tokens for it goes on from the prefix alone.
        """
        vocabulary = self.model.vocabulary
        length = self.model.context_length
        room = length - min(max_tokens or length, length // fitting.SHARE) - 4
        if room < 1:
            raise ContextOverflow(f"A context of {length} tokens is too short to fill in. Set a longer one.")
        before = vocabulary.tokenize(vocabulary.literal(prefix))
        start = [vocabulary.bos] if vocabulary.add_bos else []
        before = before[len(start) :]
        if not before and not suffix:
            raise InvalidRequest("There is nothing to go on from. Write something first.")
        if vocabulary.infill is None:
            return start + end_of(before, room) if before else start or vocabulary.tokenize("\n")
        pre, suf, mid = vocabulary.infill
        after = vocabulary.tokenize(vocabulary.literal(suffix))[len(start) :]
        after = after[: max(room // SUFFIX_SHARE, room - len(before))]
        return [*start, pre, *end_of(before, room - len(after)), suf, *after, mid]

    def tokens_of(self, messages: list[Message]) -> list[int]:
        """Render and tokenise a conversation; what only looks like a control token in it becomes none."""
        vocabulary = self.model.vocabulary
        literal = [
            {"role": str(m["role"]), "content": vocabulary.literal(text_of(m["content"]))} for m in messages
        ]
        return vocabulary.tokenize(self.renderer.render(literal))

    def length(self, text: str) -> int:
        """Return how many tokens a text has where it stands in a prompt."""
        vocabulary = self.model.vocabulary
        tokens = vocabulary.tokenize(vocabulary.literal(text))
        return len(tokens) - (tokens[:1] == [vocabulary.bos])

    def at_least(self, messages: list[Message]) -> int:
        """Return a number of tokens that a conversation has in any case."""
        return sum(self.model.vocabulary.at_least(text_of(m["content"])) for m in messages)


def end_of(tokens: list[int], room: int) -> list[int]:
    """Return the last tokens that have room."""
    over = max(0, len(tokens) - room)
    cut = min(CUT, max(1, room // 8))
    return tokens[min(len(tokens) - 1, -(-over // cut) * cut) :] if over else tokens
