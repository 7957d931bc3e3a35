"""小安 in the study modes: loaded when first needed, answers the question at hand, checked against that question."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xiaoan.repl.background import Background

if TYPE_CHECKING:
    from xiaoan.assistant.engine import Engine


@dataclass
class Bot:
    """A model that may be loading, whether it answers along, and how it decides (`auto`, `free`, `content`)."""

    engine: "Background[Engine]"
    on: bool = False
    decode: str = "auto"
