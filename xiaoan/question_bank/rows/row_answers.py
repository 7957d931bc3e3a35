"""What a row's answer cell means together with its options, for each 题型."""

import re
from functools import lru_cache

from xiaoan.question_bank.answers.choice_reading import read_verdict
from xiaoan.question_bank.cells.sheets import RemarkKind
from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.option_labels import half_width
from xiaoan.question_bank.question import RIGHT, WRONG, QuestionType, judge_word
from xiaoan.question_bank.rows.answer_cells import (
    bare_letters,
    blanks_of,
    is_nothing,
    part_answers,
    plain_verdict,
    read_chosen,
    verdict_options,
    verdict_with_note,
)
from xiaoan.question_bank.rows.columns import Field
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.figure_answers import Figures
from xiaoan.question_bank.rows.option_cells import OptionsReading, read_options
from xiaoan.question_bank.rows.row_cells import Refusal, Row
from xiaoan.question_bank.rows.stem_cells import asks

NOTHING_TO_CHOOSE = frozenset(["", "\\", "/", "-", "—", "——", "无", "无选项"])
"""What people write into a cell of options where there are none."""

_MARK_OF_LABEL = re.compile(r"(?<=^[A-Ba-b])[-:：] ?")
_LABEL_IN_FRONT = re.compile(r"\s*[(\[]?[A-Za-z][)\]]?\s*[.、:,)\]-]")
_LONGEST_VERDICT = 6


def is_judging(reading: OptionsReading) -> bool:
    """Return whether the options are 正确 and 错误, in whatever words and order."""
    return len(reading.options) == 2 and {_verdict(option.text) for option in reading.options} == {
        RIGHT,
        WRONG,
    }


def _verdict(text: str) -> str | None:
    return _short_verdict(text) if len(text) <= _LONGEST_VERDICT else None


@lru_cache(maxsize=1024)
def _short_verdict(text: str) -> str | None:
    return judge_word(text)


def judged(row: Row, stem: str, reading: OptionsReading, written: str) -> tuple[tuple[str, ...], str]:
    """Return a 判断题's verdict, and what was noted behind it. Raises Refusal."""
    cell = row.text(Field.OPTIONS)
    if len(reading.options) < 2 and (options := verdict_options(cell)):
        reading = OptionsReading(options)
    options = reading.options if is_judging(reading) else ()
    if options:
        row.warn_all(row.option_column, reading.repairs)
    elif reading.options or cell.strip() not in NOTHING_TO_CHOOSE:
        _ignore_options(row, stem, reading, written)
    verdict = plain_verdict(written) or _by_letter(row, reading if options else None, written)
    if verdict:
        return (verdict,), ""
    if noted := verdict_with_note(written):
        message = f"答案“{noted[0]}”后面还有文字，已放进解析：{noted[1]}"
        row.warn(row.answer_column, FaultCode.ANSWER_NOTE, message)
        return (noted[0],), noted[1]
    message = f"判断题的答案“{written.strip()}”看不懂；请写正确或错误"
    raise Refusal(row.answer_column, FaultCode.BAD_ANSWER, message)


def _ignore_options(row: Row, stem: str, reading: OptionsReading, written: str) -> None:
    """Options of another row: left out where the answer is a verdict all the same."""
    answer = written.strip().upper()
    if not plain_verdict(written) and answer not in ("0", "1"):
        first_two = answer in ("A", "B", "Ａ", "Ｂ")
        if not first_two or not reading.options or asks(stem):
            message = (
                f"题型是判断题，选项却不是正确和错误，答案“{written.strip()}”不能确定；"
                "请把题型改为单选题或多选题，或把选项改为正确和错误"
            )
            raise Refusal(row.column(Field.TYPE), FaultCode.TYPE_CONFLICT, message)
    message = "判断题带着别的选项，已不用这些选项；请核对是否错行"
    row.warn(row.option_column, FaultCode.OPTIONS_IGNORED, message)


def _by_letter(row: Row, reading: OptionsReading | None, written: str) -> str | None:
    """The verdict that a letter stands for: by the options shown, else A is 正确 and B is 错误."""
    if reading is None:
        letter = half_width(written).strip(" .。()\n").upper()
        if letter in ("A", "B") and row.habits.letters_unclear:
            message = f"这张表里有的判断题 A 是错误，这一行没有选项，不能确定答案“{written.strip()}”；请写正确或错误"
            raise Refusal(row.answer_column, FaultCode.OPTIONS_UNCLEAR, message)
        return {"A": RIGHT, "B": WRONG}.get(letter) or read_verdict(_MARK_OF_LABEL.sub(".", written))
    chosen = read_chosen(written, reading, None, row.habits.figures)
    if chosen.refusal is not None and chosen.refusal.code is FaultCode.OPTIONS_UNCLEAR:
        raise Refusal(row.answer_column, chosen.refusal.code, chosen.refusal.message)
    if len(chosen.places) == 1:
        row.warn_all(
            row.answer_column, [one for one in chosen.repairs if one.code is not FaultCode.ANSWER_AS_TEXT]
        )
        verdict = _verdict(reading.options[chosen.places[0]].text)
        if verdict == WRONG and written.strip() == "1" and row.habits.figures is not Figures.PLACES:
            message = "选项里错误在前，答案“1”可能是第一项，也可能是正确；请写正确或错误"
            raise Refusal(row.answer_column, FaultCode.OPTIONS_UNCLEAR, message)
        return verdict
    return read_verdict(_MARK_OF_LABEL.sub(".", written), reading.options)


