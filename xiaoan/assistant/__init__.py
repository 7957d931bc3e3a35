"""Where the model meets the bank: prompts, option scoring, answering, bank check."""
