"""The loop of a study mode: a line is read, obeyed, saved; Ctrl-C, Ctrl-D and the clock are heeded."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError, XiaoanError
from xiaoan.repl.interrupts import LEAVE_WITHIN_S, Interrupts
from xiaoan.repl.quiet_keyboard import quiet_keyboard
from xiaoan.repl.study.reader import Reader, Signal
from xiaoan.repl.study.surroundings import Surroundings
from xiaoan.repl.study.words import Act, Call, Mode, find_call, read_switch
from xiaoan.terminal.screen import Fact, Screen

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.paper import Paper
    from xiaoan.question_bank.session import PracticeSession, QuizSession
    from xiaoan.repl.study.bot import Bot
    from xiaoan.repl.study.recorder import Recorder
    from xiaoan.repl.study.study_mode import StudyMode

logger = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
"""Seconds between two savings of the time spent: about two are lost at most when the program is killed."""

_REST = 5
"""How many times as long as a saving took nothing is saved after it, if that is longer than `HEARTBEAT_S`."""

_INTERRUPTED = 130
_NOT_SAVED = 2


class StudyDesk:
    """Runs practice, review, quiz and 背题 for one person at one terminal or pipe.

    `exit_code` is 0, 130 when the person left by Ctrl-C twice, 2 when not everything could be saved.
    """

    def __init__(
        self,
        *,
        screen: Screen,
        reader: Reader,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        bank: str,
        bot: "Bot | None" = None,
        command: str = "xiaoan ",
    ) -> None:
        """Take where to show and read, a clock in seconds, the local time, the bank's title, the bot if any.

        `command` stands before `quiz --resume` when the person is told how to go on: `/` inside a session.
        """
        self.exit_code = 0
        self._reader = reader
        self._around = Surroundings(screen, clock, now, bank, bot, reader.patient, command)
        self._leaving = False
        self._interrupted_at_s: float | None = None
        self._looked_at_s = 0.0
        self._save_next_s = 0.0

    def run_practice(self, session: "PracticeSession", recorder: "Recorder") -> "PracticeSession":
        """Go through a round of practice, or of review (by `recorder.mode`); return it as it was left."""
        from xiaoan.repl.study.practice_mode import PracticeMode
        from xiaoan.repl.study.review_mode import ReviewMode

        kind = ReviewMode if recorder.mode is Mode.REVIEW else PracticeMode
        mode = kind(self._around, session, recorder)
        self._run(mode)
        return mode.session

    def run_quiz(self, session: "QuizSession", recorder: "Recorder") -> "QuizSession":
        """Go through a paper, with the bot if it is on; show the result if handed in; return it as it was left."""
        from xiaoan.repl.study.quiz_mode import QuizMode

        mode = QuizMode(self._around, session, recorder)
        self._run(mode)
        return mode.session

    def run_recital(self, paper: "Paper") -> None:
        """Go through a paper with its answers shown (背题); nothing is recorded."""
        from xiaoan.repl.study.recital_mode import RecitalMode

        self._run(RecitalMode(self._around, paper))

    def _run(self, mode: "StudyMode") -> None:
        self._leaving = False
        self._save_next_s = self._around.clock() + HEARTBEAT_S
        self._guarded(mode.begin)
        while not mode.is_over and not self._leaving:
            if mode.time_is_up:
                self._guarded(lambda: mode.run_out(typed=False))
                break
            try:
                self._step(mode)
            except KeyboardInterrupt:
                self._interrupted()
            self._tell_news(mode)
        if not mode.is_over:
            self._guarded(mode.leave)
        self._guarded(lambda: self._close(mode))

    def _step(self, mode: "StudyMode") -> None:
        line = self._read(mode)
        if mode.time_is_up:
            typed = isinstance(line, str) and bool(line.strip())
            self._guarded(lambda: mode.run_out(typed=typed))
        elif isinstance(line, str):
            self._interrupted_at_s = None
            self._guarded(lambda: self._obey(mode, line))
        elif line is Signal.CLOSED:
            self._guarded(mode.input_ended)
            self._leaving = True
        else:
            mode.interrupted()
            if line is Signal.INTERRUPTED:
                self._interrupted()
            else:
                self._interrupted_at_s = self._around.clock()

    def _read(self, mode: "StudyMode") -> str | Signal:
        """Read one line; meanwhile time is counted and saved, and a bot that answers along is loaded."""
        self._looked_at_s = self._around.clock()

        def tick() -> bool:
            self._count_time(mode)
            bot = self._around.bot
            if bot is not None and bot.on:
                # Only once the prompt is painted: importing torch holds everything up for a moment.
                bot.engine.start()
            return mode.time_is_up

        line = self._reader.read(mode.prompt, mode=mode.kind, toolbar=mode.toolbar, tick=tick)
        self._count_time(mode)
        return line

    def _count_time(self, mode: "StudyMode") -> None:
        now_s = self._around.clock()
        mode.spend(max(0.0, now_s - self._looked_at_s))
        self._looked_at_s = now_s
        if now_s >= self._save_next_s:
            mode.save()
            after_s = self._around.clock()
            # A disk that takes seconds must not have all of them: the person types meanwhile.
            self._save_next_s = after_s + max(HEARTBEAT_S, _REST * (after_s - now_s))

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do `work` so that Ctrl-C stops the bot but no saving, and no error ends the mode."""
        screen = self._around.screen
        with Interrupts(self._around.clock) as interrupts, quiet_keyboard(self._reader.keyboard):
            self._around.interrupts = interrupts
            try:
                work()
            except UsageError as error:
                screen.warning(error.message)  # nothing is lost: a ✗ would look like a wrong answer
            except XiaoanError as error:
                screen.error(error.message)
            except Exception as error:
                logger.exception("in a study mode")
                screen.error(f"出了意外：{type(error).__name__}: {error}。可以接着做；答过的题都在。")
        if interrupts.last_s is not None:
            # The second Ctrl-C of a pair often comes when the prompt is back already.
            self._interrupted_at_s = interrupts.last_s
        if interrupts.leaving:
            self._leave_by_interrupt()

    def _obey(self, mode: "StudyMode", text: str) -> None:
        if not text.strip():
            mode.enter()
            return
        call = find_call(text)
        if call is None:
            mode.answer(text)
        elif call.act is Act.FORCE_ANSWER:
            mode.answer(call.argument)
        elif call.act in (Act.LEAVE, Act.CLEAR, Act.HELP, Act.SWITCH_BOT):
            mode.interrupted()
            self._do_anywhere(mode, call)
        else:
            mode.do(call)

    def _do_anywhere(self, mode: "StudyMode", call: Call) -> None:
        """Do what is the same in every mode."""
        if call.act is Act.LEAVE:
            self._leaving = True
        elif call.act is Act.CLEAR:
            self._around.screen.clear()
            mode.show(at_top=True)
        elif call.act is Act.HELP:
            self._help(mode)
        else:
            self._switch_bot(mode, call)

    def _help(self, mode: "StudyMode") -> None:
        plain = self._around.screen.plain
        self._around.screen.page(
            f"{mode.kind.heading}里能输入的",
            [Fact(word.spoken_title if plain else word.title, word.help) for word in mode.words()],
            [
                "单独写或前面加 / 都行，大小写和全角半角都行。",
                "Enter 到下一题。Ctrl-D 保存并离开。",
                "Ctrl-C 清掉这一行，或停止小安；一秒内连按两次也是保存并离开。",
            ],
        )

    def _switch_bot(self, mode: "StudyMode", call: Call) -> None:
        if call.argument:
            mode.switch_bot(on=read_switch(call.argument))
            return
        on = self._around.bot is not None and self._around.bot.on
        state = "正跟着作答，小安 off 让它不跟。" if on else "没有跟着作答，小安 on 让它跟着。"
        self._around.screen.notice(f"小安{state}")

    def _interrupted(self) -> None:
        """Ctrl-C on an empty line: the second within a second leaves."""
        now_s = self._around.clock()
        before_s, self._interrupted_at_s = self._interrupted_at_s, now_s
        if before_s is not None and now_s - before_s <= LEAVE_WITHIN_S:
            self._leave_by_interrupt()
        else:
            self._around.screen.notice("（再按一次 Ctrl-C 或输入 exit 保存并离开）")

    def _leave_by_interrupt(self) -> None:
        self._leaving = True
        self.exit_code = _INTERRUPTED

    def _tell_news(self, mode: "StudyMode") -> None:
        while news := mode.take_news():
            self._around.screen.warning(news)

    def _close(self, mode: "StudyMode") -> None:
        """Say what could not be saved, if anything."""
        count, reason = mode.close()
        if count:
            self._around.screen.error(f"有 {count} 个答案没有存上：{reason}")
        else:
            self._tell_news(mode)
        if reason:
            self.exit_code = _NOT_SAVED
