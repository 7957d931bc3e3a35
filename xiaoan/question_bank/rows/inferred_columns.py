"""Which column holds what where no header says so, told by what the cells look like."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile

from xiaoan.question_bank.rows.answer_cells import plain_verdict
from xiaoan.question_bank.rows.columns import Columns, Field
from xiaoan.question_bank.rows.type_words import read_type

_SAMPLE = 300
_LETTERS = re.compile(r"\s*[A-Ha-h](?:[\s、,，;；]*[A-Ha-h]){0,7}\s*")
_LABELLED = re.compile(r"A ?[.、:．：)）-].+B ?[.、:．：)）-]", re.DOTALL)
_LABELLED_ANSWER = re.compile(r"\s*[A-Ha-h] ?[.、．] ?\S")
_SEPARATED = re.compile(r"\$[;|]?\$|\*\*|##|.[|｜丨].")
_BLANK = re.compile(r"[(（\[【] *[_？?]* *[)）\]】]|_{2,}|[(（]\u3000*[)）]")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_CLAUSE = re.compile(r"安规|规程|规定|规范|导则|条例|GB|DL/T|Q/GDW|第.{1,8}条|^\d+(?:\.\d+)+$")
_PROFESSIONS = frozenset(
    (
        "变电 线路 配电 输电 通用 公共 营销 调度 信息 通信 水电 基建 火电 变电运维 变电检修 "
        "输电运维 配电运检 建设变电 建设线路 电力监控 调相机 光伏 风电 储能 电工制造 直流 "
        "继电保护 带电作业 自动化"
    ).split()
)
_NOT_A_BANK = re.compile("任务|分工|分配|说明|须知|记录|目录|统计|封面|下拉|字典|人员|名单|参数")
_LETTERED = "ABCDEFGH"
_VERDICT_WORDS = frozenset(["T", "F", "TRUE", "FALSE", "正确", "错误", "对", "错"])
"""What a list of things done would hardly say in every row."""
_PAIR_WORDS = frozenset(["是", "否", "Y", "N", "YES", "NO"])
_FEWEST_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class _Look:
    """What the filled cells of one column look like: shares from 0 to 1, and their Chinese characters.

    `words` are verdicts but for 0 and 1, `pairs` also 是 and 否; `several`: the cells are not all alike.
    """

    place: int
    filled: float
    letters: float
    verdicts: float
    words: float
    pairs: float
    labelled: float
    types: float
    lists: float
    blanks: float
    clauses: float
    professions: float
    length: float
    several: bool


def infer_columns(rows: Sequence[Sequence[str]], sheet_name: str) -> Columns | None:
    """Return where stem, answer and options seem to stand in these rows, or None if these are no questions."""
    if not rows or len(rows[0]) < 2:
        return None
    sample = list(islice((row for row in rows if sum(bool(cell.strip()) for cell in row) >= 2), _SAMPLE))
    if not sample:
        return None
    # The first row may be a header in words that nobody knows.
    found = _infer(sample) or (_infer(sample[1:]) if len(sample) > 1 else None)
    if found is not None and _NOT_A_BANK.search(sheet_name) and not _says_options_or_type(found):
        return None
    return found


def infer_asked_columns(rows: Sequence[Sequence[str]], *, trusted: bool) -> Columns | None:
    """Return where stem and options seem to stand in rows that need no answers, or None if these are no questions.

    `trusted`: they are questions, whatever they look like, so that statements without a 题型 are found too.
    """
    sample = list(islice((row for row in rows if any(cell.strip() for cell in row)), _SAMPLE))
    if not sample:
        return None
    rest = [_look(place, [row[place] for row in sample]) for place in range(len(sample[0]))]
    fields: dict[Field, int] = {}

    def take(field: Field, found: _Look | None) -> None:
        if found is not None:
            fields[field] = found.place
            rest.remove(found)

    take(Field.TYPE, next((look for look in rest if look.filled > 0.5 and look.types > 0.8), None))
    take(
        Field.PROFESSION, next((look for look in rest if look.filled > 0.5 and look.professions > 0.9), None)
    )
    cells = [look for look in rest if look.blanks < 0.5]
    take(Field.OPTIONS, _option_cells(cells) if len(rest) > 1 else None)
    take(Field.ANSWER, _answer(rest))
    stem = _stem(rest, fields.get(Field.ANSWER, len(sample[0])))
    if stem is None and trusted:
        stem = max(rest, key=lambda look: (look.filled > 0.5, look.length), default=None)
    if stem is None:
        return None
    take(Field.STEM, stem)
    options = () if Field.OPTIONS in fields else _options_without_answers(rest, stem)
    looks_so = sum(_seems_stem(row[stem.place]) for row in sample) >= 0.5 * len(sample)
    if not (trusted or looks_so or options or Field.OPTIONS in fields or Field.TYPE in fields):
        return None
    return Columns(fields, options)


def _options_without_answers(looks: Sequence[_Look], stem: _Look) -> tuple[tuple[str, int], ...]:
    """The columns side by side after the stem, shorter than that: three or more, or two that are verdicts.

    Two others may be an answer and a remark.
    """
    fitting = {
        look.place: look
        for look in looks
        if look.filled > 0 and look.length < stem.length and look.clauses <= 0.6
    }
    run = list(takewhile(fitting.__contains__, range(stem.place + 1, stem.place + 1 + len(_LETTERED))))
    enough = len(run) > 2 or (len(run) == 2 and all(fitting[place].verdicts > 0.8 for place in run))
    return tuple(zip(_LETTERED, run, strict=False)) if enough else ()


def _says_options_or_type(columns: Columns) -> bool:
    return bool(columns.options) or Field.OPTIONS in columns.fields or Field.TYPE in columns.fields


def _infer(sample: Sequence[Sequence[str]]) -> Columns | None:
    looks = [_look(place, [row[place] for row in sample]) for place in range(len(sample[0]))]
    return _assign(looks, sample)


def find_type_column(columns: Columns, rows: Sequence[Sequence[str]]) -> int | None:
    """Return the column without a known heading whose cells all name a 题型, or None."""
    used = {*columns.fields.values(), *columns.texts(), *columns.explanations, columns.blank_order}
    for place in range(len(rows[0]) if rows else 0):
        cells = [row[place] for row in rows[:_SAMPLE] if row[place].strip()]
        if place not in used and cells and all(_is_type(cell) for cell in cells):
            return place
    return None


def looks_like_answer(cell: str) -> bool:
    """Return whether a cell holds letters of options or a verdict."""
    return _LETTERS.fullmatch(cell) is not None or _is_verdict(cell)


def _look(place: int, cells: Sequence[str]) -> _Look:
    filled = [cell for cell in cells if cell.strip()]

    def share(fits: Callable[[str], object]) -> float:
        return sum(bool(fits(cell)) for cell in filled) / max(len(filled), 1)

    return _Look(
        place,
        len(filled) / len(cells),
        letters=share(_LETTERS.fullmatch),
        verdicts=share(_is_verdict),
        words=share(lambda cell: cell.strip() not in ("0", "1") and _is_verdict(cell)),
        pairs=share(lambda cell: _is_verdict(cell) or cell.strip().upper() in _PAIR_WORDS),
        labelled=share(_LABELLED_ANSWER.match),
        types=share(_is_type),
        lists=share(_is_list),
        blanks=share(_BLANK.search),
        clauses=share(_CLAUSE.search),
        professions=share(lambda cell: cell.strip() in _PROFESSIONS),
        length=sum(min(len(_CHINESE.findall(cell)), 60) for cell in filled) / max(len(filled), 1),
        several=len(set(filled)) > 1,
    )


@lru_cache(maxsize=1024)
def _is_type(cell: str) -> bool:
    said = read_type(cell) if len(cell) <= 10 else None
    return said is not None and (said.type is not None or said.choice)


@lru_cache(maxsize=1024)
def _is_verdict(cell: str) -> bool:
    return len(cell) <= 6 and (cell.strip() in ("0", "1") or plain_verdict(cell) is not None)


def _is_list(cell: str) -> bool:
    return _LABELLED.search(cell) is not None or _SEPARATED.search(cell) is not None


def _assign(looks: Sequence[_Look], sample: Sequence[Sequence[str]]) -> Columns | None:
    fields: dict[Field, int] = {}
    rest = list(looks)

    def take(field: Field, found: _Look | None) -> None:
        if found is not None:
            fields[field] = found.place
            rest.remove(found)

    take(Field.TYPE, next((look for look in rest if look.filled > 0.5 and look.types > 0.8), None))
    take(
        Field.PROFESSION, next((look for look in rest if look.filled > 0.5 and look.professions > 0.9), None)
    )
    take(Field.OPTIONS, _option_cells(rest))
    take(Field.ANSWER, _answer(rest))
    stem = _stem(rest, fields.get(Field.ANSWER, len(looks)))
    take(Field.STEM, stem)
    if stem is None:
        return None
    told = Field.OPTIONS in fields or Field.TYPE in fields
    if Field.ANSWER not in fields:
        take(Field.ANSWER, _answer_in_words(rest, stem, sample, told=told))
    answer = next((look for look in looks if look.place == fields.get(Field.ANSWER)), None)
    if answer is None:
        return None
    options = () if Field.OPTIONS in fields else _options(rest, stem, answer)
    if not told and not options and not _could_be_questions(stem, answer, sample):
        return None
    rest = [look for look in rest if look.place not in {place for _, place in options}]
    take(Field.CLAUSE, next((look for look in rest if look.clauses > 0.6 and look.length < 40), None))
    return Columns(fields, options)


def _could_be_questions(stem: _Look, answer: _Look, sample: Sequence[Sequence[str]]) -> bool:
    """Whether texts beside answers are questions, with neither options nor a 题型 to tell."""
    if max(answer.verdicts, answer.pairs) > 0.9 and max(answer.verdicts, answer.pairs) > answer.letters:
        return _states(stem, answer, sample)
    return answer.letters <= 0.5


def _option_cells(looks: Sequence[_Look]) -> _Look | None:
    """The column of cells with several options in each; answers may be written `A. x,D. y`, but are shorter."""
    fitting = [look for look in looks if look.lists > 0.5 and look.filled > 0.2]
    return max(fitting, key=lambda look: (round(look.lists * look.filled, 1), look.length), default=None)


def _answer(looks: Sequence[_Look]) -> _Look | None:
    """The column of letters and verdicts; of several the one filled best, then the last.

    Figures alike in all rows are marks, not verdicts.
    """
    fitting = [
        look
        for look in looks
        if look.filled > 0.5
        and look.letters + look.verdicts > 0.7
        and (look.words or look.letters or look.several)
    ] or [
        look for look in looks if look.filled > 0.5 and look.several and look.pairs > 0.95 and not look.types
    ]
    return max(fitting, key=_by_answers, default=None)


def _by_answers(look: _Look) -> tuple[bool, bool, float, int]:
    return look.letters > 0, look.words > 0, look.filled, look.place


def _answer_in_words(
    looks: Sequence[_Look], stem: _Look, sample: Sequence[Sequence[str]], *, told: bool
) -> _Look | None:
    """The column of answers where most are no bare letters: `A. x`, verdicts among words, words to fill in."""
    fitting = [look for look in looks if look.filled > 0.5 and _bare_answers(look) > 0.3]
    if told and fitting:
        return max(fitting, key=lambda look: (_bare_answers(look), look.place))
    behind = (look for look in looks if look.place > stem.place and look.filled > 0.7 and look.clauses < 0.6)
    beside = next((look for look in behind if look.several and (told or look.length > 0.5)), None)
    if beside is None or told or stem.blanks > 0.5:
        return beside
    asked = sum(
        _BLANK.search(row[stem.place]) is not None or looks_like_answer(row[beside.place]) for row in sample
    )
    return beside if stem.blanks > 0 and asked > 0.8 * len(sample) else None


def _bare_answers(look: _Look) -> float:
    return look.letters + look.words + look.labelled


def _stem(looks: Sequence[_Look], answer: int) -> _Look | None:
    """The column of long Chinese texts, with blanks, before the answer."""
    fitting = [look for look in looks if look.filled > 0.6 and look.length >= 6]
    return max(
        fitting,
        key=lambda look: min(look.length, 40) + 40 * look.blanks + 15 * (look.place < answer) - look.place,
        default=None,
    )


def _options(looks: Sequence[_Look], stem: _Look, answer: _Look) -> tuple[tuple[str, int], ...]:
    """The columns side by side after the stem, if the answers are letters that could name them."""
    if answer.letters < 0.2:
        return ()
    places = {look.place for look in looks if look.filled > 0}
    run: list[int] = []
    for place in range(stem.place + 1, stem.place + 1 + len(_LETTERED)):
        if place not in places:
            break
        run.append(place)
    return tuple(zip(_LETTERED, run, strict=False)) if len(run) >= 2 else ()


def _states(stem: _Look, answer: _Look, sample: Sequence[Sequence[str]]) -> bool:
    """Whether a sheet of texts and verdicts looks like statements to judge, not like a list of things done."""
    verdicts = {row[answer.place].strip().upper() for row in sample if row[answer.place].strip()}
    texts = [row[stem.place].strip() for row in sample]
    stopped = sum(text.endswith(("。", "）", ")", ".")) for text in texts)
    if answer.verdicts <= 0.9:  # 是 and 否 would as well be the marks in a list of tasks
        return len(verdicts) > 1 and stem.length >= 8 and stopped >= 0.8 * len(texts)
    sentences = sum(text.endswith(("。", "）", ")", ".")) or len(text) >= 15 for text in texts)
    ticks_only = len(verdicts) < 2 and not verdicts <= _VERDICT_WORDS
    return not ticks_only and stem.length >= 8 and sentences >= 0.6 * len(texts)


def seem_questions(rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return which rows (from 0) look like questions, though nobody can tell which cell is the answer.

    They have a blank to fill in, ask something or show options, and something stands beside. () if these are too
    few for a sheet of questions.
    """
    filled = 0
    found = []
    for number, row in enumerate(rows):
        cells = [cell for cell in row if cell and not cell.isspace()]
        filled += bool(cells)
        if len(cells) > 1 and any(_seems_stem(cell) for cell in cells):
            found.append(number)
    return tuple(found) if len(found) >= max(_FEWEST_QUESTIONS, 0.5 * filled) else ()


def _seems_stem(cell: str) -> bool:
    if len(cell) < 8 or len(_CHINESE.findall(cell[:200])) < 6:
        return False
    return _BLANK.search(cell) is not None or cell.rstrip().endswith(("？", "?")) or _is_list(cell)
