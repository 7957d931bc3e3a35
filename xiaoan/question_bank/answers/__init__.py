"""What grading stands on: the options an answer names, quantities, blanks, keywords."""
