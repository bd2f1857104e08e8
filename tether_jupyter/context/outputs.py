"""What a cell put out, as a model reads it: reduced by MIME type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tether_jupyter.context import base64s, charts, gaps, markup, pictures, tables, terminal, tracebacks

Level = Literal["schema", "samples", "values"]

MOST_TEXT = 4_000
"""Characters of one output that are kept, besides streams and tracebacks, which go by lines."""
MOST_ALL = 12_000
"""Characters of all outputs of one cell."""
MOST_OUTPUTS = 60
MOST_READ = 200_000
"""Characters of one text that are looked at, beyond what says how long it is."""
ROWS = {"schema": 0, "samples": tables.HEAD, "values": 4 * tables.HEAD}

SAYS_NOTHING = re.compile(
    r"\s*(?:<(?:Figure|matplotlib|IPython\.core|Axes|AxesSubplot|seaborn|PIL|folium|altair|plotly|bokeh)[^<>]{0,300}>"
    r"|(?:Figure|Output|alt\.\w+|VBox|HBox|FigureWidget|Map)\(.*|\[<matplotlib.*|Text\(.*"
    r"|<\w+(?:\.\w+)+ (?:at|object).{0,100}>)\s*",
    re.DOTALL,
)


@dataclass(slots=True)
class Reduced:
    """What is kept of outputs: text, and pictures as `data:` URLs."""

    text: str = ""
    images: list[str] = field(default_factory=list)


def reduced(
    outputs: Any,
    *,
    level: Level = "samples",
    sees: bool = False,
    payload: Callable[[str], str] | None = None,
) -> Reduced:
    """Return what is kept of a cell's outputs, whatever they are: what is none is left out.

    Parameters
    ----------
    level:
        At `schema` a table has its columns and no row, a text its length, a chart its axes and no title: no
        value of the data. The message of an error always stays.
    sees:
        Whether the model takes pictures.
    payload:
        Gives the base64 of a picture that was left out of the notebook when it was read.
    """
    done = Reduced()
    parts = []
    merged = list(joined_streams(outputs if isinstance(outputs, list) else []))
    for output in merged[:MOST_OUTPUTS]:
        part = one(output, level, sees, done.images, payload)
        if part.strip():
            parts.append(base64s.without(part).strip("\n"))
    if len(merged) > MOST_OUTPUTS:
        parts.append(f"[{len(merged) - MOST_OUTPUTS:,} more outputs left out]")
    done.text = middle_out("\n".join(parts), MOST_ALL)
    return done


def joined(text: Any) -> str:
    """Return a text that a notebook may hold as a list of lines."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return ""


