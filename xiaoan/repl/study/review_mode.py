"""Review: practice over the wrong-question book, which says when each question comes again."""

from datetime import datetime, timedelta

from xiaoan.question_bank.progress import BookEntry
from xiaoan.repl.study.practice_mode import PracticeMode
from xiaoan.repl.study.study_mode import Asked
from xiaoan.repl.study.words import Act, Call
from xiaoan.terminal.session_report import due_lines


class ReviewMode(PracticeMode):
    """A round over questions of the book; a question can be pinned so that it stays."""

    def _show(self) -> None:
        super()._show()
        if not self.session.finished and self._recorder.is_pinned(self._question_id):
            self.around.screen.notice("已收藏：答对几次都留在错题本里。")

    def _after_verdict(self) -> None:
        if self._recorder.reason:
            return  # what was not written changed nothing in the book
        if self.session.position in self.session.answers:
            entry = self._recorder.entry(self._question_id)
            self.around.screen.notice(comes_again(entry, self.around.now()))

    def _do(self, call: Call, asked: Asked | None) -> None:
        if call.act is Act.PIN:
            self._pin()
        else:
            super()._do(call, asked)

    def _pin(self) -> None:
        self._check_at_question()
        on = not self._recorder.is_pinned(self._question_id)
        self._recorder.pin(self._question_id, on=on)
        self.around.screen.notice(
            "已收藏：答对几次都留在错题本里。" if on else "不再收藏，连着答对就离开错题本。"
        )

    def _say_what_comes_next(self) -> None:
        self._show_due()

    def _say_how_to_go_on(self) -> None:
        if self._recorder.kept:
            self._show_due()

    def _show_due(self) -> None:
        screen = self.around.screen
        self._gap()
        self._lines(due_lines(self._recorder.due_today(), plain=screen.plain, reviewed=True))

    @property
    def _question_id(self) -> str:
        return self.session.current.shown.question.id


def comes_again(entry: BookEntry | None, now: datetime) -> str:
    """Return when a question that was just answered comes again; None: it is not in the book any more."""
    if entry is None:
        return "连着答对了，这题离开错题本。"
    due = entry.due.astimezone(now.tzinfo)
    streak = f"，已连对 {entry.streak} 次" if entry.streak else ""
    return f"下次复习：{_when(due, now)}{streak}。"


def _when(due: datetime, now: datetime) -> str:
    if due <= now:
        return "现在就可以"
    days = (due.date() - now.date()).days
    if due - now < timedelta(hours=1):
        return f"{max(1, round((due - now).total_seconds() / 60))} 分钟后"
    if days == 0:
        return f"今天 {due:%H:%M}"
    if days == 1:
        return "明天"
    date = f"{due.month}月{due.day}日"
    return f"{date if due.year == now.year else f'{due.year}年{date}'}（{days} 天后）"
