"""`xiaoan quiz`: a mock exam against the clock, its result once more, or the same paper to print."""

import math
import random
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options, study
from xiaoan.cli.services import Action, Services
from xiaoan.config import Settings
from xiaoan.errors import StorageError, UsageError, XiaoanError

if TYPE_CHECKING:
    from xiaoan.cli.study_room import Room
    from xiaoan.question_bank.drawing.paper import Paper
    from xiaoan.question_bank.results import PaperResult

_UNKNOWN_BANK = "—"
"""A paper that was handed in is kept with its questions, not with the name of the bank they came from."""


def quiz(
    context: typer.Context,
    count: Annotated[
        int | None,
        typer.Option("--count", metavar="数", min=1, help="出多少题：按考卷的比例缩放，时间也跟着缩放"),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="分钟", min=0, help="考多少分钟，0 表示不限时")
    ] = None,
    blueprint: Annotated[
        str | None,
        typer.Option("--blueprint", metavar="文件", help="组卷方案 .toml；不写就是 100 分的标准卷"),
    ] = None,
    professions: study.Professions = None,
    types: study.Types = None,
    clause: study.Clause = "",
    search: study.Search = "",
    seed: study.PaperSeed = None,
    resume: study.Resume = False,
    last: Annotated[
        bool, typer.Option("--last", help="不考，再看一遍上次交卷的成绩和错题；可以和 --export 一起写")
    ] = False,
    exports: Annotated[
        list[str] | None,
        typer.Option("--export", metavar="文件", help="把成绩写成 .xlsx、.json 或 .html，可写多次"),
    ] = None,
    printed: Annotated[
        str | None,
        typer.Option("--print", metavar="文件", help="不在这里考，把卷子、答题卡和答案写成可以打印的 .html"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="要写的文件已经有了就覆盖它")] = False,
    with_bot: study.WithBot = False,
    no_save: study.NoSave = False,
    user: options.User = None,
    plain: options.Plain = None,
    bank_files: options.Bank = None,
    model: options.Model = None,
    prefix: options.Prefix = None,
    lora: options.Lora = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    decode: options.Decode = None,
    config: options.Config = None,
) -> Action:
    """测验：一份有时间限制的模拟卷，交卷后给出成绩和错题。

    标准卷是单选 40 题、多选 15 题、判断 30 题，共 100 分，90 分钟，80 分及格。
    答案随时存下，中途离开或断电都可以用 --resume 从同一题、同样的剩余时间接着考。
    """
    common = options.Common(
        model, prefix, bank_files, device, dtype, None, decode, config, user, plain, lora=lora
    )
    choice = study.Choice(professions, types, clause, search, count, seed)
    form = Form(minutes, Path(blueprint).expanduser() if blueprint is not None else None)
    files = [Path(name).expanduser() for name in exports or ()]
    printable = Path(printed).expanduser() if printed is not None else None

    def action() -> int:
        settings, services = options.settings_for(context, common), options.services_of(context)
        if printable is not None:
            if resume or last or files or with_bot:
                raise UsageError(
                    "--print 只写卷子，不在这里考，不能和 --resume、--last、--export、--with-bot 一起写。"
                )
            return _print(settings, services, choice.checked(), form, printable, force=force)
        exporter = _Exporter(tuple(files), force=force)
        if last:
            choice.refuse_beside(
                "--last 只看上次的成绩",
                **{**form.given, "resume": resume, "with-bot": with_bot, "no-save": no_save},
            )
            return _show_last(settings, services, exporter)
        return _sit(
            settings,
            services,
            choice.checked(),
            form,
            exporter,
            resume=resume,
            with_bot=with_bot,
            save=not no_save,
        )

    return action


@dataclass(frozen=True)
class Form:
    """What kind of paper a command line asks for: minutes (0 without limit, None as planned), and a plan."""

    minutes: float | None = None
    blueprint: Path | None = None

    @property
    def given(self) -> dict[str, object]:
        """Which options asked for it, by name; false where they did not."""
        return {"minutes": self.minutes is not None, "blueprint": self.blueprint}

    def draw(self, room: "Room", choice: study.Choice) -> "Paper":
        """Return a paper drawn from the room's bank.

        Raises:
            UsageError: the plan cannot be read, or the bank has nothing of what is asked for.
        """
        from xiaoan.question_bank.drawing.blueprint import (
            DEFAULT_BLUEPRINT,
            draw_paper,
            narrowed,
            read_blueprint,
            scaled,
        )
        from xiaoan.question_bank.grading import PartialCredit

        wanted = choice.wanted()
        plan = DEFAULT_BLUEPRINT if self.blueprint is None else read_blueprint(self.blueprint)
        plan = narrowed(plan, wanted.types)
        if choice.count is not None:
            plan = scaled(plan, choice.count)
        if self.minutes is not None:
            if not math.isfinite(self.minutes):
                raise UsageError(f"--minutes 的值不对：{self.minutes} 不是分钟数；不限时写 0。")
            plan = replace(plan, minutes=self.minutes or None)
        seed = room.seed(choice.seed)
        return draw_paper(
            room.bank,
            plan,
            wanted,
            rng=random.Random(seed),
            seed=seed,
            partial_credit=PartialCredit(room.settings.partial_credit),
        )


