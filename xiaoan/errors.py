"""Everything this program raises for a person to read.

XiaoanError                 exit code 2
├── UsageError              wrong words on the command line or in a file of settings
├── BankError               a question bank that cannot be read at all
├── CheckpointError         a model, tokenizer or prefix folder that cannot be used
│   └── PrefixMismatchError a prefix that was not made for this base
├── DeviceError             the device or precision asked for is not to be had, or memory is too small
└── StorageError            a folder or file of the user's that cannot be read or written
Interrupted                 exit code 130, the person pressed Ctrl-C

A message says what was found, what was expected, where, and what to do next. It is Chinese and ends up on one screen.
"""


class XiaoanError(Exception):
    """Base of all errors that are shown without a traceback."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(XiaoanError):
    """Wrong arguments or settings."""


class BankError(XiaoanError):
    """A question bank that cannot be read at all."""


class CheckpointError(XiaoanError):
    """A model, tokenizer or prefix folder that cannot be used."""


class PrefixMismatchError(CheckpointError):
    """A prefix that was made for another base; the message carries both shapes."""


class DeviceError(XiaoanError):
    """A device or precision that is not available, or too little memory for the model."""


class StorageError(XiaoanError):
    """A file or folder of the user's that cannot be read or written."""


class Interrupted(XiaoanError):  # noqa: N818 - a person's wish, not a fault
    """The person pressed Ctrl-C."""

    exit_code = 130
