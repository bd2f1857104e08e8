"""`%tether` and `%%tether`. Loading this registers the names; all else waits for the first question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics in a shell."""
    from tether_jupyter.magics.ask import AskMagics
    from tether_jupyter.magics.question_mark import keep_question_marks

    if (before := registered(shell)) is not None:
        before.leave()
    magics = AskMagics(shell)
    shell.register_magics(magics)
    magics.enter()
    if keep_question_marks not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(keep_question_marks)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again, and close the connections that they hold."""
    from tether_jupyter.magics.question_mark import keep_question_marks

    if keep_question_marks in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(keep_question_marks)
    for table in shell.magics_manager.magics.values():
        table.pop("tether", None)
    if (magics := registered(shell)) is not None:
        del shell.magics_manager.registry["AskMagics"]
        magics.leave()


def registered(shell: InteractiveShell) -> Any:
    """Return the magics that a shell has; `None` where it has none."""
    return shell.magics_manager.registry.get("AskMagics")
