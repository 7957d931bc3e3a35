"""What the matcher stands on: keys of stems, readings of what was typed, the index over a bank."""
