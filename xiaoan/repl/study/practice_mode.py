"""Practice: one question at a time, the verdict at once."""

from dataclasses import replace
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.question_bank.expected_answers import UnreadableAnswerError, expected_answer
from xiaoan.question_bank.question import RIGHT, judge_word
from xiaoan.question_bank.results import given_lines, item_result
from xiaoan.question_bank.session import PracticeSession
from xiaoan.repl.study.recorder import Recorder, attempt_of
from xiaoan.repl.study.study_mode import Asked, StudyMode, named_places
from xiaoan.repl.study.surroundings import Surroundings
from xiaoan.repl.study.toolbar import clock_text, toolbar_text
from xiaoan.repl.study.words import Act, Call
from xiaoan.terminal.question_view import answer_lines, question_lines, verdict_lines_of
from xiaoan.terminal.session_report import practice_summary_lines

if TYPE_CHECKING:
    from xiaoan.question_bank.progress import Attempt

_JUDGE_YOURSELF = "自己对照着判：答对了输入 对，没答对输入 错。"
_LOOK_IT_UP = "不会就输入“看答案”或 =。"


class PracticeMode(StudyMode):
    """A round over a `PracticeSession`; every answer is on disk before its verdict is shown."""

    def __init__(self, around: Surroundings, session: PracticeSession, recorder: Recorder) -> None:
        super().__init__(around, session.paper)
        self.kind = recorder.mode
        self.session = session
        self._recorder = recorder

    def begin(self) -> None:
        """Save the beginning and show the first question, or the one the person was at."""
        self._recorder.begin(self.paper, self.session.to_state())
        self._tell_news()
        self.show(at_top=True)

    def _show(self) -> None:
        """The current question, with its verdict if it is done; or what was skipped."""
        session, screen = self.session, self.around.screen
        if session.finished:
            self._show_end()
            return
        self._lines(
            question_lines(
                session.current.shown,
                session.position + 1,
                len(self.paper.items),
                plain=screen.plain,
                marked=session.position in session.marked,
            )
        )
        if session.is_done:
            self._show_verdict()

    @property
    def prompt(self) -> str:
        """For an answer, or for Enter where nothing is to be answered."""
        waits = self.session.finished or (self.session.is_done and not self.session.is_open)
        if not waits:
            return self._answer_prompt()
        return self._end_prompt() if self.session.finished else self._next_prompt()

    def toolbar(self, columns: int) -> str:
        """Return mode, bank, place, count of right answers and the time spent on answering."""
        session = self.session
        right = sum(answered.grade.verdict == "right" for answered in session.answers.values())
        facts = [
            f"对 {right}/{len(session.answers)}",
            f"{session.position + 1}/{len(self.paper.items)}",
            clock_text(session.elapsed_s),
        ]
        return toolbar_text(self.kind.heading, self.around.bank, facts, columns)

    def spend(self, seconds: float) -> None:
        """Count the time until the question is answered; reading the explanation costs nothing."""
        if not self.session.is_done:
            self.session = self.session.spend(seconds)

    def save(self) -> None:
        """Save where the person is."""
        self._save()

    def leave(self) -> None:
        """Save, show what was done so far, and say how to go on."""
        session, screen = self.session, self.around.screen
        gone_through = session.tally.count
        if not gone_through:
            self._recorder.finish()
            screen.notice(f"还没有作答，这次{self.kind.heading}没有留下什么。")
            return
        self._save()
        self._show_summary()
        self._say_how_to_go_on()

    def take_news(self) -> str | None:
        """Return what the person should be told about saving, once."""
        return self._recorder.take_news()

    def close(self) -> tuple[int, str]:
        """Try once more to save; return how many answers are not on disk, and why."""
        self._recorder.leave()
        return self._recorder.unsaved, self._recorder.reason

    def switch_bot(self, *, on: bool) -> None:
        """Let the bot answer after each question, or not."""
        if self.around.bot is None:
            raise UsageError("这次没有带模型，小安不能跟着作答。")
        self.around.bot.on = on
        said = "每题之后小安也会作答。" if on else "小安不再跟着作答；想听它怎么说，输入 ?。"
        self.around.screen.notice(said)

    def _enter(self, asked: Asked | None) -> None:
        session = self.session
        if session.finished:
            self._finish()
        elif (session.is_done and not session.is_open) or asked is Asked.SKIP:
            self._go_on()
        elif session.is_open:
            self._asked = Asked.SKIP
            self.around.screen.notice(f"{_JUDGE_YOURSELF}再按一次 Enter 先不判。")
        else:
            self._asked = Asked.SKIP
            expected = expected_answer(session.current.shown.question)
            self.around.screen.notice(f"这题还没有作答。{expected}；再按一次 Enter 先跳过。")
            self.around.screen.notice(_LOOK_IT_UP)

    def _answer(self, text: str) -> None:
        if self.session.is_open:
            self._judge(text)
            return
        try:
            self.session = self.session.answer(text)
        except UnreadableAnswerError as error:
            self.around.screen.warning(error.message)
            if not text.isascii():  # no slip of the finger: perhaps it says 不知道
                self.around.screen.notice(_LOOK_IT_UP)
            return
        if self.session.is_open:
            self._save()
        else:
            self._keep_attempt()
        self._tell_news()
        self._show_verdict()
        if not self.session.is_open:
            self._settled()

    def _judge(self, text: str) -> None:
        word = judge_word(text)
        if word is None:
            raise UsageError(f"这题已经答过了。{_JUDGE_YOURSELF}")
        self.session = self.session.judge_self(right=word == RIGHT)
        self._keep_attempt()
        self._tell_news()
        self.around.screen.notice("记下了：答对。" if word == RIGHT else "记下了：没答对。")
        self._settled()

    def _settled(self) -> None:
        """What follows when a question is done: the bot's turn, then Enter (or the next one for a pipe)."""
        self._after_verdict()
        if self._bot_is_on:
            self._hear_bot()
        if not self.around.patient:
            self._go_on()

    def _after_verdict(self) -> None:
        """For a mode that has more to say about an answered question."""

    def _hear_bot(self) -> None:
        if self._bot_takes_turn(self.session.current) is not None:
            self._show_tally(self.session.tally)

    def _do(self, call: Call, asked: Asked | None) -> None:  # noqa: ARG002 - one signature for all modes
        if call.act is Act.NEXT:
            self._enter(Asked.SKIP)
        elif call.act is Act.BACK:
            self._go_back()
        elif call.act is Act.MARK:
            self._mark()
        elif call.act is Act.REVEAL:
            self._reveal()
        elif call.act is Act.ASK_BOT:
            self._ask_bot()
        else:
            raise self._refuse(call)

    def _go_on(self) -> None:
        self.session = self.session.next()
        self._save()
        if self.session.finished and not (self.session.skipped and self.around.patient):
            self._finish()
        else:
            self.show()

    def _go_back(self) -> None:
        if not self.session.finished and self.session.position == 0:
            raise UsageError("这是第一题，前面没有题了。")
        self.session = self.session.back()
        self._save()
        self.show()

    def _go_to(self, place: int) -> None:
        self.session = replace(self.session, position=place, over=False)
        self._save()
        self.show()

    def _mark(self) -> None:
        self._check_at_question()
        self.session = self.session.toggle_mark()
        self._save()
        marked = self.session.position in self.session.marked
        counts = "" if self.session.is_done else "，答对了也会早些再来"
        self.around.screen.notice(f"已标记{counts}。" if marked else "标记取消了。")

    def _reveal(self) -> None:
        self._check_at_question()
        if self.session.is_done:
            raise UsageError("答案已经在上面了，按 Enter 到下一题。")
        self.session = self.session.reveal()
        self._save()
        self._show_verdict()
        self._settled()

    def _ask_bot(self) -> None:
        """The bot's answer beside the bank's: a question not answered yet counts as looked up."""
        self._check_at_question()
        fresh = not self.session.is_done
        turn = self._bot_takes_turn(self.session.current)
        if turn is None or not fresh:
            return
        self.session = self.session.reveal()
        self._save()
        self._show_verdict()
        if not self.around.patient:
            self._go_on()

    def _check_at_question(self) -> None:
        if self.session.finished:
            raise UsageError("题目都过完了：Enter 结束，上一题（-）回去。")

    def _show_verdict(self) -> None:
        session, plain = self.session, self.around.screen.plain
        shown = session.current.shown
        answered = session.answers.get(session.position)
        if answered is None:
            self._lines(answer_lines(shown, plain=plain))
            return
        given = given_lines(answered.text, shown)
        self._lines(verdict_lines_of(answered.grade, shown, given, plain=plain))
        if session.is_open:
            self.around.screen.notice(_JUDGE_YOURSELF)

    def _show_end(self) -> None:
        """Behind the last question: name what was skipped; nothing was where the end itself was cut off."""
        skipped = sorted(self.session.skipped)
        if not skipped:
            self.around.screen.notice("题目都过完了。Enter 结束。")
            return
        self.around.screen.notice(
            f"题目过完了，跳过了 {len(skipped)} 道：{named_places(skipped)}。Enter 结束；要回去做，输入 第{skipped[0] + 1}题。"
        )

    def _finish(self) -> None:
        self._recorder.finish(self._attempts_nobody_judged())
        self._tell_news()
        self._show_summary()
        self._say_what_comes_next()
        self.is_over = True

    def _show_summary(self) -> None:
        session, screen = self.session, self.around.screen
        self._gap()
        self._lines(
            practice_summary_lines(
                session.result(),
                title=f"这次{self.kind.heading}",
                revealed=len(session.revealed),
                skipped=len(session.skipped),
                plain=screen.plain,
                width=screen.width,
            )
        )

    def _attempts_nobody_judged(self) -> "list[Attempt]":
        """The answers to 简答题 that were left unjudged; they count by what they have of the answer."""
        items = self.session.result().items
        return [attempt_of(item, self.kind, self.around.now()) for item in items if item.is_estimated]

    def _save(self) -> None:
        session = self.session
        self._recorder.save(session.to_state(), answered=len(session.answers), elapsed_s=session.elapsed_s)

    def _keep_attempt(self) -> None:
        session = self.session
        answered = session.answers[session.position]
        item = item_result(
            session.position,
            session.current,
            (answered.text, answered.grade),
            seconds=answered.seconds,
            marked=session.position in session.marked,
        )
        self._recorder.save(
            session.to_state(),
            answered=len(session.answers),
            elapsed_s=session.elapsed_s,
            attempts=[attempt_of(item, self.kind, self.around.now())],
        )

    def _say_what_comes_next(self) -> None:
        """Say where the mistakes of a finished round are."""
        tally = self.session.tally
        if self._recorder.kept and not self._recorder.reason and tally.wrong + tally.partly:
            self._gap()
            self.around.screen.notice(f"没答对的在错题本里，复习用 {self.around.command}review")

    def _say_how_to_go_on(self) -> None:
        """Say how this round is gone on with, where it can be."""
        if not self._recorder.kept:
            self.around.screen.notice("这次没有保存（--no-save）。")
        elif not self._recorder.reason:
            place = f"第 {self.session.position + 1}/{len(self.paper.items)} 题"
            self.around.screen.notice(f"已保存，停在{place}。")
            self.around.screen.notice(f"接着做用 {self.around.command}{self.kind.value} --resume")
