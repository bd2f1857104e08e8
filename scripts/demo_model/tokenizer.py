"""Byte-level BPE over our own text, made for copying.

Letters merge first without a leading space, so ` name`, `'name'` and `df.name` split alike; digits
never merge; "space + word" comes last and only for frequent template words. For llama.cpp it is
plain gpt2 BPE with the pre-tokenizer "gpt-2".

    python scripts/demo_model/tokenizer.py --out demo-runs/tok.json
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
from pathlib import Path

import regex
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import itertools

from scripts.demo_model import corpus, marks

PRE = regex.compile(r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")
SPECIALS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>",
    "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>",
]  # fmt: skip
RARE, KEEP_RARE, WORD_CAP = 12, 4000, 300


def count_words(examples: int, seed: int) -> tuple[collections.Counter, collections.Counter]:
    """How often each word occurs, and how often after a space."""
    rng = random.Random(seed)
    words, spaced = collections.Counter(), collections.Counter()
    for _ in range(examples):
        example = corpus.gen(rng)
        for word in PRE.findall(example.question) + PRE.findall(example.answer) + ["user", "assistant"]:
            if regex.fullmatch(r" ?\p{N}+", word):
                continue
            if word[0] == " " and regex.fullmatch(r"\p{L}+", word[1:]):
                word = word[1:]
                spaced[word] += 1
            words[word] += 1
    return words, spaced


def _merge(word: tuple[str, ...], left: str, right: str) -> tuple[str, ...]:
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] == left and word[i + 1] == right:
            out.append(left + right)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


def build(merges: int = 820, spaced_merges: int = 420, examples: int = 30000, seed: int = 1) -> Tokenizer:
    """Learn the merges from generated text."""
    rng = random.Random(seed)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    counts, spaced = count_words(examples, seed)
    rare = sorted(w for w in counts if counts[w] <= RARE)
    keep = set(rng.sample(rare, min(KEEP_RARE, len(rare))))  # enough to learn the syllables
    words = {
        tuple(byte_level.pre_tokenize_str(w)[0][0]): min(n, WORD_CAP) if n > RARE else 1
        for w, n in counts.items()
        if n > RARE or w in keep
    }
    vocab = SPECIALS + sorted(pre_tokenizers.ByteLevel.alphabet())
    rules: list[tuple[str, str]] = []
    while len(rules) < merges:
        pairs: collections.Counter = collections.Counter()
        for word, n in words.items():
            for pair in itertools.pairwise(word):
                pairs[pair] += n
        (left, right), _ = max(pairs.items(), key=lambda item: (item[1], item[0]))
        rules.append((left, right))
        vocab.append(left + right)
        words = {(_merge(w, left, right) if left in w else w): n for w, n in words.items()}
    known = set(vocab)
    added = 0
    for word, n in sorted(spaced.items(), key=lambda item: (-item[1], item[0])):
        if added == spaced_merges or n <= 25:
            break
        if word in known and len(word) > 1 and "Ġ" + word not in known:
            rules.append(("Ġ", word))
            vocab.append("Ġ" + word)
            added += 1
    vocab += marks.TOKENS
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(vocab)}, merges=rules))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIALS + marks.TOKENS)
    return tokenizer


def main() -> None:
    """Build the tokenizer and say how it cuts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", default=str(Path(__file__).with_name("tok.json")))
    parser.add_argument("--merges", type=int, default=820)
    parser.add_argument("--spaced", type=int, default=420)
    args = parser.parse_args()
    tokenizer = build(args.merges, args.spaced)
    tokenizer.save(args.out)
    rng, tokens, chars = random.Random(5), 0, 0
    for _ in range(1000):
        example = corpus.gen(rng)
        tokens += len(tokenizer.encode(example.question + example.answer).ids)
        chars += len(example.question + example.answer)
    print(f"vocabulary {tokenizer.get_vocab_size()}, {chars / tokens:.2f} characters a token, "
          f"{tokens / 1000:.0f} tokens an example")  # fmt: skip


if __name__ == "__main__":
    main()
