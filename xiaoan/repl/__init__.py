"""The interactive session: application, commands, completion."""
