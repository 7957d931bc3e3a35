"""One row's cells into a question to be asked: an answer beside it is set aside, and nothing of it is told."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xiaoan.question_bank.cells.sheets import Remark
from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.option_labels import AskedOption, bare_text, half_width, one_line
from xiaoan.question_bank.parsing import AskedQuestion, parse_question
from xiaoan.question_bank.question import QuestionType, Source
from xiaoan.question_bank.rows.answer_cells import bare_letters, is_nothing, verdict_options
from xiaoan.question_bank.rows.columns import Columns, Field
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.option_cells import OptionsReading
from xiaoan.question_bank.rows.row_answers import is_judging
from xiaoan.question_bank.rows.row_cells import Habits, Problem, Refusal, Row, heed_merges, heed_remarks
from xiaoan.question_bank.rows.row_reading import (
    LABELLED_STEM,
    read_row_options,
    read_row_stem,
    told_type,
)
from xiaoan.question_bank.rows.stem_cells import (
    asks,
    has_any_blank,
    leaked_letters,
    leaked_verdict,
    may_leak,
)
from xiaoan.question_bank.rows.type_words import TypeWord, read_type

_CHOICES = (QuestionType.SINGLE, QuestionType.MULTIPLE)
_WRITTEN = (QuestionType.BLANK, QuestionType.SHORT)
_IN_BRACKETS = re.compile(r"\( ?([A-Z]{1,8}) ?\)")
_LOST = "只看到选项，没有题干；请把题干写在选项前面"
_NO_WORDS = "没有看到文字，不是题目；请补上题干"


@dataclass(frozen=True)
class AskedRow:
    """One question of a file.

    Attributes:
        source: where it stands.
        type_text: 题型 as written there, or as the sheet's name or a heading above says; '' where nothing does.
        stem_text: its text as written, without the options where these could be told apart.
        options_text: the options as written, one a line.
        answer_text: the answer that stands beside it; it is never asked along.
        asked: what is to be asked; None where that cannot be told.
        refusal: why not, '' where it can be asked.
        notes: what was repaired or is to be looked at.
    """

    source: Source
    type_text: str
    stem_text: str
    options_text: str
    answer_text: str
    asked: AskedQuestion | None
    refusal: str = ""
    notes: tuple[str, ...] = ()


def read_asked_cells(
    columns: Columns,
    texts: Sequence[str],
    source: Source,
    *,
    habits: Habits,
    remarks: Mapping[int, Remark],
    filled: frozenset[int],
    above_header: bool,
) -> tuple[AskedRow | None, tuple[Problem, ...]]:
    """Return the question in the cells of a row; a `sheet_walk.RowReader`.

    None above the header where the row neither has options nor a blank: a title is no question.
    """
    answers = _answer_places(columns)
    asking = _without_answers(columns, habits, texts)
    row = Row(asking, texts, habits, {place: one for place, one in remarks.items() if place not in answers})
    asked: AskedQuestion | None = None
    refusal = ""
    answer = "\n".join(text for place in answers if (text := clean_text(texts[place], keep_newlines=True)))
    try:
        if row.remarks:
            heed_remarks(row)
        if filled:
            heed_merges(row, filled - answers)
        asked = _asked(row, answer)
    except Refusal as error:
        refusal = error.problem.message
    if above_header and (asked is None or not (asked.options or has_any_blank(asked.stem))):
        return None, ()
    found = AskedRow(
        source,
        row.text(Field.TYPE).strip() or (habits.told.type.value if habits.told.type else ""),
        asked.stem
        if asked is not None and _is_split(row, asked)
        else clean_text(row.text(Field.STEM), keep_newlines=True),
        _options_text(row, asked),
        "" if is_nothing(answer) else answer,
        asked,
        refusal,
        tuple(dict.fromkeys(problem.message for problem in row.warnings)),
    )
    return found, ()


def read_asked_text(text: str, source: Source, told: TypeWord, answer: str = "") -> AskedRow:
    """Return the question in a text as somebody would paste it, options and all; `told`: what a heading above says."""
    parsed = parse_question(text)
    question_type = parsed.question_type or told.type
    notes: tuple[str, ...] = ()
    refusal = ""
    if parsed.options and not parsed.stem:
        refusal = _LOST
    elif not _has_words(parsed):
        refusal = _NO_WORDS
    else:
        judges = question_type is QuestionType.JUDGE or len(parsed.options) < 2
        stem, notes = without_leak(parsed.stem, parsed.options, answer, judges=judges)
        question_type, options, more = _agreed(question_type, stem, OptionsReading(parsed.options))
        notes += more
        unread = () if options else parsed.unread_labels
        parsed = replace(
            asked_question(stem, options, question_type, parsed.profession), unread_labels=unread
        )
    return AskedRow(
        source,
        question_type.value if question_type else "",
        parsed.stem or parsed.text,
        _labelled_lines(parsed.options),
        answer,
        None if refusal else parsed,
        refusal,
        notes,
    )


def asked_question(
    stem: str,
    options: Sequence[AskedOption],
    question_type: QuestionType | None,
    profession: str | None,
) -> AskedQuestion:
    """Return the question as a person would type it: the stem, and one option a line."""
    return AskedQuestion(
        text=clean_text("\n".join(filter(None, (stem, _labelled_lines(options)))), keep_newlines=True),
        stem=bare_text(one_line(clean_text(stem, keep_newlines=True))),
        options=tuple(options),
        question_type=question_type,
        profession=profession,
    )


def _has_words(asked: AskedQuestion) -> bool:
    """Return whether there is anything in the stem that could ask."""
    return any(character.isalnum() for character in asked.stem)


def without_leak(
    stem: str, options: Sequence[AskedOption], answer: str, *, judges: bool
) -> tuple[str, tuple[str, ...]]:
    """Return the stem with a blank where the answer stands in its brackets, and a note that says so."""
    if not may_leak(stem):
        return stem, ()
    if judges:
        leak = leaked_verdict(stem)
    else:
        letters = frozenset(option.label for option in options if option.label.isalpha())
        bracketed = _IN_BRACKETS.findall(half_width(stem))
        written = bare_letters(answer).upper() or (bracketed[0] if len(bracketed) == 1 else "")
        leak = leaked_letters(stem, letters, written)
    if leak is None:
        return stem, ()
    return leak.stem, (f"题干括号里写着答案“{leak.answer}”，改成空格问的",)


def _asked(row: Row, answer: str) -> AskedQuestion:
    """What the row asks. Raises Refusal."""
    stem = read_row_stem(row)
    stem, told = told_type(row, stem)
    reading = read_row_options(row)
    if len(reading.options) < 2:
        stem, reading = _options_elsewhere(row, stem, reading, told)
    if reading.unclear or reading.doubtful:
        # Whichever were the answer, nobody could tell what its letter means.
        message = "选项分不清：分隔符或标号可能缺了、重了；请用“A-…|B-…”的写法改写选项"
        raise Refusal(row.option_column, FaultCode.OPTIONS_UNCLEAR, message)
    row.warn_all(row.option_column, reading.repairs)
    judges = told.type is QuestionType.JUDGE or len(reading.options) < 2 or is_judging(reading)
    stem, notes = without_leak(stem, reading.options, answer, judges=judges)
    question_type, options, more = _agreed(told.type, stem, reading)
    for note in (*notes, *more):
        row.warn(row.column(Field.STEM), FaultCode.TYPE_CHANGED, note)
    profession = clean_text(row.text(Field.PROFESSION))
    asked = asked_question(stem, options, question_type, None if is_nothing(profession) else profession)
    if not _has_words(asked):
        raise Refusal(row.column(Field.STEM), FaultCode.NO_STEM, _NO_WORDS)
    return asked


def _options_elsewhere(
    row: Row, stem: str, reading: OptionsReading, told: TypeWord
) -> tuple[str, OptionsReading]:
    """Options in the stem's own cell, or 正确 and 错误 that only a comma parts."""
    if verdicts := verdict_options(row.text(Field.OPTIONS)):
        return stem, OptionsReading(verdicts)
    if LABELLED_STEM.search(stem):
        parsed = parse_question(row.text(Field.STEM))
        found = OptionsReading(parsed.options)
        fits = told.type is not QuestionType.JUDGE or is_judging(found)
        if parsed.stem and len(parsed.options) >= 2 and fits:
            return parsed.stem, found
    if reading.options:
        row.warn(row.option_column, FaultCode.OPTION_LABEL, "只读出一个选项，没有用；请核对选项的写法")
    return stem, OptionsReading(unclear=reading.unclear)


