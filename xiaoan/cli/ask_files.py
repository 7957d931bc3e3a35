"""`xiaoan ask --input … --output …`: a whole file of questions answered, batch by batch, and gone on with if stopped."""

import os
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan import __version__
from xiaoan.cli import options
from xiaoan.cli.services import Services, is_terminal
from xiaoan.cli.stop_request import StopRequest
from xiaoan.config import Settings, bank_paths, default_paths
from xiaoan.errors import Interrupted, StorageError, UsageError, XiaoanError

if TYPE_CHECKING:
    from rich.console import Console

    from xiaoan.assistant.answering import Assistant
    from xiaoan.assistant.answering_files import Numbered
    from xiaoan.assistant.kept_answers import KeptAnswers
    from xiaoan.assistant.open_bank import OpenBank
    from xiaoan.question_bank.asked_file import AskedFile
    from xiaoan.reports.answer_table import AnsweredRow
    from xiaoan.terminal.screen import Screen

Input = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="文件", help="要问的题：.xlsx（任何题库版式，有没有答案都行）、.csv 或 .txt"
    ),
]
Output = Annotated[
    str | None, typer.Option("--output", metavar="文件", help="答案写到哪里：.xlsx、.csv 或 .jsonl")
]
Force = Annotated[bool, typer.Option("--force", help="--output 已经有了也覆盖")]
Resume = Annotated[bool, typer.Option("--resume/--no-resume", help="上次没答完就接着答；--no-resume 从头答")]

_UNASKED_CODE = 2
_NAMED_AT_MOST = 5
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt")


@dataclass(frozen=True)
class FileFlags:
    """What the command line says about files; None is not given."""

    input: str | None
    output: str | None
    force: bool = False
    resume: bool = True

    @property
    def given(self) -> bool:
        """Whether a file is to be answered at all."""
        return self.input is not None or self.output is not None or self.force or not self.resume


def answer_file(flags: FileFlags, settings: Settings, services: Services) -> int:
    """Answer the questions of a file into another; return 0, or 2 where rows could not be asked.

    Raises:
        UsageError: the two files cannot be these.
        BankError: the questions, or the bank, cannot be read.
        StorageError: the answers cannot be written; what was answered is kept beside the output.
        Interrupted: Ctrl-C; the message says how to go on.
    """
    from xiaoan.question_bank.asked_file import read_asked_file
    from xiaoan.terminal.console import make_console
    from xiaoan.terminal.screen import Screen

    source, output = _places(flags, settings)
    console = make_console(services.stderr, width=services.width)
    wraps = services.width is not None or is_terminal(services.stderr)
    screen = Screen(console, wraps=wraps, plain=settings.plain)
    asked = read_asked_file(source)
    for notice in asked.notices():
        screen.warning(notice)
    return _FileRun(flags, settings, services, console, screen, asked, output).do()


