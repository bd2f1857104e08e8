"""Write a checkpoint as a GGUF file that llama.cpp loads.

python scripts/demo_model/export.py --checkpoint demo-runs/run1.pt --out tether-demo.gguf
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.demo_model.model import Config, tensors
from scripts.demo_model.template import TEMPLATE

TARGET = Path(__file__).resolve().parents[2] / "tether_jupyter/llm/local/demo/tether-demo.gguf"
MAX_TOKENS = 160
CONTEXT = 1280  # tokens; what it has seen is shorter, but marks make a prompt up to a third longer
UNSURE = 56  # percent; README.md says how it was chosen


def write(path: Path, config: Config, state: dict, tokenizer: Path, f16: bool = False) -> None:
    """One file: the sizes, the vocabulary, the template, our two keys and the tensors."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tether-demo")
    writer.add_license("BSD-3-Clause")
    writer.add_vocab_size(config.vocab)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ff)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.heads)
    writer.add_rope_dimension_count(config.head)
    writer.add_rope_freq_base(config.rope_base)
    writer.add_layer_norm_rms_eps(config.eps)
    kinds = gguf.LlamaFileType
    writer.add_file_type(kinds.MOSTLY_F16 if f16 else kinds.MOSTLY_Q8_0)
    writer.add_bool("tether.demo", True)
    writer.add_uint32("tether.max_tokens", MAX_TOKENS)
    # Its first token decides which answer it gives. Unsure of that, it says that it does not know.
    writer.add_uint32("tether.unsure_below", UNSURE)
    writer.add_string("tether.unsure_start", "I")

    data = json.loads(tokenizer.read_text())
    vocab = data["model"]["vocab"]
    special = {token["content"] for token in data["added_tokens"]}
    tokens = sorted(vocab, key=vocab.get)
    if [vocab[token] for token in tokens] != list(range(config.vocab)):
        raise ValueError("the tokenizer does not fit the checkpoint")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    types = gguf.TokenType
    writer.add_token_types([types.CONTROL if t in special else types.NORMAL for t in tokens])
    merges = data["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_eos_token_id(vocab["<|im_end|>"])
    writer.add_eot_token_id(vocab["<|im_end|>"])
    writer.add_bos_token_id(vocab["<|endoftext|>"])
    writer.add_pad_token_id(vocab["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)

    quant = gguf.GGMLQuantizationType.Q8_0
    for name, value in tensors(state):
        array = np.ascontiguousarray(value.numpy(), dtype=np.float32)
        if array.ndim == 1:
            writer.add_tensor(name, array)
        elif f16:
            writer.add_tensor(name, array.astype(np.float16))
        else:
            writer.add_tensor(name, gguf.quants.quantize(array, quant), raw_dtype=quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Export and say how large the file is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--checkpoint", default="demo.pt")
    parser.add_argument("--tokenizer", type=Path, default=Path(__file__).with_name("tok.json"))
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--f16", action="store_true", help="half precision instead of q8_0")
    args = parser.parse_args()
    saved = torch.load(args.checkpoint)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write(args.out, Config(**saved["config"]), saved["state"], args.tokenizer, args.f16)
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