@dataclass(frozen=True)
class _Exporter:
    """The files that a result is to be written to."""

    files: tuple[Path, ...]
    force: bool

    def check(self) -> None:
        """Raise before the paper is sat what would hinder writing after it."""
        if not self.files:
            return
        from xiaoan.reports.export import check_result_place

        for file in self.files:
            check_result_place(file, force=self.force)

    def write(
        self, result: "PaperResult", room: "Room", *, when: datetime, bank: str, advice: str = ""
    ) -> None:
        """Write every file that can be written; then raise what hindered the others, and `advice`.

        `when` is the local time of handing in, `bank` the bank's name.
        """
        if not self.files:
            return
        from xiaoan.reports.export import export_result

        faults: list[str] = []
        for file in self.files:
            try:
                export_result(result, file, when=when, user=room.user, bank=bank, force=self.force)
                room.screen.notice(f"成绩写好了：{file}")
            except XiaoanError as error:
                faults.append(error.message)
        if faults:
            raise StorageError("\n".join([*faults, *([advice] if advice else [])]))


def _sit(
    settings: Settings,
    services: Services,
    choice: study.Choice,
    form: Form,
    exporter: _Exporter,
    *,
    resume: bool,
    with_bot: bool,
    save: bool,
) -> int:
    from xiaoan.cli.study_room import open_room
    from xiaoan.question_bank.session import QuizSession

    exporter.check()
    if resume:
        choice.refuse_beside(study.RESUMED, **{**form.given, "no-save": not save})
    with open_room(settings, services, save=save) as room:
        session_id = None
        if resume:
            session, session_id = room.resume("quiz", QuizSession.with_state)
        else:
            session = QuizSession(form.draw(room, choice))
            room.tell_unfinished("quiz")
            room.announce(session.paper)
        room.tell_keys(kept=save)
        desk = room.desk(with_bot=with_bot or room.bot_follows)
        recorder = room.recorder("quiz", session_id)
        session = desk.run_quiz(session, recorder)
        if session.handed_in:
            again = f"成绩没有丢，再导出用 {room.command}quiz --last --export 文件"
            kept = recorder.kept and not recorder.reason
            exporter.write(
                session.result(),
                room,
                when=services.now(),
                bank=room.bank_title,
                advice=again if kept else "",
            )
            if resume:
                room.tell_unfinished("quiz")
        return desk.exit_code


def _show_last(settings: Settings, services: Services, exporter: _Exporter) -> int:
    from xiaoan.cli.study_room import open_room
    from xiaoan.question_bank.drawing.paper import Paper
    from xiaoan.question_bank.session import QuizSession
    from xiaoan.terminal.session_report import result_lines

    exporter.check()
    with open_room(settings, services, read_only=True) as room:
        finished = room.progress.last_finished("quiz")
        if finished is None:
            raise UsageError(f"{room.user} 还没有交过卷。先考一次：{room.command}quiz")
        try:
            result = QuizSession.with_state(Paper.from_document(finished.paper), finished.state).result()
        except ValueError as error:
            raise StorageError(f"上次的卷子存坏了，看不了：{error}。") from error
        when = finished.finished_at.astimezone(services.now().tzinfo)
        screen = room.screen
        screen.notice(f"{when:%Y-%m-%d %H:%M} 交的卷。")
        screen.lines(result_lines(result, plain=screen.plain, width=screen.width))
        exporter.write(result, room, when=when, bank=_UNKNOWN_BANK)
    return 0


def _print(
    settings: Settings,
    services: Services,
    choice: study.Choice,
    form: Form,
    file: Path,
    *,
    force: bool,
) -> int:
    from xiaoan.cli.study_room import open_room
    from xiaoan.reports.export import check_page_place, export_paper

    check_page_place(file, force=force)
    with open_room(settings, services, save=False) as room:
        paper = form.draw(room, choice)
        export_paper(paper, file, bank=room.bank_title, force=force)
        notes = [*paper.notes, "先是试卷，后面另起页是答题卡和答案。"]
        room.screen.page(f"卷子写好了：{file}（{len(paper)} 题，卷号 {paper.seed}）", (), notes)
    return 0
