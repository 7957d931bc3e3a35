"""What people did with the questions, kept in one SQLite file from one start of the program to the next."""
