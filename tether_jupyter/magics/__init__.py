"""`%tether` and `%%tether`. Loading this registers the names; all else waits for the first question."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics in a shell."""
    from tether_jupyter.magics.ask import AskMagics
    from tether_jupyter.magics.question_mark import keep_question_marks

    shell.register_magics(AskMagics)
    if keep_question_marks not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(keep_question_marks)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again, and close the connections that they hold."""
    from tether_jupyter.magics.question_mark import keep_question_marks

    if keep_question_marks in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(keep_question_marks)
    for table in shell.magics_manager.magics.values():
        table.pop("tether", None)
    magics = shell.magics_manager.registry.pop("AskMagics", None)
    if magics is not None:
        magics.close()
