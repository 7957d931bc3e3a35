"""Quiz: a paper with a clock, forward and back, graded when it is handed in."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.figures import duration_text
from xiaoan.question_bank.expected_answers import expected_answer
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.results import Tally, given_letters, given_lines
from xiaoan.question_bank.session import QuizSession
from xiaoan.repl.study.recorder import Recorder, attempt_of
from xiaoan.repl.study.study_mode import Asked, StudyMode, named_places
from xiaoan.repl.study.surroundings import Surroundings
from xiaoan.repl.study.toolbar import clipped, clock_text, toolbar_text
from xiaoan.repl.study.words import Act, Call, Mode, Word
from xiaoan.terminal.question_view import question_lines, verdict_lines_of
from xiaoan.terminal.session_report import result_lines

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.shuffling import ShownQuestion

_ECHO_WIDTH = 60
_NO_BOT = "测验是一份试卷，作答时不问小安。要小安一起作答，开始测验时加 --with-bot。"


class QuizMode(StudyMode):
    """One sitting of a paper; with the bot, each question is final as soon as the bot has answered it too."""

    kind = Mode.QUIZ

    def __init__(self, around: Surroundings, session: QuizSession, recorder: Recorder) -> None:
        super().__init__(around, session.paper)
        self.session = session
        self._recorder = recorder
        self._with_bot = self._bot_is_on
        self._at_end = False

    @property
    def time_is_up(self) -> bool:
        """Whether the limit of the paper is reached."""
        return self.session.time_is_up and not self.is_over

    def begin(self) -> None:
        """Save the beginning and show the question the person is at."""
        self._recorder.begin(self.paper, self.session.to_state())
        self._tell_news()
        if not self.time_is_up:
            self.show(at_top=True)

    def _show(self) -> None:
        """The current question with what was answered, or what there is to do at the end."""
        if self._at_end:
            self._show_end()
            return
        session = self.session
        text = session.answers.get(session.position, "")
        self._lines(
            question_lines(
                session.current.shown,
                session.position + 1,
                len(self.paper.items),
                plain=self.around.screen.plain,
                answered=echo(text, session.current.shown) if text else "",
                marked=session.position in session.marked,
                points=session.current.points,
            )
        )

    def words(self) -> Iterator[Word]:
        """Yield the words that can be used here: those of the bot only if it sits the paper too."""
        bots = () if self._with_bot else (Act.ASK_BOT, Act.SWITCH_BOT)
        return (word for word in super().words() if word.act not in bots)

    @property
    def prompt(self) -> str:
        """For an answer; with the time left where no toolbar shows it."""
        left = self.session.remaining_s
        if left is None or not (self.around.screen.plain and self.around.patient):
            return self._answer_prompt()
        return f"还剩 {duration_text(left)}，{self._answer_prompt()}"

    def toolbar(self, columns: int) -> str:
        """Return mode, bank, how many are answered, place and the time left (or spent, without a limit)."""
        session = self.session
        left = session.remaining_s
        facts = [
            f"已答 {len(session.answers)}",
            f"{session.position + 1}/{len(self.paper.items)}",
            f"用时 {clock_text(session.elapsed_s)}" if left is None else f"剩 {clock_text(left)}",
        ]
        return toolbar_text(self.kind.heading, self.around.bank, facts, columns)

    def spend(self, seconds: float) -> None:
        """Count the time against the limit."""
        self.session = self.session.spend(seconds)

    def save(self) -> None:
        """Save answers, place and time."""
        session = self.session
        self._recorder.save(session.to_state(), answered=len(session.answers), elapsed_s=session.elapsed_s)

    def run_out(self, *, typed: bool) -> None:
        """Hand in: the time is up."""
        late = "刚输入的没有算进去。" if typed else ""
        self.around.screen.warning(f"时间到，自动交卷。{late}")
        self._hand_in()

    def input_ended(self) -> None:
        """Hand in a paper whose hand-in a pipe asked for with its last line: nobody is there to be asked again."""
        if self._asked is Asked.HAND_IN and not self.around.patient:
            self._hand_in()

    def leave(self) -> None:
        """Save and say how to go on; a pipe that brought no answer leaves no paper behind."""
        screen = self.around.screen
        if not self.session.answers and not self.around.patient:
            self._recorder.finish()
            screen.notice("没有读到答案，这份卷子没有留下；用同样的卷号可以再出一份一样的。")
            return
        self.save()
        if not self._recorder.kept:
            screen.notice("没有交卷，这次也没有保存（--no-save）。")
        elif not self._recorder.reason:
            answered = f"已答 {len(self.session.answers)}/{len(self.paper.items)} 题"
            screen.notice(f"没有交卷，已保存，{answered}。")
            screen.notice(f"接着做用 {self.around.command}quiz --resume")

    def take_news(self) -> str | None:
        """Return what the person should be told about saving, once."""
        return self._recorder.take_news()

    def close(self) -> tuple[int, str]:
        """Try once more to save; return how many answers are not on disk, and why."""
        self._recorder.leave()
        return self._recorder.unsaved, self._recorder.reason

    def switch_bot(self, *, on: bool) -> None:
        """Send the bot away; a paper begun without it goes on without it."""
        if on and not self._with_bot:
            raise UsageError(_NO_BOT)
        if self.around.bot is not None:
            self.around.bot.on = on
        self.around.screen.notice("小安接着一起作答。" if on else "小安不再一起作答。")

    def _enter(self, asked: Asked | None) -> None:
        session = self.session
        if self._at_end or asked is Asked.HAND_IN:
            self._leave_end()
        elif session.position in session.answers or asked is Asked.SKIP:
            self._go_on()
        else:
            self._asked = Asked.SKIP
            expected = expected_answer(session.current.shown.question)
            self.around.screen.notice(f"这题还没有作答。{expected}；再按一次 Enter 先跳过。")

    def _answer(self, text: str) -> None:
        before = self.session.answers.get(self.session.position)
        self.session = self.session.answer(text)
        self.save()
        self._tell_news()
        noted = "已记下" if before is None else "已改为"
        given = self.session.answers[self.session.position]
        self.around.screen.notice(f"{noted}：{echo(given, self.session.current.shown)}")
        if self._with_bot and self._bot_is_on:
            self._hear_bot()
        self._go_on()

    def _do(self, call: Call, asked: Asked | None) -> None:
        if call.act is Act.NEXT:
            self._enter(Asked.SKIP)
        elif call.act is Act.BACK:
            self._go_back()
        elif call.act is Act.MARK:
            self._mark()
        elif call.act is Act.HAND_IN:
            self._ask_to_hand_in(asked)
        elif call.act is Act.WITHDRAW:
            self._withdraw()
        elif call.act is Act.ASK_BOT:
            self._ask_bot()
        elif call.act is Act.REVEAL:
            raise UsageError("测验里不能看答案，交卷之后一起看。")
        else:
            raise self._refuse(call)

    def _go_on(self) -> None:
        self._at_end = self.session.is_last
        if not self._at_end:
            self.session = self.session.next()
            self.save()
        self.show()

    def _go_back(self) -> None:
        if self._at_end:
            self._at_end = False
        elif self.session.position == 0:
            raise UsageError("这是第一题，前面没有题了。")
        else:
            self.session = self.session.back()
        self.save()
        self.show()

    def _go_to(self, place: int) -> None:
        self._at_end = False
        self.session = self.session.go_to(place)
        self.save()
        self.show()

    def _mark(self) -> None:
        self.session = self.session.toggle_mark()
        self.save()
        marked = self.session.position in self.session.marked
        self.around.screen.notice(
            f"{'已标记' if marked else '标记取消了'}：{named_places([self.session.position])}。"
        )

    def _withdraw(self) -> None:
        if self._at_end or self.session.position not in self.session.answers:
            raise UsageError("这题没有答案可以撤回；到要撤回的那一题再写，如：第1题")
        self.session = self.session.withdraw()
        self.save()
        self.around.screen.notice(f"已撤回：{named_places([self.session.position])}没有答案了。")

    def _show_end(self) -> None:
        unanswered, notice = self.session.unanswered, self.around.screen.notice
        marked = sorted(self.session.marked)
        if marked:
            notice(f"标记过的：{named_places(marked)}。")
        if unanswered:
            notice(
                f"到最后了，还有 {len(unanswered)} 道没有作答：{named_places(unanswered)}。"
                "Enter 去补答；输入“交卷”就交卷。"
            )
        else:
            notice("全部答完。Enter 交卷；上一题（-）回去检查。")

    def _leave_end(self) -> None:
        if self.session.unanswered:
            self._go_to(self.session.unanswered[0])
        else:
            self._hand_in()

    def _ask_to_hand_in(self, asked: Asked | None) -> None:
        """Hand in; ask once about unanswered questions, unless nobody is there or it was just said."""
        unanswered = self.session.unanswered
        if not unanswered or asked is Asked.HAND_IN or self._at_end:
            self._hand_in()
            return
        self._asked = Asked.HAND_IN
        self.around.screen.notice(
            f"还有 {len(unanswered)} 道没有作答：{named_places(unanswered)}。再输入一次“交卷”就交；Enter 去补答。"
        )

    def _hand_in(self) -> None:
        screen = self.around.screen
        self.session = self.session.hand_in()
        result = self.session.result()
        self._recorder.finish(
            [attempt_of(item, self.kind, self.around.now()) for item in result.items if item.is_answered],
            state=self.session.to_state(),
        )
        self._tell_news()
        self._gap()
        self._lines(result_lines(result, plain=screen.plain, width=screen.width))
        if self._recorder.kept and not self._recorder.reason:
            screen.notice(f"再看或导出这份成绩用 {self.around.command}quiz --last")
            if result.total.wrong + result.total.partly:
                screen.notice(f"复习错题用 {self.around.command}review")
        self.is_over = True

    def _ask_bot(self) -> None:
        if not self._with_bot:
            raise UsageError(_NO_BOT)
        if self.session.position not in self.session.answers:
            raise UsageError("测验里你先作答，小安随后作答。")
        if self.session.position in self.session.final:
            raise UsageError("这题小安已经答过了。")
        self._hear_bot()

    def _hear_bot(self) -> None:
        """The bot's answer and with it the bank's: from now on the question is final."""
        if self.session.position in self.session.final:
            return
        turn = self._bot_takes_turn(self.session.current)
        if turn is None:
            return
        self.session = self.session.settle()
        self.save()
        items = self.session.hand_in().result().items
        own = items[self.session.position]
        assert own.grade is not None
        self._lines(verdict_lines_of(own.grade, own.shown, own.given_lines, plain=self.around.screen.plain))
        self._show_tally(Tally.of(items[place] for place in sorted(self.session.final)))


def echo(text: str, shown: "ShownQuestion") -> str:
    """Return an answer as it was understood, in one short line: `A、C`, `正确`, `停电；验电`."""
    letters = given_letters(text, shown)
    if letters and shown.question.question_type is not QuestionType.JUDGE:
        return "、".join(letters)
    return clipped("；".join(given_lines(text, shown)), _ECHO_WIDTH)
