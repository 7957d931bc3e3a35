"""背题: questions with their answers shown, to be read; nothing is asked and nothing recorded."""

from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.repl.study.study_mode import Asked, StudyMode
from xiaoan.repl.study.surroundings import Surroundings
from xiaoan.repl.study.toolbar import toolbar_text
from xiaoan.repl.study.words import Act, Call, Mode
from xiaoan.terminal.question_view import answer_lines, question_lines

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.paper import Paper


class RecitalMode(StudyMode):
    """Goes through a paper, answers shown."""

    kind = Mode.RECITAL

    def __init__(self, around: Surroundings, paper: "Paper") -> None:
        super().__init__(around, paper)
        self._position = 0

    def begin(self) -> None:
        """Show the first question; for a pipe all of them."""
        self.show(at_top=True)
        while not self.around.patient and not self.is_over:
            self._enter(None)

    def _show(self) -> None:
        """The current question with its answer."""
        shown, plain = self.paper.items[self._position].shown, self.around.screen.plain
        self._lines(question_lines(shown, self._position + 1, len(self.paper.items), plain=plain))
        self._lines(answer_lines(shown, plain=plain))
        if self._bot_is_on:
            self._hear_bot()

    @property
    def prompt(self) -> str:
        """For Enter."""
        return self._end_prompt() if self._position + 1 == len(self.paper.items) else self._next_prompt()

    def toolbar(self, columns: int) -> str:
        """Return mode, bank and place."""
        place = f"{self._position + 1}/{len(self.paper.items)}"
        return toolbar_text(self.kind.heading, self.around.bank, [place], columns)

    def spend(self, seconds: float) -> None:
        """Count nothing."""

    def save(self) -> None:
        """Keep nothing."""

    def leave(self) -> None:
        """Say how far it went; there is nothing to save."""
        self.around.screen.notice(f"背到第 {self._position + 1}/{len(self.paper.items)} 题，背题不作记录。")

    def switch_bot(self, *, on: bool) -> None:
        """Let the bot answer each question too, or not."""
        if self.around.bot is None:
            raise UsageError("这次没有带模型，小安不能跟着作答。")
        self.around.bot.on = on
        self.around.screen.notice("小安跟着作答。" if on else "小安不再跟着作答。")

    def _enter(self, asked: Asked | None) -> None:  # noqa: ARG002
        if self._position + 1 < len(self.paper.items):
            self._go_to(self._position + 1)
        else:
            self.around.screen.notice(f"{len(self.paper.items)} 道题都背过了。")
            self.is_over = True

    def _answer(self, text: str) -> None:  # noqa: ARG002
        raise UsageError("背题只看不答：按 Enter 到下一题。要作答请用练习。")

    def _do(self, call: Call, asked: Asked | None) -> None:
        if call.act is Act.NEXT:
            self._enter(asked)
        elif call.act is Act.BACK:
            if self._position == 0:
                raise UsageError("这是第一题，前面没有题了。")
            self._go_to(self._position - 1)
        elif call.act is Act.ASK_BOT:
            self._hear_bot()
        else:
            raise self._refuse(call)

    def _go_to(self, place: int) -> None:
        self._position = place
        self.show()

    def _hear_bot(self) -> None:
        self._bot_takes_turn(self.paper.items[self._position])
