"""One sitting of `xiaoan exam`: questions, bank and model brought together, with a progress bar and a record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.cli import options
from xiaoan.cli.services import Services
from xiaoan.config import DTYPES, OFF, Settings, bank_paths
from xiaoan.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from xiaoan.assistant.engine import Engine
    from xiaoan.assistant.open_bank import OpenBank
    from xiaoan.cli.exam import RecordPlace
    from xiaoan.evaluation.exam import ExamReport
    from xiaoan.evaluation.exam_record import ExamRecord
    from xiaoan.evaluation.exam_results import Contestant, ExamResult, ModelFacts
    from xiaoan.evaluation.sitting import Sitting
    from xiaoan.question_bank.question import Question
    from xiaoan.terminal.progress_bar import ProgressBar

_WITH_OPTIONS = ("options", "shuffled", "circular")
"""Forms in which the others are asked, the first of them that the exam has."""

_AUTO = "auto"
_LONGEST_ANSWER = 256
"""Tokens of a free answer at least; twice the longest official answer where that is more. What is longer is none."""


@dataclass(frozen=True)
class Run:
    """One model's exam: who sat it, every answer, what could not be asked, and who else answered."""

    model: "ModelFacts"
    sittings: "tuple[Sitting, ...]"
    unasked: tuple[tuple[str, str], ...]
    others: "tuple[Contestant, ...]" = ()
    others_forms: tuple[str, ...] = ()


