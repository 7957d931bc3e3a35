"""What a training run learns from: a bank, files of question and answer, or a template; read before anything heavy."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.cli import options
from xiaoan.cli.services import Services
from xiaoan.cli.tuning_flags import TuningFlags
from xiaoan.config import OFF, Settings, bank_paths
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.question_bank.question import Question
    from xiaoan.question_bank.store.stored_bank import StoredBank
    from xiaoan.training.data.pairs import Pair
    from xiaoan.training.data.splits import Split
    from xiaoan.training.dataset import Columns, Mix, SourceFacts, TrainingData

_TEMPLATE_PAIRS = 1000
_SHOWN_FAULTS = 3
_ALL_FORMS = "all"
_REFUSED = {
    "no-answer": "没有答案",
    "bad-answer": "答案看不懂",
    "answer-count": "答案个数不对",
    "no-stem": "没有题干",
    "no-options": "没有选项",
    "options-unclear": "选项分不开",
    "picture-only": "只有图片",
    "type-conflict": "题型和选项矛盾",
}


@dataclass(frozen=True)
class Material:
    """What is learnt and what it is measured on.

    Attributes:
        data: what is learnt.
        questions: of the bank, the exam is sat on these; empty without a bank.
        validation: predictions are made for these in the end; empty without a validation file.
        told: what a person should know of it beforehand, a line each.
    """

    data: "TrainingData"
    questions: "tuple[Question, ...]"
    validation: "tuple[Pair, ...]"
    told: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many questions or pairs there are to learn, in whatever wordings."""
        return len(self.questions) or len(self.data.fixed_train)


def read_material(flags: TuningFlags, settings: Settings, services: Services, *, seed: int) -> Material:
    """Return what the command line names.

    Raises:
        UsageError: nothing to learn, several kinds of sources at once, a wrong option.
        BankError, StorageError: a file cannot be read.
    """
    _check_sources(flags)
    if flags.train_file is not None:
        return _of_files(flags, seed)
    if flags.template is not None:
        return _of_template(flags, seed)
    return _of_bank(flags, settings, services, seed)


def _check_sources(flags: TuningFlags) -> None:
    given = {
        "--bank": bool(flags.bank),
        "--train-file": bool(flags.train_file),
        "--template": bool(flags.template),
    }
    named = [name for name, there in given.items() if there]
    if len(named) > 1:
        raise UsageError(
            f"{'、'.join(named)} 只能用一个：一次训练只学一种来源。要掺别的数据请用 --mix 文件:份额。"
        )
    if flags.form and named in (["--train-file"], ["--template"]):
        raise UsageError(f"--form 只用于题库，和 {named[0]} 不能一起用。")
    if flags.validation_file and named == ["--template"]:
        raise UsageError("--validation-file 和 --template 不能一起用；要留出一部分请用 --split random:0.1。")
    if flags.count and named != ["--template"]:
        raise UsageError("--count 是从模板生成的条数，要和 --template 一起用。")
    if flags.validation_file and flags.split:
        raise UsageError(
            "--validation-file 和 --split 只能用一个：留出的数据要么在文件里，要么从训练数据里分。"
        )


def _of_bank(flags: TuningFlags, settings: Settings, services: Services, seed: int) -> Material:
    from xiaoan.training.data.bank_forms import BankRecipe
    from xiaoan.training.dataset import bank_data

    bank = _open_bank(settings, services)
    questions = tuple(question for question in bank if any(text.strip() for text in question.answer))
    told = _bank_told(bank, questions, settings)
    if not questions:
        raise UsageError("\n".join(["没有题可学。", *told, "用 xiaoan bank check 逐行查看。"]))
    forms = _forms(flags.form)
    data = bank_data(
        questions,
        BankRecipe(forms=forms),
        split=_split(flags),
        mix=_mixes(flags),
        general=_general(flags),
        seed=seed,
        sources=_bank_facts(bank),
    )
    return Material(data, questions, tuple(_validation(flags)), (*told, *_data_told(data)))


def _open_bank(settings: Settings, services: Services) -> "StoredBank":
    from xiaoan.assistant.open_bank import open_questions

    if settings.bank == (OFF,):
        raise UsageError("题库是 off，没有题可学。请用 --bank 指定题库，或用 --train-file 指定数据。")
    return open_questions(bank_paths(settings), options.bank_cache(services.environ))


def _bank_told(bank: "StoredBank", questions: Sequence["Question"], settings: Settings) -> list[str]:
    names = "、".join(file.path.name for file in bank.files[:_SHOWN_FAULTS])
    names += f" 等 {len(bank.files)} 个文件" if len(bank.files) > _SHOWN_FAULTS else ""
    shipped = "" if settings.bank else "（随程序带的示例题库；用自己的请写 --bank）"
    by_type = Counter(str(question.question_type) for question in questions)
    counted = "、".join(f"{name} {count}" for name, count in by_type.most_common())
    lines = [f"题库：{names}{shipped}，{len(questions)} 题" + (f"（{counted}）" if counted else "")]
    left_out = [*_refused_counts(bank).items()]
    if blank := len(bank) - len(questions):
        left_out.append(("答案是空的", blank))
    if bank.duplicates:
        left_out.append(("重复", bank.duplicates))
    if left_out:
        lines.append("没有算进来：" + "、".join(f"{why} {count} 行" for why, count in left_out))
    return lines


