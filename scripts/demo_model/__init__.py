"""The recipe of Tether's demo model: its text, its tokenizer, its training and its measurement."""
