"""One row's cells into a question, or into the reasons why it is none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from xiaoan.question_bank.answers.choice_reading import read_verdict
from xiaoan.question_bank.cells.sheets import Remark, RemarkKind
from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.parsing import TYPE_WORDS, parse_question
from xiaoan.question_bank.question import Question, QuestionType, Source, judge_word
from xiaoan.question_bank.rows.answer_cells import (
    Chosen,
    bare_letters,
    is_nothing,
    plain_verdict,
    read_chosen,
)
from xiaoan.question_bank.rows.columns import Columns, Field
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.option_cells import OptionsReading, read_option_columns, read_options
from xiaoan.question_bank.rows.row_answers import (
    NOTHING_TO_CHOOSE,
    chosen_options,
    filled_blanks,
    is_judging,
    judged,
)
from xiaoan.question_bank.rows.row_cells import (
    NO_HABITS,
    NO_REMARKS,
    Habits,
    Problem,
    Refusal,
    Row,
    heed_merges,
    heed_remarks,
)
from xiaoan.question_bank.rows.stem_cells import (
    Leak,
    asks,
    has_any_blank,
    has_blank,
    has_picture,
    is_only_picture,
    leaked_letters,
    leaked_verdict,
    may_leak,
    read_stem,
    take_type_hint,
)
from xiaoan.question_bank.rows.type_words import NO_TYPE, TypeWord, read_type

_CHOICES = (QuestionType.SINGLE, QuestionType.MULTIPLE)
_ANY_ORDER = re.compile(r"[(（\[【] ?(?:无序|不分先后|不分顺序|顺序不限) ?[)）\]】]\s*\Z")
LABELLED_STEM = re.compile(r"[AＡａa] ?[.、:．：)）].+[BＢｂb] ?[.、:．：)）]", re.DOTALL)
_LETTER = re.compile("[A-ZＡ-Ｚa-zａ-ｚ]")


@dataclass(frozen=True, slots=True)
class RowReading:
    """The question of a row, or None if it was refused, and all that is to be said about it."""

    question: Question | None
    problems: tuple[Problem, ...] = ()


_CANONICAL = Columns({field: place for place, field in enumerate(Field)})


def read_row(texts: Mapping[Field, str], source: Source) -> RowReading:
    """Return the question written in `texts`, a row of the canonical workbook (absent fields are empty)."""
    return read_cells(_CANONICAL, [texts.get(field, "") for field in Field], source)


def read_cells(
    columns: Columns,
    texts: Sequence[str],
    source: Source,
    *,
    habits: Habits = NO_HABITS,
    remarks: Mapping[int, Remark] = NO_REMARKS,
    filled: frozenset[int] = frozenset(),
) -> RowReading:
    """Return the question written in `texts`, the cells of a row.

    `remarks` are by column from 0; `filled` are the columns whose text is that of the merged cell above.
    """
    row = Row(columns, texts, habits, remarks)
    try:
        if remarks:
            heed_remarks(row)
        if filled:
            heed_merges(row, filled)
        return RowReading(_read(row, source), tuple(row.warnings))
    except Refusal as refusal:
        return RowReading(None, (*row.warnings, refusal.problem))


def _read(row: Row, source: Source) -> Question:
    stem = read_row_stem(row)
    stem, told = told_type(row, stem)
    reading = read_row_options(row)
    written = _written_answer(row)
    if len(reading.options) < 2 and LABELLED_STEM.search(stem):
        stem, reading = _options_in_stem(row, stem, reading, written)
    if may_leak(stem):
        stem, written = _heed_leak(row, stem, reading, written, told)
    if is_nothing(written):
        raise Refusal(row.answer_column, FaultCode.NO_ANSWER, "没有答案；请补上正确答案")
    question_type = _question_type(row, stem, reading, written, told)
    options: tuple[str, ...] = ()
    note = ""
    any_order = False
    if question_type in _CHOICES:
        options, answer = chosen_options(row, question_type, stem, reading, written)
    elif question_type is QuestionType.JUDGE:
        answer, note = judged(row, stem, reading, written)
    elif question_type is QuestionType.BLANK:
        written, any_order = _any_order(row, written)
        answer = filled_blanks(row, stem, written)
    else:
        answer = (clean_text(written),)
    try:
        return Question(
            stem=stem,
            options=options,
            answer=answer,
            clause=_beside(row, Field.CLAUSE),
            profession=_beside(row, Field.PROFESSION),
            question_type=question_type,
            sources=(source,),
            explanation=_explanation(row, note, reading if options else OptionsReading()),
            any_order=any_order,
        )
    except ValueError as error:
        message = f"答案“{written}”不成立；请改正答案"
        raise Refusal(row.answer_column, FaultCode.BAD_ANSWER, message) from error


def read_row_stem(row: Row) -> str:
    """Return the stem in the row's cell, without its number. Raises Refusal where there is none to be read."""
    column = row.column(Field.STEM)
    cell = row.text(Field.STEM)
    stem = read_stem(cell)
    pictured = column is not None and column in row.remarks and row.remarks[column].kind is RemarkKind.PICTURE
    if is_only_picture(cell) or (pictured and not stem):
        raise Refusal(column, FaultCode.PICTURE_ONLY, "题干只有图片，程序看不到图；请把题干写成文字")
    if not stem:
        raise Refusal(column, FaultCode.NO_STEM, "题干是空的，或没有文字；请补上题干")
    if has_picture(stem):
        row.warn(column, FaultCode.PICTURE, "题干里有图片，程序看不到图；请核对文字是否完整")
    return stem


