"""A bank file's bytes into sheets: guarded, in a child process, every cell as a person saw it."""
