"""A tiny model of the llama architecture in torch, laid out so that GGUF needs no permutation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass
class Config:
    """The sizes of the model."""

    vocab: int
    layers: int = 5
    width: int = 256
    heads: int = 4
    ff: int = 640
    context: int = 1024
    rope_base: float = 10000.0
    eps: float = 1e-5

    @property
    def head(self) -> int:
        """The width of one head."""
        return self.width // self.heads

    def to_dict(self) -> dict:
        """For the checkpoint."""
        return asdict(self)


class Block(nn.Module):
    """One layer. Query and key have biases: the look at the previous token needs them."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        d, self.config = config.width, config
        self.attn_norm = nn.RMSNorm(d, eps=config.eps)
        self.ffn_norm = nn.RMSNorm(d, eps=config.eps)
        self.attn_q, self.attn_k = nn.Linear(d, d), nn.Linear(d, d)
        self.attn_v = nn.Linear(d, d, bias=False)
        self.attn_output = nn.Linear(d, d, bias=False)
        self.ffn_gate = nn.Linear(d, config.ff, bias=False)
        self.ffn_up = nn.Linear(d, config.ff, bias=False)
        self.ffn_down = nn.Linear(config.ff, d, bias=False)

    def attend(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Attention with its residual."""
        batch, length, width = x.shape
        h = self.attn_norm(x)

        def heads(z: Tensor) -> Tensor:
            return z.view(batch, length, self.config.heads, self.config.head).transpose(1, 2)

        def rotate(z: Tensor) -> Tensor:  # interleaved pairs, as llama.cpp does for "llama"
            a, b = z[..., 0::2], z[..., 1::2]
            return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)

        q, k, v = rotate(heads(self.attn_q(h))), rotate(heads(self.attn_k(h))), heads(self.attn_v(h))
        # By hand: for rows this short it is several times faster on a CPU than the fused kernel.
        scores = (q.to(v.dtype) * self.config.head**-0.5) @ k.to(v.dtype).transpose(-1, -2)
        scores = scores + torch.full((length, length), -1e4, dtype=v.dtype).triu(1)
        y = scores.softmax(-1).to(v.dtype) @ v
        return x + self.attn_output(y.transpose(1, 2).reshape(batch, length, width))

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward part with its residual."""
        h = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))


class DemoModel(nn.Module):
    """Tied embeddings; starts with an induction circuit in place (see wire)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.token_embd = nn.Embedding(config.vocab, config.width)
        self.output_norm = nn.RMSNorm(config.width, eps=config.eps)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.layers))
        for name, p in self.named_parameters():
            if p.dim() > 1:
                out = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(p, 0, 0.02 / (2 * config.layers) ** 0.5 if out else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        speed = config.rope_base ** (-torch.arange(0, config.head, 2).float() / config.head)
        angle = torch.outer(torch.arange(config.context).float(), speed)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        self.wire(speed)

    @torch.no_grad()
    def wire(self, speed: Tensor) -> None:
        """Put the circuit that copies names in place instead of waiting for training to find it.

        Head 0 of layer 0 looks at the previous token (a constant in the key bias, the same turned
        by one position in the query bias) and writes what it reads to a subspace of 64. Head 0 of
        layers 1 and 2 looks, in the slow rotary pairs, for the place whose previous token is the
        present one. Heads 0 and 1 of the later layers start by copying what they look at. All of
        it stays trainable.
        """
        head, width = self.config.head, self.config.width
        first = self.blk[0]
        strength = 7.0 * (speed > 0.05)
        first.attn_k.bias[:head] = torch.stack((strength, 0 * strength), -1).flatten()
        turned = (strength * speed.cos(), -strength * speed.sin())
        first.attn_q.bias[:head] = torch.stack(turned, -1).flatten()
        reads = torch.linalg.qr(torch.randn(width, head))[0].T
        writes = torch.linalg.qr(torch.randn(width, head))[0]
        first.attn_q.weight[:head] *= 0.1
        first.attn_k.weight[:head] *= 0.1
        first.attn_v.weight[:head] = reads
        first.attn_output.weight[:, :head] = 0.02 * writes
        slow = (speed < 0.02).repeat_interleave(2).float()[:, None]
        for i, block in enumerate(self.blk):
            if i in (1, 2):
                block.attn_q.weight[:head] = 1.5 * slow * reads
                block.attn_k.weight[:head] = 1.5 * slow * writes.T
            for h in (0, 1) if i else ():
                copies = torch.linalg.qr(torch.randn(width, head))[0]
                rows = slice(h * head, (h + 1) * head)
                block.attn_v.weight[rows] = copies.T
                block.attn_output.weight[:, rows] = 0.01 * copies

    def forward(self, ids: Tensor, keep: Tensor | None = None) -> Tensor:
        """Logits; with ``keep`` (a mask) only for those places, which saves the rest of the work."""
        x = self.token_embd(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for i, block in enumerate(self.blk):
            x = block.attend(x, cos, sin)
            if keep is not None and i == len(self.blk) - 1:
                x = x[keep]
            x = block.feed(x)
        return self.output_norm(x) @ self.token_embd.weight.T


def tensors(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The tensors by their GGUF names, which are ours."""
    for name, value in state.items():
        yield name, value.float()