def told_type(row: Row, stem: str) -> tuple[str, TypeWord]:
    """Return the stem without a 题型 in front, and the 题型 as told: by its column, the stem, the sheet or a heading."""
    told = read_type(row.text(Field.TYPE))
    if stem[0] in "(（[【〔":
        hint, rest = take_type_hint(stem)
        said = read_type(hint) if hint in TYPE_WORDS or hint.endswith("题") else NO_TYPE
        if (said.type or said.choice) and read_stem(rest):
            row.warn(row.column(Field.STEM), FaultCode.TYPE_IN_STEM, f"题干开头写着“{hint}”，已去掉")
            return rest, told if told.type or told.choice else said
    if not told.type and not told.choice and not row.text(Field.TYPE).strip():
        return stem, row.habits.told
    return stem, told


def read_row_options(row: Row) -> OptionsReading:
    """Return the options as written, in columns of their own or in one cell; () where there are none.

    Raises Refusal for an option that is only a picture.
    """
    if row.columns.options:
        cells = [(label, row.texts[column]) for label, column in row.columns.options]
        for (_, place), (_, single) in zip(row.columns.options, cells, strict=True):
            _refuse_picture(row, place, single)
        if reading := read_option_columns(cells):
            return reading
    cell = row.text(Field.OPTIONS)
    if cell.strip() in NOTHING_TO_CHOOSE:
        if (column := row.column(Field.OPTIONS)) is not None:
            _refuse_picture(row, column, cell)
        return OptionsReading()
    reading = read_options(cell)
    if has_picture(cell):
        for option in reading.options:
            _refuse_picture(row, row.option_column, option.text)
    if not reading.options:
        _refuse_picture(row, row.option_column, cell)
    return reading


def _refuse_picture(row: Row, column: int | None, cell: str) -> None:
    """Refuse an option that is only a picture: nobody could be asked to choose it."""
    lies_there = (
        column is not None and column in row.remarks and row.remarks[column].kind is RemarkKind.PICTURE
    )
    if is_only_picture(cell) or (lies_there and not cell.strip()):
        message = "选项只有图片，程序看不到图；请把选项写成文字"
        raise Refusal(column, FaultCode.PICTURE_ONLY, message)


def _written_answer(row: Row) -> str:
    """The answer's cell, or the cells of a 填空题's answers line by line."""
    written = row.text(Field.ANSWER)
    if is_nothing(written) and row.columns.answers:
        cells = (row.texts[column].strip() for column in row.columns.answers)
        return "\n".join(cell for cell in cells if cell)
    return written


def _options_in_stem(
    row: Row, stem: str, reading: OptionsReading, written: str
) -> tuple[str, OptionsReading]:
    """Options that stand in the stem's cell, if the answer names them."""
    asked = parse_question(row.text(Field.STEM))
    found = OptionsReading(asked.options)
    if not asked.stem or len(asked.options) < 2 or _chosen(row, written, found).refusal:
        return stem, reading
    row.warn(row.column(Field.STEM), FaultCode.OPTIONS_IN_STEM, "选项写在题干里，已分开")
    return asked.stem, found


def _heed_leak(row: Row, stem: str, reading: OptionsReading, written: str, told: TypeWord) -> tuple[str, str]:
    """The stem with a blank where the answer was given away, and the answer, which may be the one given away."""
    judges = told.type is QuestionType.JUDGE or len(reading.options) < 2 or is_judging(reading)
    leak = leaked_verdict(stem) if judges else _leaked_choice(row, stem, reading, written)
    if leak is None:
        return stem, written
    column = row.column(Field.STEM)
    if is_nothing(written):
        message = f"没有答案，题干括号里写着“{leak.answer}”，已作为答案，括号改为空格；请核对"
        row.warn(column, FaultCode.ANSWER_IN_STEM, message)
        return leak.stem, leak.answer
    if _same_as_leak(row, leak, reading, written, judges=judges):
        row.warn(column, FaultCode.ANSWER_IN_STEM, f"题干括号里写着答案“{leak.answer}”，已改为空格")
        return leak.stem, written
    message = (
        f"题干括号里写着“{leak.answer}”，与答案“{written.strip()}”不同；题干未改，以答案一栏为准，请核对"
    )
    row.warn(column, FaultCode.ANSWER_IN_STEM, message)
    return stem, written


