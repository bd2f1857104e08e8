"""The settings as a server would have them, read without one."""

from __future__ import annotations

from jupyter_core.application import JupyterApp
from jupyter_core.paths import jupyter_config_dir
from traitlets.config import Config

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.settings import Settings, load


class Reader(JupyterApp):
    """Reads Jupyter's configuration files and does nothing else."""

    name = "tether"
    raise_config_file_errors = True


def read() -> Settings:
    """Return the settings in force: those that a server would start with, its command line aside.

    Raises
    ------
    InvalidRequest
        A layer holds what its setting cannot be, or a configuration file fails.
    """
    config = Config()
    # A server reads its own file first and the extension's after it.
    for name in ("jupyter_server_config", "jupyter_tether_config"):
        reader = Reader(config_file_name=name, raise_config_file_errors=True)
        try:
            reader.load_config_file()
        except Exception as reason:
            raise InvalidRequest(
                f"{name} in the Jupyter config folder fails ({type(reason).__name__}). Correct it, and see "
                "`jupyter --paths` for where it is."
            ) from reason
        config.merge(reader.config)
    return load(config, config_dir=jupyter_config_dir())
