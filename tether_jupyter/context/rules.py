"""A hub's own rules for what must not be sent, found by their names."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tether_jupyter.core.frames import frames
from tether_jupyter.errors import Internal

if TYPE_CHECKING:
    from tether_jupyter.context.secrets import Rule

log = logging.getLogger("tether")


def rules_named(names: Sequence[str]) -> list[Rule]:
    """Return the rules that `module:name` stand for: functions, pairs, or lists of either.

    Raises
    ------
    Internal
        One cannot be found: what it was to hide must not be sent.
    """
    rules: list[Rule] = []
    for name in names:
        module, _, attribute = name.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except Exception as reason:
            log.error("the rule %s of Tether.mask_rules cannot be found: %s", name, frames(reason))
            raise Internal(
                "A rule of this server for hiding secrets cannot be found, so nothing was sent. Ask whoever "
                "runs the server to look at `Tether.mask_rules`."
            ) from reason
        rules += found if isinstance(found, list) else [found]
    return rules
