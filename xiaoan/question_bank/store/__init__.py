"""Banks opened: the files meant, the cache of what was read, questions fetched when asked for."""
