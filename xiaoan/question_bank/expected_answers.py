"""What a person is to type as the answer to a question, and what to say where something else was typed."""

import re

from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.grading import Grade, PartialCredit, Verdict, grade
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import clean_text, normalize_text
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType, judge_word

_ONLY_LETTERS = re.compile(r"[A-Za-z][A-Za-z\s,、;.]*")
_QUOTED_AT_MOST = 30


class UnreadableAnswerError(UsageError):
    """An answer that cannot be read as one; the message says what is expected. The session stays as it was."""


def expected_answer(question: Question) -> str:
    """Return what a person is to type for `question`, in one short sentence without a full stop."""
    count = len(question.options)
    several = "".join(place_letters(place) for place in (0, 2, 3) if place < count)
    if question.question_type is QuestionType.JUDGE:
        return f"输入 对 或 错{_judge_letters(question)}"
    if count and question.question_type is QuestionType.SINGLE:
        return f"输入一个选项字母，如 {place_letters(min(1, count - 1))}"
    if count and question.question_type is QuestionType.MULTIPLE:
        return f"输入全部正确选项的字母，如 {several}"
    if count:
        return f"输入选项字母，如 {place_letters(min(1, count - 1))}；不止一个就连着写，如 {several}"
    if question.question_type is QuestionType.SHORT:
        return "输入答案的要点"
    if question.question_type is QuestionType.MULTIPLE:
        return "输入全部答案，用分号隔开"
    if len(question.answer) == 1:
        return "输入要填的内容"
    blanks = len(question.answer)
    example = "；".join("甲乙丙"[:blanks]) + ("；…" if blanks > 3 else "")
    return f"输入 {blanks} 个空的内容，用分号隔开（如 {example}），不会的空着，分号留着"


def read_answer(
    given: str, shown: ShownQuestion, *, partial_credit: PartialCredit = PartialCredit.NONE
) -> tuple[str, Grade]:
    """Return `given` without what nobody can see, and its grade.

    Raises UnreadableAnswerError where it is no answer to the question.
    """
    text = clean_text(given, keep_newlines=True)
    graded = grade(text, shown.question, shown.options, partial_credit=partial_credit)
    if graded.verdict is Verdict.UNREADABLE:
        expected = _by_its_text(text, shown) or expected_answer(shown.question)
        raise UnreadableAnswerError(f"{_what_was_found(text, shown)}。请{expected}")
    return text, graded


def _judge_letters(question: Question) -> str:
    """（A 正确，B 错误）, or the letters that options of its own give the two."""
    options = question.options or (RIGHT, WRONG)
    named = [
        f"{place_letters(place)} {word}"
        for place, text in enumerate(options)
        if (word := judge_word(text)) is not None
    ]
    return f"（{'，'.join(named)}）" if named else ""


def _by_its_text(text: str, shown: ShownQuestion) -> str:
    """What to type where an option's letter is another option's text too (A. 停电, B. A); '' elsewhere."""
    letters = {sign for sign in normalize_text(text).upper() if sign.isalpha()}
    texts = {normalize_text(option.text).upper() for option in shown.options}
    twofold = [option for option in shown.options if option.label in letters & texts]
    if not twofold or not _ONLY_LETTERS.fullmatch(normalize_text(text)):
        return ""
    label, written = twofold[0].label, twofold[0].text
    if grade(written, shown.question, shown.options).verdict is Verdict.UNREADABLE:
        return ""
    return f"写选项的内容，如 {written}，因为 {label} 也是一个选项的内容"


def _what_was_found(text: str, shown: ShownQuestion) -> str:
    """Why `text` cannot be read: nothing there, letters that there are not, too many, not as many as blanks."""
    question = shown.question
    there = _letters_there(shown)
    if not text:
        return f"还没有输入答案，{there}" if there else "还没有输入答案"
    quoted = f"“{_shortened(text)}”"
    narrow = normalize_text(text)
    if not shown.options:
        blanks = len(question.answer)
        is_filled = question.question_type is not QuestionType.MULTIPLE and blanks > 1
        return f"这道题有 {blanks} 个空，{quoted}分不成 {blanks} 份" if is_filled else f"看不懂{quoted}"
    labels = {option.label for option in shown.options}
    if not _ONLY_LETTERS.fullmatch(narrow):
        return f"看不懂{quoted}，{there}"
    letters = sorted({sign for sign in narrow.upper() if sign.isalpha()})
    beyond = [letter for letter in letters if letter not in labels]
    if beyond and (len(letters) == 1 or len(beyond) < len(letters)):
        return f"没有选项 {'、'.join(beyond)}，{there}"
    if (
        not beyond
        and len(letters) > 1
        and question.question_type in (QuestionType.SINGLE, QuestionType.JUDGE)
    ):
        return f"{question.question_type}只选一项，{quoted}是 {len(letters)} 项，{there}"
    return f"看不懂{quoted}，{there}"


def _letters_there(shown: ShownQuestion) -> str:
    """这道题的选项是 A–D, or '' without options."""
    labels = [option.label for option in shown.options]
    if not labels:
        return ""
    return f"这道题的选项是 {labels[0]}–{labels[-1]}" if len(labels) > 1 else f"这道题的选项是 {labels[0]}"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED_AT_MOST else line[:_QUOTED_AT_MOST] + "…"
