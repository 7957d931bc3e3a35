"""What all rows of a sheet together tell about each of them: whether 1 and 0 judge, whether A may be 错误."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from xiaoan.question_bank.question import WRONG, judge_word
from xiaoan.question_bank.rows.answer_cells import plain_verdict
from xiaoan.question_bank.rows.columns import Columns, Field
from xiaoan.question_bank.rows.figure_answers import meaning_of_figures
from xiaoan.question_bank.rows.option_cells import read_options
from xiaoan.question_bank.rows.row_cells import Habits
from xiaoan.question_bank.rows.stem_cells import asks

_JUDGING_PAIRS = (
    frozenset(["0", "1"]),
    frozenset(["是", "否"]),
    frozenset(["Y", "N"]),
    frozenset(["YES", "NO"]),
)
"""Answers that are verdicts only where a sheet has no others."""
_LONGEST_VERDICT = 5
_LETTERS = re.compile("[A-EG-H]+", re.IGNORECASE)
"""Letters of options; F may be false."""


def learned_habits(so_far: Habits, columns: Columns, rows: Sequence[Sequence[str]]) -> Habits:
    """Return `so_far` with what only all `rows` below one header tell about each of them."""
    answer = columns.fields.get(Field.ANSWER)
    answers = {row[answer] for row in rows} if answer is not None else set()
    written = {text.strip().upper() for text in answers} - {""}
    judging = bool(written) and any(written <= pair for pair in _JUDGING_PAIRS)
    return replace(
        so_far,
        pair_judges=judging,
        words_judge=not judging and _short_words_judge(columns, rows, written),
        letters_unclear=_some_begin_with_wrong(columns, rows),
        figures=meaning_of_figures(columns, rows),
    )


def _some_begin_with_wrong(columns: Columns, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the options of some 判断题 are 错误 and 正确, in this order."""
    if columns.options:
        first = columns.options[0][1]
        cells = {row[first] for row in rows if 0 < len(row[first]) <= 4}
        return any(judge_word(cell) == WRONG for cell in cells)
    column = columns.fields.get(Field.OPTIONS)
    if column is None:
        return False
    short = {row[column] for row in rows if 3 <= len(row[column]) <= 20}
    readings = (
        read_options(cell).options for cell in short if any(word in cell for word in ("错", "×", "不", "否"))
    )
    return any(len(options) == 2 and judge_word(options[0].text) == WRONG for options in readings)


def _short_words_judge(columns: Columns, rows: Sequence[Sequence[str]], written: Iterable[str]) -> bool:
    """Whether 是, N or 0 beside a statement without options is a verdict, as it is for the statements around."""
    answer = columns.fields.get(Field.ANSWER)
    # Most sheets say the 题型, or have no such answers: then there is nothing to look for.
    if answer is None or Field.TYPE in columns.fields or not any(map(_may_be_verdict, written)):
        return False
    places = [place for _, place in columns.options]
    if Field.OPTIONS in columns.fields:
        places.append(columns.fields[Field.OPTIONS])
    stem = columns.fields[Field.STEM]
    short = [
        text
        for row in rows
        if 0 < len(text := row[answer].strip()) <= _LONGEST_VERDICT
        and _LETTERS.fullmatch(text) is None
        and not any(row[place].strip() for place in places)
        and not asks(row[stem])
    ]
    verdicts = {text.upper() for text in short if judge_word(text)}
    return len(verdicts) > 1 and sum(text.upper() in verdicts for text in short) >= 0.8 * len(short)


def _may_be_verdict(text: str) -> bool:
    return len(text) <= _LONGEST_VERDICT and judge_word(text) is not None and plain_verdict(text) is None
