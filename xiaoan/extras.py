"""Libraries of the optional extras: imported where they are used, and named where they are missing."""

import importlib
import warnings
from types import ModuleType

from xiaoan.errors import UsageError


def imported_extra(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Return the module of an optional extra; the warnings of its own import stay with it.

    Some libraries have escapes that Python warns of when it compiles them, or ask for packages that warn of themselves.

    Args:
        module: as it is imported.
        extra: of pyproject.toml, which brings it.
        purpose: what the person wanted, as it stands behind 要: `算 ROUGE 和 BLEU`.

    Raises:
        UsageError: it is not installed; the message says what to run.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"要{purpose}，还缺程序库 {error.name}。请运行：pip install 'xiaoan[{extra}]'"
        ) from error