@dataclass
class _FileRun:
    """One file being answered."""

    flags: FileFlags
    settings: Settings
    services: Services
    console: "Console"
    screen: "Screen"
    asked: "AskedFile"
    output: Path
    stage: str = ""

    def do(self) -> int:
        """Answer, write, say what came of it."""
        from xiaoan.assistant.answering_files import why_not
        from xiaoan.reports.answer_table import write_answers

        refusals, questions = {}, []
        for number, row in enumerate(self.asked.rows, start=1):
            refusal = row.refusal if row.asked is None else why_not(row.asked)
            if row.asked is None or refusal:
                refusals[number] = refusal
            else:
                questions.append((number, row.asked))
        bank = self._open_bank()
        has_bank = bank is not None
        if not questions:
            rows = list(self._rows({}, refusals))
            write_answers(rows, self.output, has_bank=has_bank, force=self.flags.force)
            return self._say(rows, has_bank=has_bank)
        assistant = self._assistant(bank)
        with self._kept(assistant, bank) as kept:
            self._answer(assistant, questions, kept)
            rows = list(self._rows(kept.answers, refusals))
            try:
                write_answers(rows, self.output, has_bank=has_bank, force=self.flags.force)
            except XiaoanError as error:
                raise StorageError(
                    f"{error.message}\n{len(kept.answers)} 题都答完了，答案存在 {kept.path}；"
                    "好了以后再运行同一条命令，不用重新答"
                ) from error
            kept.close(remove=True)
        return self._say(rows, has_bank=has_bank)

    def _open_bank(self) -> "OpenBank | None":
        from xiaoan.assistant.open_bank import open_bank

        bank = open_bank(bank_paths(self.settings), options.bank_cache(self.services.environ))
        if bank is not None and bank.fault_count:
            self.screen.warning(f"题库有 {bank.fault_count} 处问题，用 xiaoan bank check 查看。")
        return bank

    def _assistant(self, bank: "OpenBank | None") -> "Assistant":
        from xiaoan.assistant.answering import Assistant

        engine = self.services.load_engine(self.settings, self._tell_stage)
        for warning in engine.info.warnings:
            self.screen.warning(warning)
        matcher = bank.matcher if bank else None
        return Assistant(engine, matcher, clock=self.services.clock, decode=self.settings.decode)

    def _tell_stage(self, stage: str) -> None:
        """Name each stage of loading once to whoever watches: a percentage is no stage."""
        name = stage.rstrip("0123456789% ")
        if name != self.stage and is_terminal(self.services.stderr):
            self.stage = name
            self.screen.notice(f"{name}……")

    def _kept(self, assistant: "Assistant", bank: "OpenBank | None") -> "KeptAnswers":
        from xiaoan.assistant.kept_answers import KeptAnswers, part_path

        info = assistant.engine.info
        lora = Path(self.settings.effective_lora).expanduser() if self.settings.effective_lora else None
        model = Path(self.settings.model).expanduser() if self.settings.model else default_paths().model
        facts = {
            "题目文件": self.asked.sha256,
            "模型": f"{info.name} {_stamp(model)}",
            "前缀": f"{info.prefix} {_stamp(info.prefix_path)}",
            "适配器": f"{info.lora} {_stamp(lora)}",
            "精度": info.dtype,
            "作答方式": self.settings.decode,
            "题库": _digest_of(bank.paths if bank else ()),
            "程序版本": __version__,
        }
        return KeptAnswers(part_path(self.output), facts, afresh=not self.flags.resume)

    def _answer(self, assistant: "Assistant", questions: "Sequence[Numbered]", kept: "KeptAnswers") -> None:
        """Answer what is not yet kept."""
        from xiaoan.assistant.answering_files import answer_in_batches
        from xiaoan.assistant.kept_answers import Kept
        from xiaoan.repl.quiet_keyboard import quiet_keyboard
        from xiaoan.terminal.progress_bar import ProgressBar

        rest = [one for one in questions if one[0] not in kept.answers]
        if len(rest) < len(questions):
            left = f"接着答剩下的 {len(rest)} 题" if rest else "这就写出来"
            self.screen.notice(f"上次答了 {len(questions) - len(rest)} 题，{left}。")
        bar = ProgressBar(self.console, "答题", clock=self.services.clock, plain=self.settings.plain)

        def keep(answers: Sequence[tuple[int, Kept]]) -> None:
            kept.add(answers)
            bar.show(len(kept.answers), len(questions))

        try:
            # The ^C that a terminal echoes would move what is redrawn in place.
            with quiet_keyboard(self.services.keyboard), bar, StopRequest(_silent) as stop:
                bar.show(len(kept.answers), len(questions))
                done = answer_in_batches(assistant, rest, keep, clock=self.services.clock, should_stop=stop)
        except KeyboardInterrupt as error:
            raise Interrupted(self._how_to_go_on(kept, len(questions))) from error
        if not done:
            raise Interrupted(self._how_to_go_on(kept, len(questions)))

    def _how_to_go_on(self, kept: "KeptAnswers", total: int) -> str:
        if not kept.answers:
            return "停下了，还没有答完一题。"
        words = ["xiaoan", *(word for word in self.services.arguments if word != "--no-resume")]
        command = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
        return (
            f"停下了。答完 {len(kept.answers)}/{total} 题，都存在 {kept.path}。\n"
            f"接着答，再运行同一条命令：\n{command}"
        )

    def _rows(
        self, answers: Mapping[int, Mapping[str, object]], refusals: Mapping[int, str]
    ) -> "Iterator[AnsweredRow]":
        """Every row of the file with what came of it."""
        from xiaoan.reports.answer_table import AnsweredRow

        for number, row in enumerate(self.asked.rows, start=1):
            if number in refusals:
                yield AnsweredRow(number, row, error=refusals[number])
                continue
            kept = answers[number]
            document, error = kept.get("answer"), str(kept.get("error", ""))
            yield AnsweredRow(
                number,
                row,
                str(kept.get("shown", "")),
                document if isinstance(document, dict) else None,
                error,
            )

    def _say(self, rows: "Sequence[AnsweredRow]", *, has_bank: bool) -> int:
        """Say what was written, and which rows could not be asked; return the exit code."""
        from xiaoan.reports.answer_table import CHECKED, NO_BANK, place_of

        statuses = Counter(row.status for row in rows if row.document is not None)
        counts = [f"{CHECKED[status]} {statuses[status]}" for status in CHECKED if statuses[status]]
        counts = counts if has_bank else [NO_BANK]
        doubtful = sum(row.document is not None and row.document["shown_from"] == "none" for row in rows)
        told = f"写好了 {self.output}：{len(rows)} 题" + (f"，{'，'.join(counts)}" if counts else "")
        out = self.services.screen(self.services.stdout, plain=self.settings.plain)
        out.notice(told + (f"；小安没有把握的 {doubtful} 题" if doubtful else "") + "。")
        unasked = [row for row in rows if row.document is None]
        for row in unasked[:_NAMED_AT_MOST]:
            self.screen.warning(f"{place_of(row.asked)}没有问：{row.error}")
        if len(unasked) > _NAMED_AT_MOST:
            self.screen.warning(f"还有 {len(unasked) - _NAMED_AT_MOST} 行没有问，原因都写在“说明”一栏。")
        return _UNASKED_CODE if unasked else 0