def joined_streams(outputs: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield outputs, with streams that follow each other as one that has `parts`: pairs of name and text."""
    parts: list[tuple[str, str]] = []
    for output in outputs:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") != "stream":
            if parts:
                yield {"output_type": "stream", "parts": parts}
                parts = []
            yield output
            continue
        name, text = str(output.get("name") or output.get("stream") or "stdout"), joined(output.get("text"))
        if parts and parts[-1][0] == name:
            parts[-1] = (name, parts[-1][1] + text)
        else:
            parts.append((name, text))
    if parts:
        yield {"output_type": "stream", "parts": parts}


def one(
    output: dict[str, Any], level: Level, sees: bool, images: list[str], payload: Callable[[str], str] | None
) -> str:
    """Return the text of one output; its pictures go to `images`."""
    kind = output.get("output_type")
    if kind == "stream":
        return stream(output, level)
    if kind in ("error", "pyerr"):
        lines = output.get("traceback")
        texts = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
        return tracebacks.reduced(word(output.get("ename")) or "Error", word(output.get("evalue")), texts)
    data = output.get("data")
    if not isinstance(data, dict):
        data = version_3(output)
    return bundle(data, level, sees, images, payload)


def word(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)[:2_000]


def stream(output: dict[str, Any], level: Level) -> str:
    """Return what streams show; they are labelled where all of it went to stderr."""
    parts: list[tuple[str, str]] = output["parts"]
    if level == "schema":
        return hidden("".join(text for _, text in parts))
    said = terminal.shortened([text for _, text in parts if text.strip()], clean=base64s.without)
    label = "[stderr]\n" if all(name == "stderr" for name, _ in parts) else ""
    return f"{label}{middle_out(said, 2 * MOST_TEXT)}" if said.strip() else ""


def hidden(text: str) -> str:
    """Return what may be said of a text that is data."""
    lines, gone = text.strip("\n").count("\n") + 1, gaps.lines_in(text)
    about = "about " if gaps.bytes_in(text) else ""
    return f"[text, {about}{lines + gone:,} line{'s' if lines > 1 else ''}]" if text.strip() else ""


NAMES_3 = {
    "text": "text/plain", "html": "text/html", "latex": "text/latex", "png": "image/png",
    "jpeg": "image/jpeg", "svg": "image/svg+xml", "json": "application/json",
    "javascript": "application/javascript", "pdf": "application/pdf",
}  # fmt: skip


def version_3(output: dict[str, Any]) -> dict[str, Any]:
    """Return the bundle of an output of nbformat 3, which has it among its own keys."""
    return {NAMES_3.get(key, key): value for key, value in output.items() if key in NAMES_3 or "/" in key}


def bundle(
    data: dict[str, Any], level: Level, sees: bool, images: list[str], payload: Callable[[str], str] | None
) -> str:
    """Return the text of one bundle: the form that says most in the least room."""
    texts = {str(mime): joined(value) for mime, value in data.items()}
    if line := charts.named(data, texts, says=level != "schema"):
        return line
    pixels = [mime for mime in texts if mime.startswith("image/")]
    if pixels:
        return picture(pixels, texts, level, sees, images, payload)
    table = tables.from_resource(data.get("application/vnd.dataresource+json"))
    if table is None and "<table" in texts.get("text/html", "")[:MOST_READ]:
        table = tables.from_html(texts["text/html"])
    if table is None and "text/plain" in texts:
        table = tables.from_plain(texts["text/plain"])
    if table is not None:
        return table.render(ROWS[level])
    return words(data, texts, level)


def picture(
    pixels: list[str],
    texts: dict[str, str],
    level: Level,
    sees: bool,
    images: list[str],
    payload: Callable[[str], str] | None,
) -> str:
    """Return a picture's line, and keep the picture for a model that sees."""
    mime = next((one for one in pictures.SEEN if one in pixels), pixels[0])
    head = texts[mime]
    if sees and level != "schema" and len(images) < pictures.MOST_PICTURES:
        url = pictures.data_url(mime, payload(head) if payload else head)
        if url is not None:
            images.append(url)
    said = texts.get("text/plain", "")
    plain = "" if SAYS_NOTHING.fullmatch(said[:400]) or level == "schema" else middle_out(said, 400)
    return "\n".join(filter(None, [plain, pictures.named(mime, strip_placeholder(head))]))


def strip_placeholder(text: str) -> str:
    """Return a payload's head without the mark of one that was left in its file."""
    return text.split(" ", 3)[-1] if text.startswith("tether-image ") else text


def words(data: dict[str, Any], texts: dict[str, str], level: Level) -> str:
    """Return the text of a bundle without pictures, charts or tables."""
    source, text, gone = "", "", 0
    for mime in ("text/markdown", "text/latex", "text/plain", "text/html", "application/json"):
        if mime == "text/plain" and SAYS_NOTHING.fullmatch(texts.get(mime, "")[:400]):
            continue
        source, gone = gaps.without(texts.get(mime, ""))
        if mime == "application/json" and not source and mime in data:
            source = compact(data[mime])
        if source.strip():
            text = markup.text_of(source) if mime == "text/html" else terminal.plain(source[:MOST_READ])
            text = base64s.without(text)
            break
    if not text.strip():
        kinds = [mime for mime in texts if mime not in ("text/plain", "text/html")]
        if kinds:
            return f"[{', '.join(kinds[:5])}]"[:200]
        # An object that has nothing but its address is still something that was shown.
        plain = texts.get("text/plain", "")
        return hidden(plain) if level == "schema" else plain.strip()[:200]
    if level == "schema":
        return hidden(text)
    looked_at = markup.MOST_HTML if mime == "text/html" else MOST_READ
    rest = source[looked_at:]
    cut = f"\n{gaps.left_out(rest, gone)}" if rest or gone else ""
    return terminal.reduced(middle_out(text, MOST_TEXT)) + cut


def compact(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return ""


def middle_out(text: str, most: int) -> str:
    """Return a text without its middle where it is too long, cut at lines where there are any."""
    if len(text) <= most:
        return text
    head, tail = text[: most * 2 // 3], text[-most // 3 :]
    if (end := head.rfind("\n")) > len(head) // 2:
        head = head[:end]
    if 0 <= (begin := tail.find("\n")) < len(tail) // 2:
        tail = tail[begin + 1 :]
    return f"{head}\n{gaps.left_out(text[len(head) : len(text) - len(tail)])}\n{tail}"
