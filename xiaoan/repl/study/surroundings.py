"""What a study mode has around it: where it shows, which clocks it reads, whose bot it may ask."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from xiaoan.repl.interrupts import Interrupts

if TYPE_CHECKING:
    from xiaoan.repl.study.bot import Bot
    from xiaoan.terminal.screen import Screen


@dataclass
class Surroundings:
    """The screen, the clocks (`clock` in seconds, `now` local), the bank's title, the bot if there is one.

    `patient` says that a person reads along; `command` stands before `quiz --resume` in advice; `interrupts`
    are those of the line at hand.
    """

    screen: "Screen"
    clock: Callable[[], float]
    now: Callable[[], datetime]
    bank: str
    bot: "Bot | None"
    patient: bool
    command: str
    interrupts: Interrupts = field(init=False)

    def __post_init__(self) -> None:
        self.interrupts = Interrupts(self.clock)
