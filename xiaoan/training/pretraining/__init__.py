"""Pre-training of a small base: vocabulary, field texts, weights."""
