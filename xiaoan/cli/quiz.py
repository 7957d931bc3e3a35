"""`xiaoan quiz`: a mock exam against the clock, or the same paper to print."""

import random
from dataclasses import dataclass, replace
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
    exports: Annotated[
        list[str] | None,
        typer.Option("--export", metavar="文件", help="交卷后把成绩写成 .xlsx、.json 或 .html，可写多次"),
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
    device: options.Device = None,
    dtype: options.Dtype = None,
    decode: options.Decode = None,
    config: options.Config = None,
) -> Action:
    """测验：一份有时间限制的模拟卷，交卷后给出成绩和错题。

    标准卷是单选 40 题、多选 15 题、判断 30 题，共 100 分，90 分钟，80 分及格。
    答案随时存下，中途离开或断电都可以用 --resume 从同一题、同样的剩余时间接着考。
    """
    common = options.Common(model, prefix, bank_files, device, dtype, None, decode, config, user, plain)
    choice = study.Choice(professions, types, clause, search, count, seed)
    form = Form(minutes, Path(blueprint).expanduser() if blueprint is not None else None)
    files = [Path(name).expanduser() for name in exports or ()]
    printable = Path(printed).expanduser() if printed is not None else None

    def action() -> int:
        settings, services = options.settings_for(context, common), options.services_of(context)
        if printable is not None:
            if resume or files or with_bot:
                raise UsageError(
                    "--print 只写卷子，不在这里考，不能和 --resume、--export、--with-bot 一起写。"
                )
            return _print(settings, services, choice.checked(), form, printable, force=force)
        exporter = _Exporter(tuple(files), force=force)
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

    def write(self, result: "PaperResult", room: "Room") -> None:
        """Write every file that can be written; then raise what hindered the others."""
        if not self.files:
            return
        from xiaoan.reports.export import export_result

        faults: list[str] = []
        for file in self.files:
            try:
                export_result(
                    result,
                    file,
                    when=room.services.now(),
                    user=room.user,
                    bank=room.bank_title,
                    force=self.force,
                )
                room.screen.notice(f"成绩写好了：{file}")
            except XiaoanError as error:
                faults.append(error.message)
        if faults:
            raise StorageError("\n".join(faults))


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
        chosen = {"minutes": form.minutes is not None, "blueprint": form.blueprint, "no-save": not save}
        choice.refuse_beside_resume(**chosen)
    with open_room(settings, services, save=save) as room:
        session_id = None
        if resume:
            session, session_id = room.resume("quiz", QuizSession.with_state)
        else:
            session = QuizSession(form.draw(room, choice))
            room.tell_unfinished("quiz")
            room.announce(session.paper)
        desk = room.desk(with_bot=with_bot or room.bot_follows)
        session = desk.run_quiz(session, room.recorder("quiz", session_id))
        if session.handed_in:
            exporter.write(session.result(), room)
        return desk.exit_code


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
