"""Pictures in notebooks: their size from the first bytes, and the `data:` URL for a model that sees."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64

SEEN = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What models take."""
MOST_BASE64 = 4_000_000
"""Characters of one picture that is sent."""
MOST_PICTURES = 4
"""Pictures of one cell that are sent."""
HEAD = 8_192
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def size(media_type: str, payload: str) -> tuple[int, int] | None:
    """Return width and height in pixels, from the head of base64 or of SVG's text."""
    if media_type == "image/svg+xml":
        return svg_size(payload[:HEAD])
    if media_type not in SEEN:
        return None
    head = re.sub(r"\s+", "", payload[: 2 * HEAD])
    try:
        data = b64decode(head[: len(head) // 4 * 4])
    except (NotBase64, ValueError):
        return None
    found = SIZES[media_type](data)
    return found if found and 0 < found[0] < 1_000_000 and 0 < found[1] < 1_000_000 else None


def png_size(data: bytes) -> tuple[int, int] | None:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def gif_size(data: bytes) -> tuple[int, int] | None:
    if data[:4] != b"GIF8" or len(data) < 10:
        return None
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments to the frame header: 0xC0 to 0xCF, but for the tables among them."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return None


def webp_size(data: bytes) -> tuple[int, int] | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


SIZES = {"image/png": png_size, "image/gif": gif_size, "image/jpeg": jpeg_size, "image/webp": webp_size}


def svg_size(text: str) -> tuple[int, int] | None:
    start = text.find("<svg")
    tag = text[start : start + 2_000].split(">")[0] if start >= 0 else ""
    sides = [re.search(rf"\s{side}\s*=\s*[\"']\s*(\d{{1,6}})", tag) for side in ("width", "height")]
    return (int(sides[0][1]), int(sides[1][1])) if sides[0] and sides[1] else None


def named(media_type: str, payload: str) -> str:
    """Return a picture's line: `[image/png, 640x480]`."""
    found = size(media_type, payload)
    return f"[{media_type}, {found[0]}x{found[1]}]" if found else f"[{media_type}]"


def data_url(media_type: str, payload: str) -> str | None:
    """Return the `data:` URL of base64; `None` where it is none, too much, or not for a model."""
    if media_type not in SEEN or len(payload) > MOST_BASE64 * 1.1:
        return None
    body = "".join(payload.split())
    if not 0 < len(body) <= MOST_BASE64 or not body.isascii() or size(media_type, body) is None:
        return None
    other = body.rstrip("=").encode().translate(None, LETTERS)
    return None if other else f"data:{media_type};base64,{body}"
