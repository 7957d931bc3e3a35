"""How questions are drawn from a bank for one person, and how each of them is shown."""
