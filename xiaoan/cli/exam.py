"""`xiaoan exam`: the bot sits the exam; tables, a JSON document, a page, a workbook."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.flag_sets import taking
from xiaoan.cli.services import Action, Services, write_json
from xiaoan.config import Settings, bank_paths
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.cli.exam_sitting import ExamRoom
    from xiaoan.evaluation.exam_results import ExamResult


@dataclass(frozen=True, kw_only=True)
class ExamFlags:
    """What one command line gave; None and empty mean not given."""

    questions: Annotated[
        list[str] | None,
        typer.Option(
            "--questions", metavar="文件", help="考这些题（任何题库版式），可写多次；不写就考题库自己的题"
        ),
    ] = None
    forms: Annotated[
        list[str] | None,
        typer.Option(
            "--form",
            metavar="问法",
            help="plain、options、shuffled、circular、marks、noisy、spoken，可写多次；"
            "不写就考 plain、options、shuffled、noisy、spoken",
        ),
    ] = None
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="数", min=1, help="只抽这么多题，各题型按题数分配")
    ] = None
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--compare",
            metavar="A B",
            help="两次考试两两对照：now、存下的 .json，或 prefix=off、dtype=int8,device=cpu 这样的设置",
        ),
    ] = None
    others: Annotated[
        bool,
        typer.Option(
            "--others/--no-others",
            help="自由生成、不带前缀、查题库、TF-IDF 等别的办法也考一遍（带选项的问法）",
        ),
    ] = True
    record: Annotated[
        str | None, typer.Option("--record", metavar="文件", help="边考边记，断了可以用 --resume 接着考")
    ] = None
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="文件", help="接着这份记录考；没有这个文件就从头考、从头记"),
    ] = None
    as_json: options.AsJson = False
    html: Annotated[
        str | None, typer.Option("--html", metavar="文件", help="另写一份带图的网页，不联网也能打开")
    ] = None
    xlsx: Annotated[
        str | None, typer.Option("--xlsx", metavar="文件", help="另写一份工作簿：成绩、错题、全部作答")
    ] = None
    force: Annotated[bool, typer.Option("--force", help="要写的文件已经有了就覆盖")] = False
    model: options.Model = None
    prefix: options.Prefix = None
    lora: options.Lora = None
    bank_files: options.Bank = None
    device: options.Device = None
    dtype: options.Dtype = None
    seed: options.Seed = None
    decode: options.Decode = None
    plain: options.Plain = None
    config: options.Config = None


@taking(ExamFlags)
def exam(context: typer.Context, flags: ExamFlags) -> Action:
    """让小安考一遍题库，按题型、专业和问法列出正确率，和别的办法比。

    每道题都走用户提问的那条路，只看模型自己的回答。各个数是什么意思、能说明什么：docs/evaluation.md。
    例：xiaoan exam --html 考试.html
    例：xiaoan exam --form options --compare prefix=off now
    """
    common = options.Common(
        flags.model,
        flags.prefix,
        flags.bank_files,
        flags.device,
        flags.dtype,
        flags.seed,
        flags.decode,
        flags.config,
        plain=flags.plain,
        lora=flags.lora,
    )

    def action() -> int:
        return _exam(flags, options.settings_for(context, common), options.services_of(context))

    return action


def _exam(flags: ExamFlags, settings: Settings, services: Services) -> int:
    from xiaoan.cli.exam_sitting import ExamRoom

    forms = _forms(flags)
    places = _Places.of(flags, settings)
    if flags.compare is not None:
        from xiaoan.cli.exam_compare import compared_exam

        result = compared_exam(flags.compare, flags, forms, settings, services, record=places.record)
    else:
        room = ExamRoom.open(settings, services, flags.questions or (), forms, flags.limit)
        result = _single_exam(room, settings, places, others=flags.others)
    places.write(result)
    if flags.as_json:
        from xiaoan.cli.exam_documents import exam_document

        write_json(services.stdout, exam_document(result), indent=2)
    else:
        _show(result, settings, services)
        places.tell(services)
    return 0


def _forms(flags: ExamFlags) -> tuple[str, ...]:
    """The forms to ask; raises for an unknown one before anything is loaded."""
    from xiaoan.evaluation.forms import DEFAULT_FORMS, form_named

    forms = tuple(dict.fromkeys(flags.forms or DEFAULT_FORMS))
    for name in forms:
        form_named(name)
    return forms


def _single_exam(room: "ExamRoom", settings: Settings, places: "_Places", *, others: bool) -> "ExamResult":
    from xiaoan.evaluation.exam_results import figures_of

    run = room.sit(settings, room.bank, record=places.record, with_others=others)
    beside = [one for one in run.sittings if one.form in run.others_forms]
    return replace(
        room.result_of(run, room.bank),
        others=run.others,
        others_forms=run.others_forms,
        beside_others=figures_of(beside) if run.others else None,
    )


def _show(result: "ExamResult", settings: Settings, services: Services) -> None:
    from xiaoan.cli.study import is_plain
    from xiaoan.terminal.exam_report import comparison_lines, exam_lines
    from xiaoan.terminal.verdict import Line

    screen = services.screen(services.stdout, plain=is_plain(settings, services))
    width, plain = screen.width, screen.plain
    if result.comparison is not None:
        screen.lines(comparison_lines(result.comparison, result, width=width, plain=plain))
        screen.lines([Line(""), Line("B 自己的成绩", "xiaoan.title")])
    screen.lines(exam_lines(result, width=width, plain=plain))


@dataclass(frozen=True)
class RecordPlace:
    """Where the record of an exam lies, and whether it is one to go on with."""

    path: Path
    resumes: bool
    force: bool


@dataclass(frozen=True)
class _Places:
    """The files that this exam writes; each was looked at before the exam."""

    html: Path | None
    xlsx: Path | None
    record: RecordPlace | None
    force: bool

    @classmethod
    def of(cls, flags: ExamFlags, settings: Settings) -> "_Places":
        """Raise for a place where nothing can or may be written, before the work is done."""
        from xiaoan.reports.exam_workbook import check_workbook_place
        from xiaoan.reports.export import check_page_place

        html, xlsx = (None if name is None else Path(name).expanduser() for name in (flags.html, flags.xlsx))
        if html is not None:
            check_page_place(html, force=flags.force)
        if xlsx is not None:
            check_workbook_place(xlsx, force=flags.force)
        places = cls(html, xlsx, _record_place(flags), flags.force)
        places._check_apart(_files_read(flags, settings))
        return places

    def _check_apart(self, read: Sequence[Path]) -> None:
        """Raise where one of them is a file that the exam reads, or another one of them."""
        from xiaoan.whole_files import check_apart

        taken = list(read)
        record = self.record.path if self.record is not None else None
        for name, path in (("--html", self.html), ("--xlsx", self.xlsx), ("--record", record)):
            if path is not None:
                check_apart(path, taken, name=name)
                taken.append(path)

    def write(self, result: "ExamResult") -> None:
        """Write what was asked for."""
        if self.html is not None:
            from xiaoan.reports.exam_page import exam_page
            from xiaoan.reports.export import write_page

            write_page(exam_page(result), self.html, force=self.force)
        if self.xlsx is not None:
            from xiaoan.reports.exam_workbook import write_exam_workbook

            write_exam_workbook(result, self.xlsx, force=self.force)

    def tell(self, services: Services) -> None:
        """Say where the files are."""
        screen = services.screen(services.stdout)
        if self.html is not None:
            screen.notice(f"网页写好了：{self.html}")
        if self.xlsx is not None:
            screen.notice(f"工作簿写好了：{self.xlsx}")


def _files_read(flags: ExamFlags, settings: Settings) -> list[Path]:
    """Banks, question files and saved exams."""
    from xiaoan.question_bank.store.bank_files import bank_files

    saved = [path for path in map(Path, flags.compare or ()) if path.is_file()]
    return [*bank_files(bank_paths(settings)), *bank_files(flags.questions or ()), *saved]


def _record_place(flags: ExamFlags) -> RecordPlace | None:
    from xiaoan.whole_files import check_place

    if flags.record is not None and flags.resume is not None:
        raise UsageError("--record 和 --resume 只能用一个：从头考用 --record 文件，接着考用 --resume 文件。")
    name = flags.record or flags.resume
    if name is None:
        return None
    place = RecordPlace(Path(name).expanduser(), flags.resume is not None, flags.force)
    check_place(place.path, force=flags.force or place.resumes)
    return place