def _agreed(
    told: QuestionType | None, stem: str, reading: OptionsReading
) -> tuple[QuestionType | None, tuple[AskedOption, ...], tuple[str, ...]]:
    """The 题型 that the options allow, the options, and what is to be said where the two do not fit."""
    if not reading.options:
        return told, (), ()
    if is_judging(reading):
        note = f"题型写的是{told}，选项却是判断题的，当作判断题"
        return QuestionType.JUDGE, reading.options, (note,) if told in _CHOICES else ()
    if told is QuestionType.JUDGE and not asks(stem):
        return told, (), ("判断题带着别的选项，没有用这些选项；请核对是否错行",)
    if told is QuestionType.JUDGE:
        return None, reading.options, ("题型写的是判断题，选项却不是正确和错误，按选项问的；请核对",)
    return (None if told in _WRITTEN else told), reading.options, ()


def _answer_places(columns: Columns) -> frozenset[int]:
    single = columns.fields.get(Field.ANSWER)
    return frozenset(columns.answers) | (frozenset() if single is None else frozenset([single]))


def _without_answers(columns: Columns, habits: Habits, texts: Sequence[str]) -> Columns:
    """The columns but for the answers; 答案A … 答案D of a choice are its options."""
    fields: dict[Field, int] = {
        field: place for field, place in columns.fields.items() if field is not Field.ANSWER
    }
    asking = replace(columns, fields=fields, answers=())
    place = fields.get(Field.TYPE)
    told = (read_type(texts[place]).type if place is not None else None) or habits.told.type
    if told in _CHOICES and len(columns.answers) >= 2 and not columns.options and Field.OPTIONS not in fields:
        labels = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        return replace(asking, options=tuple(zip(labels, columns.answers, strict=False)))
    return asking


def _is_split(row: Row, asked: AskedQuestion | None) -> bool:
    """Whether the options were in the stem's own cell."""
    if asked is None or not asked.options:
        return False
    return not any(text.strip() for text in _option_cells(row))


def _options_text(row: Row, asked: AskedQuestion | None) -> str:
    """The options as they stand in their cells, or as they were found in the stem's."""
    if row.columns.options:
        lines = [(label, clean_text(row.texts[place])) for label, place in row.columns.options]
        if written := "\n".join(f"{label}. {text}" for label, text in lines if text):
            return written
    written = clean_text(row.text(Field.OPTIONS), keep_newlines=True)
    return written or _labelled_lines(asked.options if asked else ())


def _option_cells(row: Row) -> list[str]:
    return [row.text(Field.OPTIONS), *(row.texts[place] for _, place in row.columns.options)]


def _labelled_lines(options: Sequence[AskedOption]) -> str:
    return "\n".join(f"{option.label}. {option.text}" for option in options)
