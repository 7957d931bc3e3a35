"""Question banks: reading, writing, matching and grading. No torch here."""
