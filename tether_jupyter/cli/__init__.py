"""The command `tether`: models on this machine, and what is the matter where something is."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tether_jupyter.errors import TetherError

INTERRUPTED = 130
"""What a shell calls a command that ended by Ctrl+C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 for a problem, 2 for a wrong use."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except TetherError as reason:
        print(f"tether: {reason.message}", file=sys.stderr)
        if reason.hint:
            print(reason.hint, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntether: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough of it; the interpreter must not find that out once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as reason:  # noqa: BLE001 - people get words, and the place for a report
        from tether_jupyter.core.frames import frames

        print(
            f"tether: something went wrong inside Tether. Please report this:\n{frames(reason)}",
            file=sys.stderr,
        )
        return 1
    return status


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    from tether_jupyter import __version__

    top = argparse.ArgumentParser(
        prog="tether",
        description="Models on this machine for Tether, the assistant that belongs to the notebook.",
        epilog="`jupyter tether` serves Tether by itself; `jupyter lab` has it in its sidebar.",
    )
    top.add_argument("--version", action="version", version=f"tether {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    models = commands.add_parser("models", help="list the models that are here, and some worth having")
    models.add_argument("--json", action="store_true", help="print JSON")
    models.set_defaults(run=run_models)

    pull = commands.add_parser("pull", help="fetch a model from the hub")
    pull.add_argument(
        "name",
        metavar="NAME|REPO[:FILE|:QUANT]",
        help="a name that `tether models` lists, or a repository of the hub such as OWNER/REPO:Q4_K_M",
    )
    pull.set_defaults(run=run_pull)

    remove = commands.add_parser("rm", help="remove models, or what a broken-off pull has left")
    remove.add_argument("names", metavar="NAME", nargs="+", help="a name that `tether models` lists")
    remove.set_defaults(run=run_remove)

    doctor = commands.add_parser("doctor", help="say what is installed, which GPU there is, and what to do")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=run_doctor)
    return top


def run_models(options: argparse.Namespace) -> int:
    """Run `tether models`."""
    from tether_jupyter.cli import models

    return models.show(as_json=options.json)


def run_pull(options: argparse.Namespace) -> int:
    """Run `tether pull`."""
    from tether_jupyter.cli import pull

    return pull.run(options.name)


def run_remove(options: argparse.Namespace) -> int:
    """Run `tether rm`."""
    from tether_jupyter.cli import models

    return models.remove(options.names)


def run_doctor(options: argparse.Namespace) -> int:
    """Run `tether doctor`."""
    from tether_jupyter.cli import doctor

    return doctor.show(as_json=options.json)