@dataclass
class ExamRoom:
    """What is the same for every model that sits this exam: the questions, the forms, the bank to check against."""

    services: Services
    settings: Settings
    bank: "OpenBank | None"
    questions: "list[Question]"
    title: str
    forms: tuple[str, ...]
    _dtype: str | None = None
    """The precision that `auto` came to first: it hangs on how busy the machine is, and would make runs differ."""

    @classmethod
    def open(
        cls,
        settings: Settings,
        services: Services,
        files: Sequence[str],
        forms: tuple[str, ...],
        limit: int | None,
    ) -> "ExamRoom":
        """Read the questions of `files`, of the bank without any, and the bank.

        Raises:
            UsageError: there is nothing to ask.
            BankError: a file cannot be read.
        """
        from xiaoan.evaluation.in_memory import sample_by_type

        bank = open_checking_bank(settings, services)
        if files:
            questions, title = _read_questions(files, services)
        else:
            if bank is None:
                raise UsageError(
                    "没有题可考：题库用 off 关掉了。请用 --bank 指定题库，或用 --questions 指定要考的题。"
                )
            questions, title = list(bank.bank), bank.title
        if not questions:
            raise UsageError(f"没有题可考：{title} 里没有读出题来。用 xiaoan bank check 看看是哪里不对。")
        sample = sample_by_type(questions, limit, settings.seed)
        if len(sample) < len(questions):
            title += f"，抽 {len(sample)} 题"
        return cls(services, settings, bank, sample, title, forms)

    def sit(
        self,
        settings: Settings,
        bank: "OpenBank | None",
        *,
        name: str = "小安",
        record: "RecordPlace | None" = None,
        with_others: bool = False,
    ) -> Run:
        """Let the model of `settings` sit the exam.

        Args:
            settings: of the model and its decoding.
            bank: to check against.
            name: for the progress bar.
            record: where every answer is kept at once.
            with_others: ask other ways of answering too.

        Raises:
            Interrupted: Ctrl-C; the message says how to go on.
        """
        run, engine = self._sit_with_engine(settings, name, bank, record)
        if not with_others:
            return run
        forms = self.others_forms
        beside = [one for one in run.sittings if one.form in forms]
        if not beside:
            return run
        others = [*self._other_decodings(engine, run, beside, bank)]
        del engine  # of two models in memory one would be too much
        if run.model.lora:
            others.append(self._bare(settings, run, beside, bank))
        return replace(run, others=(*others, *self._baselines(beside)), others_forms=forms)

    @property
    def others_forms(self) -> tuple[str, ...]:
        """The form in which others are asked: one with options if there is one."""
        return (next((form for form in _WITH_OPTIONS if form in self.forms), self.forms[0]),)

    def result_of(self, run: Run, bank: "OpenBank | None") -> "ExamResult":
        """Return the run, checked against `bank`, with its figures."""
        from xiaoan.evaluation.exam_results import ExamResult, figures_of

        return ExamResult(
            bank="" if bank is None else bank.title,
            questions=self.title,
            model=run.model,
            seed=self.settings.seed,
            date=self.services.now(),
            sittings=run.sittings,
            figures=figures_of(run.sittings),
            unasked=run.unasked,
        )

    def _sit_with_engine(
        self, settings: Settings, name: str, bank: "OpenBank | None", record: "RecordPlace | None"
    ) -> "tuple[Run, Engine]":
        from xiaoan.assistant.approach import scores_options

        engine = self._loaded(_as_recorded(settings, record), name)
        decode = "content" if scores_options(engine.info, settings.decode) else "free"
        kept = _opened(record, engine, bank, decode, settings.seed)
        report = self._asked(engine, bank, self.forms, name, decode=decode, record=kept, place=record)
        unasked = tuple((question.stem, form) for question, form in report.unasked)
        return Run(_model_facts(engine, decode), report.sittings, unasked), engine

    def _asked(
        self,
        engine: "Engine",
        bank: "OpenBank | None",
        forms: Sequence[str],
        name: str,
        *,
        decode: str,
        record: "ExamRecord | None" = None,
        place: "RecordPlace | None" = None,
    ) -> "ExamReport":
        from xiaoan.assistant.answering import Assistant
        from xiaoan.evaluation.exam import sit_exam

        assistant = Assistant(
            engine, None if bank is None else bank.matcher, clock=self.services.clock, decode=decode
        )
        try:
            with self._progress_bar(name) as bar:
                return sit_exam(
                    assistant,
                    self.questions,
                    forms,
                    seed=self.settings.seed,
                    known=() if record is None else record.known,
                    max_new_tokens=_most_tokens(self.questions),
                    on_sittings=(lambda _: None) if record is None else record.add,
                    on_progress=bar.show,
                )
        except KeyboardInterrupt:
            raise Interrupted(_stopped(place)) from None

    def _other_decodings(
        self, engine: "Engine", run: Run, beside: "Sequence[Sitting]", bank: "OpenBank | None"
    ) -> "Iterator[Contestant]":
        """The same model decoding freely, and without its prefix."""
        forms = self.others_forms
        if run.model.decode == "content":
            free = self._asked(engine, bank, forms, "自由生成", decode="free")
            yield _contestant("小安，自由生成", free.sittings, beside, by_model=True)
        if run.model.prefix and not run.model.lora:
            engine.use_prefix(None)
            bare = self._asked(engine, bank, forms, "不带前缀", decode=run.model.decode)
            yield _contestant("小安，不带前缀", bare.sittings, beside, by_model=True)

    def _bare(
        self, settings: Settings, run: Run, beside: "Sequence[Sitting]", bank: "OpenBank | None"
    ) -> "Contestant":
        """The base alone, without adapter and prefix; an adapter cannot be taken off a loaded model."""
        engine = self._loaded(replace(settings, prefix=OFF, lora=OFF), "不带适配器")
        report = self._asked(engine, bank, self.others_forms, "不带适配器", decode=run.model.decode)
        return _contestant("小安，不带适配器", report.sittings, beside, by_model=True)

    def _baselines(self, beside: "Sequence[Sitting]") -> "list[Contestant]":
        from xiaoan.evaluation.baselines.catalogue import sit_baselines
        from xiaoan.evaluation.paper import write_paper

        if self.bank is None:
            return []
        paper = write_paper(self.questions, self.others_forms, seed=self.settings.seed)
        found = sit_baselines(paper, list(self.bank.bank), beside, clock=self.services.clock)
        return [_contestant(one.title, one.sittings, beside, note=one.note) for one in found]

    def _loaded(self, settings: Settings, name: str) -> "Engine":
        if settings.dtype == _AUTO and self._dtype is not None:
            settings = replace(settings, dtype=self._dtype)
        with self._progress_bar(name) as bar:
            engine = self.services.load_engine(settings, bar.tell)
        if settings.dtype == _AUTO and engine.info.dtype in DTYPES:
            self._dtype = engine.info.dtype
        screen = self.services.screen(self.services.stderr)
        for warning in engine.info.warnings:
            screen.warning(warning)
        return engine

    def _progress_bar(self, name: str) -> "ProgressBar":
        from xiaoan.cli.study import is_plain
        from xiaoan.terminal.console import make_console
        from xiaoan.terminal.progress_bar import ProgressBar

        console = make_console(self.services.stderr, width=self.services.width)
        plain = is_plain(self.settings, self.services)
        return ProgressBar(console, name, clock=self.services.clock, plain=plain, unit="次")


