"""What a question may know of the notebook: its variables, cells, errors and files, cut to a budget."""
