"""PDF: the text of its pages, by pypdf."""

from __future__ import annotations

import time
from typing import IO

from tether_jupyter.store.extract import MAX_TEXT, Extract

MAX_PAGES = 5_000
SECONDS = 6.0
"""Computing after which no further page is begun: the process has a hard limit that would lose them all."""
NOT_HERE = (
    "Its text cannot be read without pypdf: run `pip install 'tether-jupyter[files]'` where the server runs, "
    "and upload it again."
)


def read(file: IO[bytes], _: str) -> Extract:
    """Return the text of a PDF's pages."""
    try:
        import pypdf
        from pypdf.errors import DependencyError, FileNotDecryptedError
    except ImportError:
        return Extract(problem=NOT_HERE)
    locked = Extract(problem="Its text cannot be read: it is locked with a password. Upload an open copy.")
    document = pypdf.PdfReader(file)
    try:
        if document.is_encrypted and not document.decrypt(""):
            return locked
        count = len(document.pages)
    except (DependencyError, FileNotDecryptedError):
        return locked
    parts: list[str] = []
    length, unread, done = 0, 0, 0
    for number in range(min(count, MAX_PAGES)):
        if length > MAX_TEXT or time.process_time() > SECONDS:
            break
        done += 1
        try:
            text = document.pages[number].extract_text().strip()
        except (MemoryError, RecursionError):
            raise
        except Exception:  # noqa: BLE001 - one broken page does not take the others with it
            unread += 1
            continue
        if text:
            parts.append(f"[page {number + 1}]\n{text}")
            length += len(parts[-1])
    facts = {"pages": count}
    if not parts and unread:
        return Extract(problem="Its text cannot be read: its pages are broken.", facts=facts)
    if not parts:
        return Extract(problem="It holds no text: its pages are pictures, perhaps.", facts=facts)
    notes = [f"Only the first {done:,} of its {count:,} pages are read."] if done < count else []
    notes += [f"{unread:,} pages are broken and left out."] if unread else []
    whole = "\n\n".join(parts)
    if len(whole) > MAX_TEXT and not notes:
        notes.append(f"Only the first {MAX_TEXT:,} characters are read.")
    return Extract(whole[:MAX_TEXT], " ".join(notes) or None, facts)