def chosen_options(
    row: Row, question_type: QuestionType, stem: str, reading: OptionsReading, written: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the options' texts, and those of the right ones in the options' order. Raises Refusal."""
    if len(reading.options) < 2:
        return (), _without_options(row, question_type, written)
    if reading.unclear:
        message = "选项分不清：可能缺分隔符或标号，也可能是被弄断的词；请用“A-…|B-…”的写法改写选项"
        raise Refusal(row.option_column, FaultCode.OPTIONS_UNCLEAR, message)
    row.warn_all(row.option_column, reading.repairs)
    if reading.empty:
        message = f"选项 {'、'.join(reading.empty)} 是空的；请核对"
        row.warn(row.option_column, FaultCode.OPTION_EMPTY, message)
    texts = tuple(option.text for option in reading.options)
    if len(set(texts)) < len(texts):
        twice = "、".join(option.label for option in reading.options if texts.count(option.text) > 1)
        row.warn(row.option_column, FaultCode.OPTION_TWICE, f"选项 {twice} 是同样的文字；请核对")
    chosen = read_chosen(written, reading, stem, row.habits.figures)
    if chosen.refusal is not None:
        raise Refusal(row.answer_column, chosen.refusal.code, chosen.refusal.message)
    row.warn_all(row.answer_column, chosen.repairs)
    if question_type is QuestionType.SINGLE and len(chosen.places) > 1:
        message = f"单选题有 {len(chosen.places)} 个答案；请改为一个答案，或把题型改为多选题"
        raise Refusal(row.answer_column, FaultCode.ANSWER_COUNT, message)
    if question_type is QuestionType.MULTIPLE and len(chosen.places) == 1:
        message = "多选题只有一个答案；已照收，请核对"
        row.warn(row.answer_column, FaultCode.ONE_OPTION_ONLY, message)
    return texts, tuple(texts[place] for place in chosen.places)


def _without_options(row: Row, question_type: QuestionType, written: str) -> tuple[str, ...]:
    """A choice's answers as texts, in a sheet or row without options."""
    letters = bare_letters(written)
    names_option = row.has_option_columns and _LABEL_IN_FRONT.match(half_width(written)) is not None
    if (letters.isascii() and letters.isalnum()) or names_option or not _offers_nothing(row):
        column = row.answer_column if row.option_column is None else row.option_column
        raise Refusal(column, FaultCode.NO_OPTIONS, _why_no_options(row, question_type))
    if row.has_option_columns:
        message = f"{question_type}没有选项，答案写的是文字，已照收；请补上选项，或改题型"
        row.warn(row.option_column, FaultCode.NO_OPTIONS, message)
    if question_type is QuestionType.MULTIPLE and len(named := read_options(written).options) >= 2:
        return tuple(dict.fromkeys(option.text for option in named))
    return (clean_text(written),)


def _offers_nothing(row: Row) -> bool:
    """Whether all cells of options are empty; a picture beside them may hold what they should."""
    cells = [row.text(Field.OPTIONS), *(row.texts[column] for _, column in row.columns.options)]
    pictured = any(remark.kind is RemarkKind.PICTURE for remark in row.remarks.values())
    return not pictured and all(cell.strip() in NOTHING_TO_CHOOSE for cell in cells)


def _why_no_options(row: Row, question_type: QuestionType) -> str:
    column = row.option_column
    if any(remark.kind is RemarkKind.PICTURE for remark in row.remarks.values()):
        return f"{question_type}没有文字选项，只有图片；请把选项写成文字"
    if column is None:
        return f"{question_type}的答案是字母，表里却没有选项；请加上选项一列"
    if row.columns.options:
        return f"{question_type}至少要有两个选项；请补上选项"
    found = row.texts[column].strip()
    if not found:
        return f"{question_type}没有选项；请补上选项"
    return f"{question_type}的选项读不出来，需要“A. …,B. …”或“A-…|B-…”这样带字母的写法；请改写选项"


def filled_blanks(row: Row, stem: str, written: str) -> tuple[str, ...]:
    """Return a 填空题's answers, one per blank if columns or a separator part them so; else the text as it is.

    Raises Refusal.
    """
    blanks = blanks_of(stem)
    if row.columns.answers:
        cells = [clean_text(row.texts[column]) for column in row.columns.answers]
        while cells and not cells[-1]:
            cells.pop()
        if cells and not all(cells):
            place = cells.index("")
            message = f"第 {place + 1} 空没有答案，后面却有；请补上答案"
            raise Refusal(row.columns.answers[place], FaultCode.NO_ANSWER, message)
        if len(cells) > 1 or (cells and is_nothing(row.text(Field.ANSWER)) and blanks <= 1):
            _warn_of_count(row, len(cells), blanks)
            return tuple(cells)
    pieces = part_answers(written, blanks)
    if pieces is None:
        pieces = (clean_text(written),)
        if blanks < 2:
            return pieces
    _warn_of_count(row, len(pieces), blanks)
    return pieces


def _warn_of_count(row: Row, answers: int, blanks: int) -> None:
    if answers != blanks and blanks:
        message = f"题干有 {blanks} 个空，答案却有 {answers} 个；已照收，请核对"
        row.warn(row.answer_column, FaultCode.BLANK_COUNT, message)