def _leaked_choice(row: Row, stem: str, reading: OptionsReading, written: str) -> Leak | None:
    """The letters given away in the stem; options under figures have letters by their place."""
    letters = [
        option.label if option.label.isalpha() else chr(ord("A") + place)
        for place, option in enumerate(reading.options)
    ]
    answer = (
        ""
        if is_nothing(written)
        else "".join(letters[place] for place in _chosen(row, written, reading).places)
    )
    return leaked_letters(stem, frozenset(letters), answer)


def _chosen(row: Row, written: str, reading: OptionsReading, stem: str | None = None) -> Chosen:
    return read_chosen(written, reading, stem, row.habits.figures)


def _same_as_leak(row: Row, leak: Leak, reading: OptionsReading, written: str, *, judges: bool) -> bool:
    if judges:
        return (plain_verdict(written) or read_verdict(written, reading.options or None)) == leak.answer
    answer, given = _chosen(row, written, reading), _chosen(row, leak.answer, reading)
    return answer.refusal is None and answer.places == given.places


def _question_type(
    row: Row, stem: str, reading: OptionsReading, written: str, told: TypeWord
) -> QuestionType:
    """The 题型 as told, unless options and answer can only be those of another; else as they look."""
    known = told.type
    if known in _CHOICES:
        if is_judging(reading) or (not reading.options and plain_verdict(written)):
            return _changed(row, known, QuestionType.JUDGE)
        return known
    if known in (QuestionType.BLANK, QuestionType.SHORT) and len(reading.options) >= 2:
        if is_judging(reading) and (
            plain_verdict(written) or not _chosen(row, written, reading, stem).refusal
        ):
            return _changed(row, known, QuestionType.JUDGE)
        chosen = _chosen(row, written, reading, stem)
        if not chosen.refusal:
            return _changed(row, known, _choice_of(len(chosen.places)))
    if known is not None:
        return known
    inferred = _inferred_type(row, stem, reading, written)
    said = row.text(Field.TYPE).strip()
    found = f"不认识题型“{said}”" if said and not told.choice else f"题型是“{said}”" if said else "没有写题型"
    row.warn(row.column(Field.TYPE), FaultCode.TYPE_INFERRED, f"{found}，按内容当作{inferred}")
    return inferred


def _changed(row: Row, told: QuestionType, found: QuestionType) -> QuestionType:
    message = f"题型写的是{told}，选项和答案却是{found}的，已当作{found}；请核对"
    row.warn(row.column(Field.TYPE), FaultCode.TYPE_CHANGED, message)
    return found


def _choice_of(answers: int) -> QuestionType:
    return QuestionType.MULTIPLE if answers > 1 else QuestionType.SINGLE


def _inferred_type(row: Row, stem: str, reading: OptionsReading, written: str) -> QuestionType:
    if is_judging(reading):
        return QuestionType.JUDGE
    if reading.options:
        return _choice_of(len(_chosen(row, written, reading, stem).places))
    answer = written.strip()
    if plain_verdict(answer) and not (len(answer) == 1 and answer in "对错" and has_blank(stem)):
        return QuestionType.JUDGE
    if row.habits.pair_judges and judge_word(answer):
        return QuestionType.JUDGE
    if row.habits.words_judge and judge_word(answer) and not asks(stem):
        return QuestionType.JUDGE
    letters = bare_letters(answer)
    if letters.isascii() and letters.isalpha() and set(letters.upper()) <= set("ABCDEFGH"):
        message = f"答案是字母“{answer}”，却没有两个以上的选项；请补上选项，判断题请写上题型"
        raise Refusal(row.option_column or row.answer_column, FaultCode.NO_OPTIONS, message)
    return QuestionType.BLANK if has_any_blank(stem) else QuestionType.SHORT


def _any_order(row: Row, written: str) -> tuple[str, bool]:
    """The answers without a （无序） at their end, and whether that or the 填空顺序 says that any order will do."""
    column = row.columns.blank_order
    if column is not None and "无" in row.texts[column]:
        return written, True
    answers = _ANY_ORDER.sub("", written)
    return (answers, True) if answers != written and not is_nothing(answers) else (written, False)


def _beside(row: Row, field: Field) -> str:
    return _short(row.text(field))


@lru_cache(maxsize=4096)
def _short(cell: str) -> str:
    """A 专业 or 依据; the same ones come back row after row."""
    text = clean_text(cell)
    return "" if is_nothing(text) else text


def _explanation(row: Row, note: str, options: OptionsReading) -> str:
    """The note behind the answer, and all explanations that are written, each once.

    Where the sheet left an option empty, the letters of what is written are not those that the options get here.
    """
    texts = [note] if note else []
    for column in row.columns.explanations:
        cell = row.texts[column]
        if cell and not is_nothing(cell):
            texts.append(clean_text(cell, keep_newlines=True))
    if options.empty and any(_LETTER.search(text) for text in texts):
        texts.insert(0, f"（解析里的字母按原表：{'、'.join(option.label for option in options.options)}。）")
    return "\n".join(dict.fromkeys(texts))
