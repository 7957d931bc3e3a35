"""`xiaoan bank`: looking after question banks."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import bank_documents, options
from xiaoan.cli.help import HelpfulCommand
from xiaoan.cli.services import Action, Services, write_json
from xiaoan.config import Settings, bank_paths
from xiaoan.errors import BankError, UsageError

if TYPE_CHECKING:
    from xiaoan.question_bank.conflicts import Conflict
    from xiaoan.question_bank.question import QuestionBank
    from xiaoan.question_bank.spreadsheet import FileReading
    from xiaoan.question_bank.store.stored_bank import StoredBank

_REFUSED_CODE = 1
_LEFT_OUT_CODE = 1
_WRITABLE = (".xlsx", ".csv")

app = typer.Typer(help="题库：检查、转换、统计、查找", no_args_is_help=False, rich_markup_mode=None)

Files = Annotated[list[str], typer.Argument(metavar="文件…", help="题库文件、文件夹或 *.xlsx，可以有几个")]


@app.callback()
def bank() -> None:
    """题库：检查、转换、统计、查找。"""


@app.command("check", cls=HelpfulCommand)
def check(
    context: typer.Context,
    files: Files,
    everything: Annotated[bool, typer.Option("--all", help="列出每一处问题，不只是每种的前几处")] = False,
    as_json: options.AsJson = False,
) -> Action:
    """读题库，报告题数和每一处问题。

    每一行都成了题目退出码为 0，有拒收的行为 1，有文件读不了为 2。
    """
    return lambda: _check(files, options.services_of(context), everything=everything, as_json=as_json)


@app.command("convert", cls=HelpfulCommand)
def convert(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="原文件… 新文件", help="最后一个是要写的文件，.xlsx 或 .csv")
    ],
    template: Annotated[
        bool, typer.Option("--template", help="不转换，只写一个空白模板：表头、题型下拉列表和填写说明")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="新文件已经存在时覆盖它")] = False,
) -> Action:
    """把一个或几个题库写成标准的六列：专业、题型、题目内容、题目依据条款、选项、正确答案。

    原文件不会改动；重复的题只写一次，拒收的行不写（用 bank check 看原因）。写完了退出码为 0，
    有题写进六列就读不回原样、因此没有写的为 1，读不了或写不了为 2。
    """
    target = Path(files[-1]).expanduser()
    if template:
        return lambda: _write_template(files, target, options.services_of(context), force=force)
    return lambda: _convert(files[:-1], target, options.services_of(context), force=force)


@app.command("stats", cls=HelpfulCommand)
def stats(context: typer.Context, files: Files, as_json: options.AsJson = False) -> Action:
    """数一数题库：各专业、题型、规程章节有多少题，答案的字母是否均匀。"""
    return lambda: _stats(files, options.services_of(context), as_json=as_json)


@app.command("search", cls=HelpfulCommand)
def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="词…", help="要找的词和数字，可以有几个")],
    bank_files: options.Bank = None,
    limit: Annotated[int, typer.Option("--limit", metavar="数", min=1, help="最多列出多少题")] = 20,
    as_json: options.AsJson = False,
    config: options.Config = None,
) -> Action:
    """在题库里找有这些词的题，最像的在前。

    每个词都有的题先列出；都没有时列出词最多的题。不写 --bank 就在平时用的题库里找。
    """
    common = options.Common(bank=bank_files, config=config)

    def action() -> int:
        settings = options.settings_for(context, common)
        return _search(words, settings, options.services_of(context), limit=limit, as_json=as_json)

    return action


def _check(names: Sequence[str], services: Services, *, everything: bool, as_json: bool) -> int:
    from xiaoan.question_bank.conflicts import find_conflicts
    from xiaoan.question_bank.store.stored_bank import StoredBank, StoredFile

    readings, unreadable = _read_all(names)
    conflicts = find_conflicts(question for reading in readings for question in reading.questions)
    found = StoredBank([StoredFile.of(reading) for reading in readings])
    if as_json:
        files = [
            *map(bank_documents.file_document, readings),
            *(bank_documents.unreadable_document(*item) for item in unreadable),
        ]
        document = {
            "files": files,
            "duplicates": found.duplicates,
            "conflicts": [bank_documents.conflict_document(conflict) for conflict in conflicts],
        }
        write_json(services.stdout, document, indent=2)
    elif readings:
        _show_check(readings, found, conflicts, len(unreadable), services, everything=everything)
    if unreadable:
        services.stdout.flush()
        raise BankError("\n".join(error.message for _, error in unreadable))
    return _REFUSED_CODE if found.counts.refused else 0


def _read_all(names: Sequence[str]) -> tuple[list["FileReading"], list[tuple[str, BankError]]]:
    """Return what could be read, and the names of what could not with the reason; each file once."""
    from xiaoan.question_bank.cells.reading_process import SheetReader
    from xiaoan.question_bank.spreadsheet import read_file
    from xiaoan.question_bank.store.bank_files import expand

    readings: dict[str, FileReading] = {}
    unreadable: list[tuple[str, BankError]] = []
    with SheetReader() as reader:
        for name in names:
            try:
                paths = expand(name)
            except BankError as error:
                unreadable.append((name, error))
                continue
            for path in paths:
                try:
                    real = os.path.realpath(path)
                    if real not in readings:
                        readings[real] = read_file(path, reader)
                except BankError as error:
                    unreadable.append((str(path), error))
    return list(readings.values()), unreadable


def _show_check(
    readings: Sequence["FileReading"],
    found: "StoredBank",
    conflicts: Sequence["Conflict"],
    unreadable: int,
    services: Services,
    *,
    everything: bool,
) -> None:
    from xiaoan.terminal import bank_report
    from xiaoan.terminal.verdict import Line

    screen = services.screen(services.stdout)
    faults = [fault for reading in readings for fault in reading.faults]
    for reading in readings:
        screen.lines(bank_report.file_lines(reading))
    screen.lines([Line("")])
    if faults:
        screen.lines([*bank_report.fault_lines(faults, everything=everything), Line("")])
    if conflicts:
        screen.lines([*bank_report.conflict_lines(conflicts, everything=everything), Line("")])
    screen.lines([Line("合计", bank_report.TITLE)])
    screen.facts(bank_report.bank_facts(found), indent=2)
    screen.lines(
        [
            bank_report.verdict_line(
                unreadable=unreadable,
                refused=found.counts.refused,
                conflicts=len(conflicts),
                faults=len(faults),
            )
        ]
    )


def _stats(names: Sequence[str], services: Services, *, as_json: bool) -> int:
    from xiaoan.assistant.open_bank import open_questions
    from xiaoan.question_bank.statistics import bank_statistics
    from xiaoan.terminal.bank_report import statistics_lines

    found = open_questions(names, options.bank_cache(services.environ))
    statistics = bank_statistics(found)
    if as_json:
        write_json(services.stdout, statistics.to_document(), indent=2)
    else:
        services.screen(services.stdout).lines(statistics_lines(statistics))
    return 0


def _search(
    words: Sequence[str], settings: Settings, services: Services, *, limit: int, as_json: bool
) -> int:
    from xiaoan.assistant.open_bank import open_questions
    from xiaoan.question_bank.letters import place_letters
    from xiaoan.question_bank.search import search as search_questions
    from xiaoan.terminal.bank_report import hit_lines

    names = bank_paths(settings)
    text = " ".join(words)
    if not text.strip():
        raise UsageError("没有要找的词。写法：xiaoan bank search 绝缘靴 雷雨")
    if not names:
        raise UsageError("题库用 off 关掉了。请用 --bank 指定题库。")
    found = open_questions(names, options.bank_cache(services.environ))
    hits = search_questions(found, text, limit=limit)
    if as_json:
        document = {"words": text.split(), "hits": [bank_documents.hit_document(hit) for hit in hits]}
        write_json(services.stdout, document, indent=2)
        return 0
    screen = services.screen(services.stdout)
    if not hits:
        screen.notice(f"{len(found)} 题里没有一题有“{text}”；试试少写几个词，或短一点的词。")
        return 0
    screen.lines(hit_lines(hits, place_letters))
    if len(hits) == limit:
        screen.notice(f"只列出前 {limit} 题；多列用 --limit，或再加一个词。")
    return 0


def _convert(names: Sequence[str], target: Path, services: Services, *, force: bool) -> int:
    from xiaoan.question_bank.canonical import write_canonical
    from xiaoan.question_bank.cells.reading_process import SheetReader
    from xiaoan.question_bank.question import QuestionBank
    from xiaoan.question_bank.spreadsheet import read_file
    from xiaoan.question_bank.store.bank_files import bank_files

    if not names:
        raise UsageError("少了文件：先写原文件，最后写新文件，如 xiaoan bank convert 旧题库.xls 新题库.xlsx")
    paths = bank_files(names)
    _check_target(target, paths, force=force)
    left_out: list[str] = []
    with SheetReader() as reader:
        readings = [read_file(path, reader) for path in paths]
        found = QuestionBank(question for reading in readings for question in reading.questions)
        if not len(found):
            raise BankError("没有可以写的题，没有写新文件；原因见 xiaoan bank check")
        write_canonical(
            found,
            target,
            read_back=lambda path: read_file(path, reader).questions,
            leave_out=left_out.append,
        )
    _report_conversion(readings, found, target, left_out, services)
    return _LEFT_OUT_CODE if left_out else 0


def _report_conversion(
    readings: Sequence["FileReading"],
    found: "QuestionBank",
    target: Path,
    left_out: Sequence[str],
    services: Services,
) -> None:
    """Say what was written, and whatever was not."""
    rows = sum(len(reading.questions) for reading in readings)
    notes = {
        "行重复，没有再写": rows - len(found),
        "题的解析写不进六列，没有写": sum(bool(question.explanation) for question in found),
        "行被拒收，没有写；原因见 xiaoan bank check": sum(
            sheet.refused for reading in readings for sheet in reading.sheets
        ),
        "题没有写，因为读不回原样": len(left_out),
    }
    lines = [f"{n} {what}" for what, n in notes.items() if n]
    title = f"已写到 {target}：{len(found) - len(left_out)} 题"
    services.screen(services.stdout).page(title, (), [*lines, *left_out])


def _write_template(files: Sequence[str], target: Path, services: Services, *, force: bool) -> int:
    from xiaoan.question_bank.canonical import write_template

    if len(files) != 1 or target.suffix.lower() != ".xlsx":
        raise UsageError("模板只写一个 .xlsx 文件，如 xiaoan bank convert --template 新题库.xlsx")
    _check_target(target, (), force=force)
    write_template(target)
    services.screen(services.stdout).page(f"空白模板已写到 {target}", (), ["填写说明在“说明”这张表里。"])
    return 0


def _check_target(target: Path, sources: Sequence[Path], *, force: bool) -> None:
    """Raise UsageError if `target` cannot be told to be a new file of ours."""
    if target.suffix.lower() not in _WRITABLE:
        raise UsageError(f"新文件 {target} 要以 .xlsx 或 .csv 结尾；原文件写在前面，新文件写在最后")
    if os.path.realpath(target) in {os.path.realpath(source) for source in sources}:
        raise UsageError(f"新文件 {target} 也是原文件，不会写在原文件上；请换个名字")
    if target.exists() and not force:
        raise UsageError(f"{target} 已经存在，没有写；请换个名字，或加 --force 覆盖它")
