"""Tracebacks: the user's own frames with their lines, the libraries' counted, and the message always."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tether_jupyter.context import base64s
from tether_jupyter.context.terminal import plain, short_line

MOST_READ = 60_000
LONGEST_MESSAGE = 2_000
LINES_AROUND = 2
MOST_FRAMES = 12
"""Frames of the user's that are shown: the first few and the last few."""

MARGIN = r"(?P<margin>[ |+]{0,40})"
# `Cell In[3], line 4`; `File ~/a.py:12, in f(x)`; `<ipython-input-3-…> in f(x)`; `~/a.py in f(x)`;
# `File "a.py", line 3, in f`
FRAME = re.compile(
    rf"""{MARGIN}(?:
      (?:File\ )?
      (?P<cell>(?:(?:Cell\ |Input\ )?In\ ?\[\d*\]|<ipython-input-[^>]{{1,80}}>|<timed\ \w+>))
        (?::(?P<line1>\d+))?(?:,?\ (?:line\ (?P<line2>\d+)))?(?:,?\ in\ (?P<where1>.{{0,400}}))?
    | File\ "(?P<file1>[^"\n]{{1,600}})",\ line\ (?P<line3>\d+)(?:,\ in\ (?P<where2>.{{0,400}}))?
    | File\ (?P<file2>[^\s"][^\n:]{{0,600}}?):(?P<line4>\d+)(?:,?\ in\ (?P<where3>.{{0,400}}))?
    | (?P<file3>(?:~|/|[A-Za-z]:\\|\.{{1,2}}[/\\])[^\n]{{0,600}}?\.\w{{1,6}})\ in\ (?P<where4>.{{1,400}})
    )\s*""",
    re.VERBOSE,
)
BODY = re.compile(r"\s*(?P<arrow>-+>|[.]{3,})?\s*(?P<number>\d+)(?:\s(?P<code>.*))?")
CHAIN = re.compile(
    r"[ |]*(?:The above exception was the direct cause|During handling of the above exception)"
)
RULE = re.compile(r"[ |]*-{20,}\s*")
HEADER = re.compile(r"(?:\S.{0,200}\s{2,})?Traceback \(most recent call last\):?\s*")
GROUP = re.compile(r"[ |]*\+[-+ |]*(?:Exception Group Traceback|-{4,})")
PACKAGE = re.compile(r"(?:site-packages|dist-packages)[/\\](?P<name>[\w-]+)")
MADE = re.compile(r"<(?P<name>frozen [\w. ]+|__array_function__ internals|decorator-gen-\d+|string)>")
STANDARD = re.compile(r"[/\\](?:[Ll]ib|lib64)[/\\](?:python\d[\w.]*[/\\])?(?P<name>[\w-]+)(?:\.py|[/\\])")
COMPILED = re.compile(r"(?P<name>\w+)/[\w/.]+\.(?:pyx|pxi)")
"""A compiled library's frames have the paths of its own sources."""
TEMPORARY = re.compile(r"[/\\]ipykernel_\d+[/\\]\d+\.py$")
"""What a cell is called where its source was written into a file."""
PLACE = re.compile(r" \([^()\n]*, line \d+\)\Z")


@dataclass(slots=True)
class Frame:
    """One frame: where it is, and the lines below."""

    header: str
    library: str = ""
    body: list[str] = field(default_factory=list)


def reduced(name: str, value: str, lines: Sequence[str]) -> str:
    """Return what an error output says.

    Parameters
    ----------
    name, value:
        The exception's type and message. They are always in what is returned.
    lines:
        The traceback, in any of IPython's modes.
    """
    text = plain("\n".join(lines))
    if len(text) > MOST_READ:
        half = MOST_READ // 2
        skipped = text.count("\n", half, len(text) - half)
        text = f"{text[:half]}\n[… {skipped:,} lines left out …]\n{text[-half:]}"
    parts = blocks(base64s.without(text).split("\n"))
    out = rendered(parts)
    message = base64s.without(plain(f"{name}: {value}"[:MOST_READ] if value else name))
    last = shortened(PLACE.sub("", message))
    body = "\n".join(out).strip("\n")
    # Between frames blank lines are dropped, also those of a message.
    told = last.strip() and "\n".join(one for one in last.split("\n") if one.strip()).strip() in body
    return body if told else "\n".join(filter(None, [body, last]))


