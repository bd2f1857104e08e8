"""What a kernel's variables, last error and running cell look like, without running any of their code.

It needs the standard library alone and imports nothing that is not loaded, so that it can be sent as source
into a kernel of another environment, down to Python 3.9.
"""

from .failure import error
from .guest import answer, settle
from .progress import running
from .survey import look

__all__ = ["answer", "error", "look", "running", "settle"]
