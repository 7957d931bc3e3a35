"""How good the texts are that a trained model gives, and what it forgot."""
