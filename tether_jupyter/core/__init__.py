"""What a turn is, with no Jupyter, Tornado, IPython, HTTP or SQL in it."""
