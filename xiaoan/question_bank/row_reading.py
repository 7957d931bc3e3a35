"""One row's texts into a question, or into the reasons why it is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from xiaoan.question_bank.columns import Field
from xiaoan.question_bank.faults import FaultCode, Severity
from xiaoan.question_bank.grading import read_choice, read_verdict
from xiaoan.question_bank.normalization import (
    BLANK,
    clean_text,
    normalize_stem,
    normalize_text,
    strip_question_number,
)
from xiaoan.question_bank.parsing import TYPE_WORDS, AskedOption, parse_options
from xiaoan.question_bank.question import Question, QuestionType, Source, judge_word

_CHOICES = (QuestionType.SINGLE, QuestionType.MULTIPLE)
_BETWEEN_ANSWERS = (";", "\n", "|", "、", ",")


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a row, by the field it lies in; the sheet knows which column that is."""

    field: Field
    severity: Severity
    code: FaultCode
    message: str


@dataclass(frozen=True, slots=True)
class RowReading:
    """The question of a row, or None if it was refused, and all that is to be said about it."""

    question: Question | None
    problems: tuple[Problem, ...] = ()


class _Refusal(Exception):  # noqa: N818 - ends the reading of one row, never leaves this file
    def __init__(self, field: Field, code: FaultCode, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(field, Severity.REFUSED, code, message)


def read_row(texts: Mapping[Field, str], source: Source) -> RowReading:
    """Return the question written in `texts`, the row's cells by field (absent fields are empty)."""
    warnings: list[Problem] = []
    try:
        return RowReading(_read(texts, source, warnings), tuple(warnings))
    except _Refusal as refusal:
        return RowReading(None, (*warnings, refusal.problem))


def _read(texts: Mapping[Field, str], source: Source, warnings: list[Problem]) -> Question:
    stem = clean_text(strip_question_number(texts.get(Field.STEM, "")))
    written_answer = clean_text(texts.get(Field.ANSWER, ""), keep_newlines=True)
    if not normalize_stem(stem):
        raise _Refusal(Field.STEM, FaultCode.NO_STEM, "题干是空的；请补上题干")
    if not written_answer.strip("\\/-—. "):
        raise _Refusal(Field.ANSWER, FaultCode.NO_ANSWER, "没有答案；请补上正确答案")
    options = parse_options(texts.get(Field.OPTIONS, ""))
    question_type = _question_type(texts, stem, options, written_answer, warnings)
    if question_type is QuestionType.JUDGE:
        options, answer = _verdict(options, written_answer, warnings)
    elif question_type in _CHOICES:
        answer = _chosen(question_type, texts.get(Field.OPTIONS, ""), options, written_answer, warnings)
    else:
        answer = _written(question_type, stem, written_answer)
    return Question(
        stem=stem,
        options=tuple(option.text for option in options),
        answer=answer,
        clause=clean_text(texts.get(Field.CLAUSE, "")),
        profession=clean_text(texts.get(Field.PROFESSION, "")),
        question_type=question_type,
        sources=(source,),
    )


def _question_type(
    texts: Mapping[Field, str],
    stem: str,
    options: tuple[AskedOption, ...],
    written_answer: str,
    warnings: list[Problem],
) -> QuestionType:
    """The 题型 as written, else by what the row looks like, with a warning."""
    written = clean_text(texts.get(Field.TYPE, ""))
    known = TYPE_WORDS.get(normalize_text(written))
    if known:
        return known
    inferred = _inferred_type(stem, options, written_answer)
    found = f"不认识题型“{written}”" if written else "没有写题型"
    warnings.append(
        Problem(Field.TYPE, Severity.WARNING, FaultCode.TYPE_INFERRED, f"{found}，按内容当作{inferred}")
    )
    return inferred


def _inferred_type(stem: str, options: tuple[AskedOption, ...], written_answer: str) -> QuestionType:
    if all(judge_word(option.text) for option in options) and read_verdict(written_answer, options or None):
        return QuestionType.JUDGE
    if options:
        chosen = read_choice(written_answer, options) or ()
        return QuestionType.MULTIPLE if len(chosen) > 1 else QuestionType.SINGLE
    return QuestionType.BLANK if BLANK in normalize_stem(stem) else QuestionType.SHORT


def _verdict(
    options: tuple[AskedOption, ...], written_answer: str, warnings: list[Problem]
) -> tuple[tuple[AskedOption, ...], tuple[str, ...]]:
    """A 判断题's answer; options that are not 正确 and 错误 belong to another row and are left out."""
    if options and not all(judge_word(option.text) for option in options):
        message = "判断题带着别的选项，已不用这些选项；请核对是否错行"
        warnings.append(Problem(Field.OPTIONS, Severity.WARNING, FaultCode.OPTIONS_IGNORED, message))
        options = ()
    verdict = read_verdict(written_answer, options or None)
    if verdict is None:
        message = f"判断题的答案“{written_answer}”看不懂；请写正确或错误"
        raise _Refusal(Field.ANSWER, FaultCode.BAD_ANSWER, message)
    return (), (verdict,)


def _chosen(
    question_type: QuestionType,
    written_options: str,
    options: tuple[AskedOption, ...],
    written_answer: str,
    warnings: list[Problem],
) -> tuple[str, ...]:
    """The texts of the right options, in the options' order."""
    if len(options) < 2:
        found = "选项读不出来，需要“A. …,B. …”这样带字母的写法" if written_options.strip() else "没有选项"
        raise _Refusal(Field.OPTIONS, FaultCode.NO_OPTIONS, f"{question_type}{found}；请补上选项")
    chosen = read_choice(written_answer, options)
    if chosen is None:
        labels = f"{options[0].label}–{options[-1].label}"
        message = f"答案“{written_answer}”不是选项 {labels} 中的字母或原文；请改答案或补选项"
        raise _Refusal(Field.ANSWER, FaultCode.BAD_ANSWER, message)
    if question_type is QuestionType.SINGLE and len(chosen) > 1:
        message = f"单选题有 {len(chosen)} 个答案；请改答案，或把题型改为多选题"
        raise _Refusal(Field.ANSWER, FaultCode.ANSWER_COUNT, message)
    if question_type is QuestionType.MULTIPLE and len(chosen) == 1:
        message = "多选题只有一个答案；已照收，请核对"
        warnings.append(Problem(Field.ANSWER, Severity.WARNING, FaultCode.ONE_OPTION_ONLY, message))
    return tuple(options[place].text for place in chosen)


def _written(question_type: QuestionType, stem: str, written_answer: str) -> tuple[str, ...]:
    """A 填空题's answers, one per blank where a separator parts them so; otherwise the text as it is."""
    blanks = normalize_stem(stem).count(BLANK)
    if question_type is QuestionType.BLANK and blanks > 1:
        narrow = written_answer.translate(str.maketrans("；｜，", ";|,"))
        for separator in _BETWEEN_ANSWERS:
            pieces = [piece.strip() for piece in narrow.split(separator) if piece.strip()]
            if len(pieces) == blanks:
                return tuple(clean_text(piece) for piece in pieces)
    return (clean_text(written_answer),)
