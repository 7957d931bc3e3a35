"""What a training run learns, holds out and must not forget, and the facts about it for the run's card."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from random import Random

from xiaoan.errors import UsageError
from xiaoan.question_bank.question import Question
from xiaoan.training.data.bank_forms import BankRecipe, bank_source, clean_pairs, held_out_wordings
from xiaoan.training.data.pair_files import Columns, PairFile, read_pair_file, read_pairs, write_pairs
from xiaoan.training.data.pairs import EpochPairs, Pair
from xiaoan.training.data.splits import Split, SplitFacts, split_pairs, split_questions

__all__ = ["Columns", "PairFile", "read_pair_file", "read_pairs", "write_pairs"]

_SETS = "clean", "held-out"


@dataclass(frozen=True)
class Mix:
    """Other pairs to learn beside one's own: `share` (of 1) of every epoch comes from the file called `name`."""

    name: str
    pairs: tuple[Pair, ...]
    share: float


@dataclass(frozen=True)
class SourceFacts:
    """One file that data came from: its name without folder, how many pairs or questions, and its hash."""

    name: str
    count: int
    sha256: str


@dataclass(frozen=True)
class MixFacts:
    """One file mixed in."""

    name: str
    count: int
    share: float
    sha256: str


@dataclass(frozen=True)
class DataFacts:
    """The facts about a run's data, for its card; `asdict` makes JSON of them. `sha256` is that of all of them."""

    sha256: str
    sources: tuple[SourceFacts, ...]
    train: int
    held_out: int
    general: int
    forms: tuple[str, ...]
    recipe: BankRecipe | None
    split: SplitFacts | None
    mix: tuple[MixFacts, ...]
    seed: int


@dataclass(frozen=True)
class TrainingData:
    """The data of one run.

    Attributes:
        train: what is learnt, epoch by epoch.
        fixed_train: the clean training pairs, each once: the exact share is measured on these.
        held_out: for early stopping: held-out questions if a split was asked for, else wordings of the same
            questions that training never sees; may be empty for files.
        general: forgetting is measured on these; may be empty.
        facts: for the card.
    """

    train: EpochPairs
    fixed_train: tuple[Pair, ...]
    held_out: tuple[Pair, ...]
    general: tuple[Pair, ...]
    facts: DataFacts


