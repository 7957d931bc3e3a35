"""Where the program notes what no person has to read: a file in the data folder, or nowhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = "xiaoan.log"
_BYTES = 1_000_000


@contextmanager
def noting(home: Path | None) -> Iterator[None]:
    """Meanwhile note what happens in a file under `home` (at most two of 1 MB); nowhere if it is not there."""
    import logging

    handler: logging.Handler = logging.NullHandler()
    if home is not None and home.is_dir():
        from logging.handlers import RotatingFileHandler

        handler = RotatingFileHandler(
            home / _NAME, maxBytes=_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("xiaoan")
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
        handler.close()
