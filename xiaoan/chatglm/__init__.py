"""ChatGLM-6B v1 on today's transformers: configuration, model, tokenizer, prefix, generation, checkpoints."""
