"""What of the README is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def readme_backend() -> str:
    """Return the back end of one's own."""
    (found,) = re.findall(r"```python\n# my_module\.py\n(.*?)```", README.read_text(), re.DOTALL)
    return str(found)
