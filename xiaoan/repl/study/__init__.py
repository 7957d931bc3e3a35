"""Practice, review, quiz and 背题 at the prompt."""