def shortened(message: str) -> str:
    """Return a message, without its middle where it is too long."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    head, tail = message[: LONGEST_MESSAGE * 2 // 3], message[-LONGEST_MESSAGE // 3 :]
    return f"{head} [… {len(message) - LONGEST_MESSAGE:,} characters left out …] {tail}"


def blocks(lines: Sequence[str]) -> list[Frame | str]:
    """Return a traceback as frames, and the lines between them."""
    parts: list[Frame | str] = []
    frame: Frame | None = None
    for text in lines:
        if RULE.fullmatch(text) or not text.strip(" |"):
            if frame is not None and not frame.body:
                continue
            frame = None if frame is not None and not text.strip(" |") else frame
            continue
        match = FRAME.fullmatch(text)
        if match is not None:
            frame = Frame(header(match), library_of(match))
            parts.append(frame)
        elif frame is not None and belongs(text, frame):
            frame.body.append(text)
        else:
            frame = None
            parts.append(text)
    return parts


def belongs(text: str, frame: Frame) -> bool:
    """Return whether a line is of the frame above it: its code, or the values of a verbose traceback."""
    if "|" in frame.header[: len(frame.header) - len(frame.header.lstrip(" |"))]:
        text = re.sub(r"^ {0,80}\| ?", "", text)
    return BODY.fullmatch(text) is not None or text.startswith("    ")


def header(match: re.Match[str]) -> str:
    """Return a frame's first line in one form, without the values of its arguments."""
    group = match.groupdict()
    place = group["cell"] or group["file1"] or group["file2"] or group["file3"] or ""
    place = re.sub(r"<ipython-input-(\d+)-[^>]*>", r"In [\1]", place.strip())
    place = "a cell" if TEMPORARY.search(place) else place
    line = group["line1"] or group["line2"] or group["line3"] or group["line4"]
    where = (group["where1"] or group["where2"] or group["where3"] or group["where4"] or "").strip()
    where = re.sub(r"\(.*", "", where) if "(" in where and not where.startswith("<") else where
    where = "" if where in ("<module>", "<module>()") else where
    words = [place, f"line {line}" if line else "", f"in {where}" if where else ""]
    return (group["margin"] or "").replace("+", "|") + ", ".join(filter(None, words))


def library_of(match: re.Match[str]) -> str:
    """Return the library that a frame is in; nothing for the user's own."""
    group = match.groupdict()
    place = group["file1"] or group["file2"] or group["file3"] or ""
    found = PACKAGE.search(place) or MADE.search(place) or STANDARD.search(place) or COMPILED.fullmatch(place)
    return found["name"] if found else ""


def rendered(parts: Sequence[Frame | str]) -> list[str]:
    """Return the lines that stay."""
    mine = [part for part in parts if isinstance(part, Frame) and not part.library]
    kept = mine if len(mine) <= MOST_FRAMES else [*mine[: MOST_FRAMES // 3], *mine[-MOST_FRAMES * 2 // 3 :]]
    keep = set(map(id, kept))
    out: list[str] = []
    run: list[Frame] = []
    lost = 0

    def flush() -> None:
        nonlocal lost
        if run:
            out.append(collapsed(run))
            run.clear()
        if lost:
            out.append(f"… {lost} more of your frames")
            lost = 0

    for part in parts:
        if isinstance(part, Frame) and part.library:
            run.append(part)
        elif isinstance(part, Frame):
            if id(part) in keep:
                flush()
                out += [part.header, *essential(part.body)]
            else:
                lost += 1
        else:
            flush()
            if not HEADER.fullmatch(part):
                out.append(short_line(part, LONGEST_MESSAGE))
    flush()
    return bounded(out)


def bounded(lines: list[str], most: int = 120) -> list[str]:
    """Return lines without the middle of too many."""
    if len(lines) <= most:
        return lines
    half = most // 2
    return [*lines[:half], f"[… {len(lines) - most:,} lines left out …]", *lines[-half:]]


def collapsed(frames: Sequence[Frame]) -> str:
    """Return one line for frames of libraries in a row."""
    names = list(dict.fromkeys(frame.library for frame in frames))
    shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    margin = re.match(r"[ |]*", frames[0].header)
    return f"{margin[0] if margin else ''}… {len(frames)} frame{'s' if len(frames) > 1 else ''} in {shown}"


def essential(body: Sequence[str]) -> list[str]:
    """Return the lines of code around the one that failed; values of a verbose traceback go."""
    numbered = [text for text in body if BODY.fullmatch(text)]
    if not numbered:
        return [short_line(text) for text in body[:6]]
    arrows = [at for at, text in enumerate(numbered) if re.match(r"\s*-+>", text)]
    if not arrows:
        return [short_line(text) for text in numbered[: 2 * LINES_AROUND + 1]]
    return [
        short_line(text)
        for text in numbered[max(0, arrows[0] - LINES_AROUND) : arrows[-1] + LINES_AROUND + 1][:12]
    ]
