"""What a machine and a model on it can do: rates, times and their accuracy, measured."""
