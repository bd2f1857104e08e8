"""One script for each promise that Tether makes in figures: see `README.md`."""