def _refused_counts(bank: "StoredBank") -> dict[str, int]:
    """Return how many rows became no question, by reason, most first."""
    if not bank.counts.refused:
        return {}
    rows = {
        (fault.file, fault.sheet, fault.row): _REFUSED.get(fault.code, "读不懂")
        for fault in bank.faults()
        if fault.severity == "refused"
    }
    return dict(Counter(rows.values()).most_common())


def _bank_facts(bank: "StoredBank") -> "list[SourceFacts]":
    from xiaoan.training.dataset import source_facts

    return [source_facts(file.path, len(file.catalogue)) for file in bank.files]


def _of_files(flags: TuningFlags, seed: int) -> Material:
    from xiaoan.training.dataset import file_data, source_facts

    assert flags.train_file is not None
    train = _pair_file(flags.train_file, flags)
    validation = _validation(flags)
    path = Path(flags.train_file).expanduser()
    data = file_data(
        train,
        validation,
        split=_split(flags),
        mix=_mixes(flags),
        general=_general(flags),
        seed=seed,
        sources=[source_facts(path, len(train))],
    )
    told = (f"数据：{path.name}，{len(train)} 条", *_data_told(data))
    return Material(data, (), tuple(validation), told)


def _of_template(flags: TuningFlags, seed: int) -> Material:
    from xiaoan.training.dataset import file_data, source_facts
    from xiaoan.training.templates.generation import made_pairs
    from xiaoan.training.templates.template_file import read_template

    assert flags.template is not None
    path = Path(flags.template).expanduser()
    template = read_template(path)
    count = flags.count or _TEMPLATE_PAIRS
    pairs = made_pairs(template, count, random.Random(f"{seed}-template"))
    data = file_data(
        pairs,
        split=_split(flags),
        mix=_mixes(flags),
        general=_general(flags),
        seed=seed,
        sources=[source_facts(path, len(pairs))],
    )
    return Material(data, (), (), (f"模板：{path.name}，生成 {len(pairs)} 条", *_data_told(data)))


def _data_told(data: "TrainingData") -> list[str]:
    facts = data.facts
    lines = [f"学 {len(data.fixed_train)} 条" + (f"，问法 {'、'.join(facts.forms)}" if facts.forms else "")]
    if facts.split is not None:
        lines.append(f"留出 {facts.split.held_out} 题（条）不学，只用来看没学过的会不会")
    elif data.held_out:
        same = "，是换了说法的同样的题" if facts.recipe else ""
        lines.append(f"另备 {len(data.held_out)} 条不学、只用来看学得怎么样{same}")
    for mix in facts.mix:
        lines.append(f"每轮掺入 {mix.name}：占 {mix.share:.0%}")
    if data.general:
        lines.append(f"遗忘用 {len(data.general)} 条通用数据来量")
    return lines


def _validation(flags: TuningFlags) -> "list[Pair]":
    return _pair_file(flags.validation_file, flags) if flags.validation_file else []


def _general(flags: TuningFlags) -> "list[Pair]":
    return _other_file(flags.general, flags) if flags.general else []


def _pair_file(name: str, flags: TuningFlags) -> "list[Pair]":
    from xiaoan.training.data.pair_files import read_pairs

    return read_pairs(Path(name).expanduser(), _columns(flags))


def _other_file(name: str, flags: TuningFlags) -> "list[Pair]":
    """A file beside the training data: with the columns named for that, or else with the usual ones."""
    from xiaoan.training.data.pair_files import PUBLISHED, read_pairs

    try:
        return _pair_file(name, flags)
    except UsageError:
        if _columns(flags) == PUBLISHED:
            raise
        return read_pairs(Path(name).expanduser(), PUBLISHED)


def _columns(flags: TuningFlags) -> "Columns":
    from xiaoan.training.data.pair_files import Columns

    return Columns(flags.prompt_column, flags.response_column, flags.history_column)


def _forms(named: Sequence[str] | None) -> tuple[str, ...]:
    from xiaoan.training.data.bank_forms import FORMS, PLAIN

    if not named:
        return (PLAIN,)
    if _ALL_FORMS in named:
        return FORMS
    wrong = [name for name in named if name not in FORMS]
    if wrong:
        raise UsageError(f"没有「{wrong[0]}」这种问法。可用：{'、'.join([*FORMS, _ALL_FORMS])}。")
    return tuple(name for name in FORMS if name in named)


def _split(flags: TuningFlags) -> "Split | None":
    from xiaoan.training.data.splits import parse_split

    return parse_split(flags.split) if flags.split else None


def _mixes(flags: TuningFlags) -> "list[Mix]":
    from xiaoan.training.dataset import Mix

    mixes = []
    for text in flags.mix or []:
        name, share = _name_and_share(text)
        mixes.append(Mix(Path(name).name, tuple(_other_file(name, flags)), share))
    return mixes


def _name_and_share(text: str) -> tuple[str, float]:
    """Return the two halves of `general.jsonl:0.2`; the name of a file may have a colon of its own."""
    name, colon, written = text.rpartition(":")
    try:
        share = float(written)
    except ValueError:
        share = 0.0
    if not colon or not name or not 0 < share < 1:
        raise UsageError(f"--mix {text} 看不懂：应写成 文件:份额，份额在 0 和 1 之间，如 通用.jsonl:0.2。")
    return name, share