def open_checking_bank(settings: Settings, services: Services) -> "OpenBank | None":
    """Return the bank that answers are checked against, None for `off`; BankError where it cannot be read."""
    from xiaoan.assistant.open_bank import open_bank

    bank = open_bank(bank_paths(settings), options.bank_cache(services.environ))
    if bank is not None:
        _tell_of_faults(services, "题库", bank.fault_count)
    return bank


def _read_questions(files: Sequence[str], services: Services) -> "tuple[list[Question], str]":
    """The questions in the files, and what to call them."""
    from xiaoan.assistant.open_bank import bank_title, open_questions

    bank = open_questions(
        [str(Path(name).expanduser()) for name in files], options.bank_cache(services.environ)
    )
    _tell_of_faults(services, "要考的题", bank.counts.faults)
    return list(bank), bank_title([file.path for file in bank.files], len(bank))


def _tell_of_faults(services: Services, name: str, faults: int) -> None:
    if faults:
        services.screen(services.stderr).warning(
            f"{name}有 {faults} 处问题，没有读出来的题不在里面；用 xiaoan bank check 查看。"
        )


def _most_tokens(questions: "Sequence[Question]") -> int:
    """Where a free answer is cut: each character of the official ones is a token at most, but for a few."""
    return max(_LONGEST_ANSWER, 2 * max((len("; ".join(one.answer)) for one in questions), default=0))


def _model_facts(engine: "Engine", decode: str) -> "ModelFacts":
    from xiaoan.evaluation.exam_results import ModelFacts

    info = engine.info
    return ModelFacts(info.name, info.prefix, info.lora, info.device, info.dtype, decode, info.demo)


def _contestant(
    name: str,
    sittings: "Sequence[Sitting]",
    beside: "Sequence[Sitting]",
    *,
    note: str = "",
    by_model: bool = False,
) -> "Contestant":
    from xiaoan.evaluation.comparing import paired
    from xiaoan.evaluation.exam_results import Contestant, figures_of

    if not sittings:
        return Contestant(name, None, note=note)
    return Contestant(name, figures_of(sittings), paired(beside, sittings), note, by_model)


def _opened(
    place: "RecordPlace | None", engine: "Engine", bank: "OpenBank | None", decode: str, seed: int
) -> "ExamRecord | None":
    from xiaoan.evaluation.exam_record import exam_facts, resume_record, start_record

    if place is None:
        return None
    facts = exam_facts(engine.info, None if bank is None else bank.bank, decode=decode, seed=seed)
    if place.resumes:
        return resume_record(place.path, facts)
    return start_record(place.path, facts, force=place.force)


def _as_recorded(settings: Settings, place: "RecordPlace | None") -> Settings:
    """The settings with the precision that the record began with, where nobody says which."""
    from xiaoan.evaluation.exam_record import read_record

    if place is None or not place.resumes or settings.dtype != _AUTO or not place.path.exists():
        return settings
    recorded = read_record(place.path)[0].get("dtype")
    return replace(settings, dtype=recorded) if recorded in DTYPES else settings


def _stopped(place: "RecordPlace | None") -> str:
    if place is None:
        return "停下了，没有留下成绩。题多时加 --record 文件，断了就能用 --resume 文件 接着考。"
    return (
        f"停下了，答过的都在 {place.path} 里。同样的命令加 --resume {place.path}（去掉 --record）就接着考。"
    )
