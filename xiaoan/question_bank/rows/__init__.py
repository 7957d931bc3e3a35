"""A sheet into questions: its header, its rows, and what is wrong with them."""