def _places(flags: FileFlags, settings: Settings) -> tuple[Path, Path]:
    """Where the questions are and where the answers go. Raises UsageError, StorageError and BankError."""
    from xiaoan.question_bank.store.bank_files import bank_files
    from xiaoan.reports.answer_table import check_answer_place
    from xiaoan.whole_files import check_apart

    if flags.input is None:
        raise UsageError("--output 要和 --input 一起用：--input 题目.xlsx --output 答案.xlsx")
    if flags.output is None:
        raise UsageError("还要说答案写到哪里：加 --output 答案.xlsx（或 .csv、.jsonl）")
    source, output = Path(flags.input).expanduser(), Path(flags.output).expanduser()
    check_apart(output, [source, *bank_files(bank_paths(settings))], name="--output")
    check_answer_place(output, force=flags.force)
    return source, output


def _stamp(folder: Path | None) -> str:
    """Names, sizes and times of the weights in a folder: another training is another prefix, whatever its name."""
    if folder is None or not folder.is_dir():
        return ""
    files = sorted(path for path in folder.iterdir() if path.suffix in _WEIGHT_SUFFIXES)
    return " ".join(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files)


def _digest_of(paths: Sequence[Path]) -> str:
    import hashlib

    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()


def _silent(message: str) -> None:
    """Say nothing between two batches: the next thing said is that it has stopped, and how to go on."""
