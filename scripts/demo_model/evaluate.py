"""Measure a GGUF file (or a checkpoint) greedily.

    python scripts/demo_model/evaluate.py --sets generated heldout strangers newcomers
    python scripts/demo_model/evaluate.py --checkpoint demo-runs/run1.pt --sets dev --show

"generated" are questions of the generator with an unseen seed and held-out names: known sentences,
new names. The other sets are files of questions/: "dev" and "colleagues" were read to widen the phrases,
"calibration" to choose when the model is unsure; "heldout", "strangers" and "newcomers" never were.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.demo_model import context, corpus, marks, offtopic, questions

CODE = re.compile(r"```python\n(.*?)\n```", re.S)
GGUF = Path(__file__).resolve().parents[2] / "tether_jupyter/llm/local/demo/tether-demo.gguf"
LIMIT = 160
Ask = Callable[[str], str]


class Meter:
    """Counts what the answers cost, and those that do not end by themselves."""

    def __init__(self) -> None:
        self.tokens = self.longest = self.endless = self.answers = 0
        self.seconds = 0.0

    def add(self, tokens: int, seconds: float, ended: bool) -> None:
        """One answer."""
        self.answers += 1
        self.tokens += tokens
        self.seconds += seconds
        self.longest = max(self.longest, tokens)
        self.endless += not ended

    def __str__(self) -> str:
        return (
            f"{self.answers} answers, {self.endless} did not end within {LIMIT} tokens, longest "
            f"{self.longest}, {self.tokens / max(self.seconds, 1e-9):.0f} tokens/s (prompt included)"
        )


def with_gguf(path: str, threads: int, meter: Meter) -> Ask:
    """Answers through the product's own engine, as its users get them. Its worker ends with this process."""
    import asyncio

    from tether_jupyter.core.prompt import Prompt, Sampling
    from tether_jupyter.llm.local.service import LocalService
    from tether_jupyter.settings import LocalLLM

    loop = asyncio.new_event_loop()
    service = LocalService(LocalLLM(model_path=path, n_threads=threads))

    async def answer(question: str) -> list[dict[str, Any]]:
        prompt = Prompt([{"role": "user", "content": question}])
        return [event async for event in service.stream(prompt, Sampling(temperature=0, max_tokens=LIMIT))]

    def ask(question: str) -> str:
        start = time.perf_counter()
        events = loop.run_until_complete(answer(question))
        (usage,) = [event["usage"] for event in events if "usage" in event]
        ended = events[-1].get("finish_reason") == "stop"
        meter.add(usage["completion_tokens"], time.perf_counter() - start, ended)
        return "".join(event.get("delta", "") for event in events).strip()

    return ask


def with_checkpoint(path: str, tokenizer: str, threads: int, meter: Meter) -> Ask:
    """Answers through torch, before there is a GGUF file."""
    import torch
    from tokenizers import Tokenizer

    from scripts.demo_model.model import Config, DemoModel

    torch.set_num_threads(threads)
    saved = torch.load(path)
    model = DemoModel(Config(**saved["config"]))
    model.load_state_dict(saved["state"])
    model.eval()
    tokens = Tokenizer.from_file(tokenizer)
    end = tokens.token_to_id("<|im_end|>")

    @torch.no_grad()
    def ask(question: str) -> str:
        start = time.perf_counter()
        prompt = f"<|im_start|>user\n{marks.question(question)[0]}<|im_end|>\n<|im_start|>assistant\n"
        ids, made = tokens.encode(prompt).ids, []
        while len(made) < LIMIT:
            row = torch.tensor([ids + made])
            last = torch.zeros_like(row, dtype=torch.bool)
            last[0, -1] = True
            best = int(model(row, last).argmax())
            if best == end:
                break
            made.append(best)
        meter.add(len(made), time.perf_counter() - start, len(made) < LIMIT)
        return tokens.decode(made).strip()

    return ask


def code_of(answer: str) -> str | None:
    """The text inside the first code fence."""
    found = CODE.search(answer)
    return found[1] if found else None