def source_facts(path: Path, count: int) -> SourceFacts:
    """Return the facts about a file of `count` pairs or questions.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"读不到 {path}：{error.strerror}。请检查路径。") from error
    return SourceFacts(path.name, count, hashlib.sha256(data).hexdigest())


def pairs_sha256(pairs: Sequence[Pair]) -> str:
    """Return the hash of the pairs, in their order."""
    written = [
        [pair.content, pair.summary, *([list(map(list, pair.history))] if pair.history else [])]
        for pair in pairs
    ]
    return _sha256(written)


def bank_data(
    questions: Sequence[Question],
    recipe: BankRecipe,
    *,
    split: Split | None = None,
    mix: Sequence[Mix] = (),
    general: Sequence[Pair] = (),
    seed: int = 0,
    sources: Sequence[SourceFacts] = (),
) -> TrainingData:
    """Return the data of a run on a bank.

    Raises:
        UsageError: no question, a split with an empty side, shares of `mix` that leave nothing of one's own.
    """
    if not questions:
        raise UsageError("题库里没有题可学；用 xiaoan bank check 看看每一行为什么没有读成题。")
    clean, held = (Random(f"{name}-{seed}") for name in _SETS)
    if split is None:
        learnt: Sequence[Question] = questions
        facts = None
        held_out = held_out_wordings(questions, recipe, held)
    else:
        parted = split_questions(questions, split, seed)
        learnt, facts = parted.train, parted.facts
        held_out = clean_pairs(parted.held_out, recipe, held)
    avoid = frozenset(pair.content for pair in held_out) if split is None else frozenset()
    source = bank_source(learnt, recipe, avoid=avoid, known=questions)
    return _data(
        source,
        clean_pairs(learnt, recipe, clean),
        held_out,
        mix,
        general,
        _Origin(tuple(sources), facts, seed, recipe),
    )


def file_data(
    train: Sequence[Pair],
    validation: Sequence[Pair] = (),
    *,
    split: Split | None = None,
    mix: Sequence[Mix] = (),
    general: Sequence[Pair] = (),
    seed: int = 0,
    sources: Sequence[SourceFacts] = (),
) -> TrainingData:
    """Return the data of a run on pairs of files; without `validation` and `split` nothing is held out.

    Raises:
        UsageError: no pair, both `validation` and `split`, and as `bank_data`.
    """
    if not train:
        raise UsageError("训练文件里没有一条可学的记录：题目或答案都是空的。用 xiaoan dataset check 看看。")
    if split is not None and validation:
        raise UsageError("--validation-file 已经是留出的题，不能再写 --split；请去掉一个。")
    facts = None
    held_out: Sequence[Pair] = validation
    if split is not None:
        parted = split_pairs(train, split, seed)
        train, held_out, facts = parted.train, parted.held_out, parted.facts
    learnt = tuple(train)
    return _data(
        lambda _: learnt,
        list(dict.fromkeys(learnt)),
        list(dict.fromkeys(held_out)),
        mix,
        general,
        _Origin(tuple(sources), facts, seed),
    )


@dataclass(frozen=True)
class _Origin:
    """Where data came from and how it was made."""

    sources: tuple[SourceFacts, ...]
    split: SplitFacts | None
    seed: int
    recipe: BankRecipe | None = None


def _data(
    source: EpochPairs,
    fixed: Sequence[Pair],
    held_out: Sequence[Pair],
    mix: Sequence[Mix],
    general: Sequence[Pair],
    origin: _Origin,
) -> TrainingData:
    facts = DataFacts(
        sha256="",
        sources=origin.sources,
        train=len(fixed),
        held_out=len(held_out),
        general=len(general),
        forms=origin.recipe.forms if origin.recipe else (),
        recipe=origin.recipe,
        split=origin.split,
        mix=tuple(MixFacts(one.name, len(one.pairs), one.share, pairs_sha256(one.pairs)) for one in mix),
        seed=origin.seed,
    )
    contents = [pairs_sha256(fixed), pairs_sha256(held_out), pairs_sha256(general)]
    # Not the sources: the same questions in a file of another name or kind are the same data.
    sha256 = _sha256([contents, asdict(replace(facts, sources=()))])
    return TrainingData(
        train=mixed(source, mix),
        fixed_train=tuple(fixed),
        held_out=tuple(held_out),
        general=tuple(general),
        facts=replace(facts, sha256=sha256),
    )


def written_out(
    questions: Sequence[Question], recipe: BankRecipe, *, known: Sequence[Question], copies: int, seed: int
) -> list[Pair]:
    """Return `copies` rounds over the questions for a file, each with shuffles of its own, equal pairs once.

    What the bank of `known` asks is never an example of what it does not say.
    """
    source = bank_source(questions, replace(recipe, slip_copies=0), known=known)
    rounds = (source(Random(f"file-{seed}-{copy}")) for copy in range(copies))
    return list(dict.fromkeys(chain.from_iterable(rounds)))


def mixed(source: EpochPairs, mix: Sequence[Mix]) -> EpochPairs:
    """Return `source` with so many pairs of each file that they make their share of every epoch.

    Each epoch draws its own: some of a long file, all of a short one as often as needed.

    Raises:
        UsageError: the shares together leave nothing, or a file has no pairs.
    """
    total = sum(one.share for one in mix)
    if total >= 1 or any(one.share <= 0 for one in mix):
        raise UsageError(f"--mix 的比例加起来是 {total:g}，应小于 1，给自己的题留下位置。")
    for one in mix:
        if not one.pairs:
            raise UsageError(f"--mix 的文件 {one.name} 里没有一条可学的记录；请换一个文件。")
    if not mix:
        return source

    def epoch(random_source: Random) -> Sequence[Pair]:
        own = source(random_source)
        whole = len(own) / (1 - total)
        return [
            *own,
            *chain.from_iterable(_some(one.pairs, round(one.share * whole), random_source) for one in mix),
        ]

    return epoch


def _some(pairs: Sequence[Pair], count: int, random_source: Random) -> list[Pair]:
    rounds, rest = divmod(count, len(pairs))
    return [*list(pairs) * rounds, *random_source.sample(list(pairs), rest)]


def _sha256(document: object) -> str:
    return hashlib.sha256(
        json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ).hexdigest()
