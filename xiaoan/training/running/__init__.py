"""The training loop: batches, steps, states on disk, one process or several."""
