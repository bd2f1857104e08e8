"""Model files: the ones on this machine, the ones worth having, and how one gets here from a hub."""