def refused(answer: str) -> bool:
    """Whether this is the honest text."""
    return answer.startswith(offtopic.REFUSAL[:40])


def generated(ask: Ask, count: int, seed: int, show: bool) -> None:
    """Known sentences with new names."""
    rng, total = random.Random(seed), Counter()
    for _ in range(count):
        kind = rng.choices(("err", "do", "tether", "off"), (0.3, 0.4, 0.12, 0.18))[0]
        make = {
            "err": lambda: corpus.error(rng, True), "do": lambda: corpus.idiom(rng, True),
            "tether": lambda: corpus.about(rng), "off": lambda: corpus.other(rng),
        }[kind]  # fmt: skip
        example = make()
        answer = ask(example.question)
        total[kind] += 1
        total[kind, "exact"] += answer == example.answer
        total[kind, "refused"] += refused(answer)
        if (want := code_of(example.answer)) is not None:
            total[kind, "code"] += 1
            total[kind, "code exact"] += code_of(answer) == want
        if show and answer != example.answer:
            print(f"-- generated\nQ: {example.question}\nA: {answer}\nWANT: {example.answer}")
    code, exact = (sum(total[k, x] for k in ("err", "do")) for x in ("code", "code exact"))
    print(f"generated: exact code {exact}/{code} ({100 * exact / max(code, 1):.1f} %)")
    for kind in ("err", "do", "tether", "off"):
        print(
            f"  {kind}: exact answer {total[kind, 'exact']}/{total[kind]}, "
            f"exact code {total[kind, 'code exact']}/{total[kind, 'code']}, "
            f"refused {total[kind, 'refused']}"
        )


def hand_written(name: str, ask: Ask, show: bool) -> None:
    """Sentences of a person, from questions/."""
    asked = questions.read(name)
    right = false = 0
    for question, want in asked.code:
        answer = ask(question)
        hit = code_of(answer) == want
        right += hit
        false += refused(answer)
        if show and not hit:
            print(f"-- {name} code\nQ: {question}\nA: {answer}\nWANT: {want}")
    print(f"{name} code: exact {right}/{len(asked.code)}, false refusals {false}")
    right = false = 0
    for question, piece in asked.manual:
        answer = ask(question)
        hit = piece in answer
        right += hit
        false += refused(answer)
        if show and not hit:
            print(f"-- {name} manual\nQ: {question}\nA: {answer}\nWANT: {piece}")
    print(f"{name} manual: right {right}/{len(asked.manual)}, false refusals {false}")
    honest = 0
    for question in asked.refused:
        answer = ask(question)
        honest += refused(answer)
        if show and not refused(answer):
            print(f"-- {name} off\nQ: {question}\nA: {answer}")
    print(f"{name} off-topic: refused {honest}/{len(asked.refused)}")


def main() -> None:
    """Ask everything and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gguf", default=str(GGUF))
    parser.add_argument("--checkpoint", help="a torch checkpoint instead of the GGUF file")
    parser.add_argument("--tokenizer", default=str(Path(__file__).with_name("tok.json")))
    parser.add_argument("--sets", nargs="+", default=["generated", "heldout", "strangers", "newcomers"])
    parser.add_argument("--count", type=int, default=400, help="generated questions")
    parser.add_argument("--seed", type=int, default=990017)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--told", action="store_true", help="frames of hand-written sets as Tether sends them"
    )
    parser.add_argument("--show", action="store_true", help="print what was wrong")
    parser.add_argument("--ask", nargs="*", help="only answer these questions")
    args = parser.parse_args()
    meter = Meter()
    if args.checkpoint:
        ask = with_checkpoint(args.checkpoint, args.tokenizer, args.threads, meter)
    else:
        ask = with_gguf(args.gguf, args.threads, meter)
    if args.ask:
        for question in args.ask:
            print(f"Q: {question}\nA: {ask(question)}\n")
        return
    for name in args.sets:
        if name == "generated":
            generated(ask, args.count, args.seed, args.show)
        else:
            hand_written(name, (lambda q: ask(context.as_told(q))) if args.told else ask, args.show)
    print(meter)


if __name__ == "__main__":
    main()
