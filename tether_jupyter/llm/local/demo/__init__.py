"""The demo model: a tiny GGUF of our own, so that the whole path works before a real model is there."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).with_name("tether-demo.gguf")
