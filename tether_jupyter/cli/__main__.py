"""`python -m tether_jupyter.cli`, where the command itself is not on the path."""

import sys

from tether_jupyter.cli import main

sys.exit(main())
