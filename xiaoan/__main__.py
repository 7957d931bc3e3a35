"""`python -m xiaoan` is the same as `xiaoan`."""

from xiaoan.cli.app import main

if __name__ == "__main__":
    main()
