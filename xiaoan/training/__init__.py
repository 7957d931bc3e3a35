"""Texts, tokenizer and tensors; pre-training of the base and P-Tuning v2."""
