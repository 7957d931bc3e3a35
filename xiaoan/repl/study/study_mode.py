"""What practice, review, quiz and 背题 have in common: a question on the screen, Enter, words, a bot at the table."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.repl.study.words import Act, Call, Mode, Word, read_place, words_of
from xiaoan.terminal.verdict import Line

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.paper import Paper, PaperItem
    from xiaoan.question_bank.results import Tally
    from xiaoan.repl.study.bot_turn import Turn
    from xiaoan.repl.study.surroundings import Surroundings

_NAMED_AT_MOST = 20


class Asked(Enum):
    """What the person was asked to confirm with the line before."""

    SKIP = auto()
    HAND_IN = auto()


class StudyMode(ABC):
    """One run of a mode. The desk calls `enter`, `answer` and `do`; errors of a person's are raised and cost nothing."""

    kind: Mode

    def __init__(self, around: "Surroundings", paper: "Paper") -> None:
        self.around = around
        self.paper = paper
        self.is_over = False
        """Whether there is nothing more to do."""
        self._asked: Asked | None = None
        self._bot_turns: dict[str, Turn] = {}

    @abstractmethod
    def begin(self) -> None:
        """Save the beginning and show the first question."""

    def words(self) -> Iterator[Word]:
        """Yield the words that can be used here, for help."""
        return words_of(self.kind)

    def show(self, *, at_top: bool = False) -> None:
        """Show where the person is, below a free line unless `at_top`: a question, or what there is to do at the end."""
        if not at_top:
            self._gap()
        self._show()

    @abstractmethod
    def _show(self) -> None: ...

    @property
    @abstractmethod
    def prompt(self) -> str:
        """What stands in front of the line to be typed."""

    @abstractmethod
    def toolbar(self, columns: int) -> str:
        """Return the line at the bottom."""

    @property
    def time_is_up(self) -> bool:
        """Whether the time limit, if there is one, is reached."""
        return False

    def run_out(self, *, typed: bool) -> None:
        """End a mode whose time is up; `typed` says that a line came too late."""
        raise NotImplementedError("only a mode with a limit runs out")

    @abstractmethod
    def spend(self, seconds: float) -> None:
        """Count time for the current question."""

    @abstractmethod
    def save(self) -> None:
        """Save where the person is and how much time is spent; called every few seconds."""

    @abstractmethod
    def leave(self) -> None:
        """Save what there is and say how to go on; called when the person leaves before the end."""

    def input_ended(self) -> None:  # noqa: B027 - most modes have nothing to do then
        """Do what the end of the input asks for, beyond leaving."""

    def take_news(self) -> str | None:
        """Return what the person should be told about saving, once."""
        return None

    def close(self) -> tuple[int, str]:
        """Let go of what is held; return how many answers could not be saved, and why."""
        return 0, ""

    def interrupted(self) -> None:
        """Something came between: what the person was asked to confirm is to be asked anew."""
        self._asked = None

    def enter(self) -> None:
        """Do what an empty line asks for."""
        asked, self._asked = self._asked, None
        self._enter(asked)

    def answer(self, text: str) -> None:
        """Take `text` as the answer; raises UsageError where it is none."""
        self._asked = None
        self._answer(text)

    def do(self, call: Call) -> None:
        """Do what a word asks for; raises UsageError where it cannot be done."""
        asked, self._asked = self._asked, None
        if call.act is Act.GO_TO:
            self._go_to(self._read_place(call))
        else:
            self._do(call, asked)

    @abstractmethod
    def _enter(self, asked: Asked | None) -> None: ...

    @abstractmethod
    def _answer(self, text: str) -> None: ...

    @abstractmethod
    def _do(self, call: Call, asked: Asked | None) -> None: ...

    @abstractmethod
    def _go_to(self, place: int) -> None: ...

    @abstractmethod
    def switch_bot(self, *, on: bool) -> None:
        """Let the bot answer along, or not; raises UsageError where that cannot be."""

    def _answer_prompt(self) -> str:
        return "作答：" if self.around.screen.plain else "🙋 "

    def _next_prompt(self) -> str:
        return "按 Enter 继续：" if self.around.screen.plain else "Enter 继续 › "

    def _end_prompt(self) -> str:
        return "按 Enter 结束：" if self.around.screen.plain else "Enter 结束 › "

    def _lines(self, lines: Iterable[Line]) -> None:
        self.around.screen.lines(lines)

    def _gap(self) -> None:
        """Leave a line free below what belongs together, for those who look."""
        if not self.around.screen.plain:
            self._lines([Line("")])

    def _tell_news(self) -> None:
        while news := self.take_news():
            self.around.screen.warning(news)

    def _refuse(self, call: Call) -> UsageError:
        return UsageError(f"{self.kind.heading}里不用“{call.written}”。输入 help 看这里能用什么。")

    def _read_place(self, call: Call) -> int:
        number = read_place(call.argument)
        count = len(self.paper.items)
        if number is None or not 1 <= number <= count:
            raise UsageError(f"没有第 {call.argument[:20] or '?'} 题，这里有第 1 到第 {count} 题，如：第1题")
        return number - 1

    def _bot_takes_turn(self, item: "PaperItem") -> "Turn | None":
        """Let the bot answer `item` if there is one; None if it did not."""
        bot = self.around.bot
        if bot is None:
            raise UsageError("这次没有带模型，问不了小安。")
        from xiaoan.repl.study.bot_turn import take_turn

        turn = take_turn(bot, item.shown, self.around)
        if turn is not None and not turn.stopped:
            self._bot_turns[item.shown.question.id] = turn
        return turn

    def _show_tally(self, person: "Tally") -> None:
        from xiaoan.repl.study.bot_turn import tally_of
        from xiaoan.terminal.session_report import tally_line

        bot = tally_of(self._bot_turns.values())
        self._lines([tally_line(person, bot, plain=self.around.screen.plain)])

    @property
    def _bot_is_on(self) -> bool:
        return self.around.bot is not None and self.around.bot.on


def named_places(places: Iterable[int]) -> str:
    """Return places (from 0) as people say them: `第 2、5、9 题`; many are cut short."""
    numbers = [str(place + 1) for place in places]
    more = " 等" if len(numbers) > _NAMED_AT_MOST else ""
    return f"第 {'、'.join(numbers[:_NAMED_AT_MOST])} 题{more}"
