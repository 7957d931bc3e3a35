"""The bot sits the exam."""
