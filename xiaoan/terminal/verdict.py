"""What is said below an answer: whether the bank agrees, and which question it rests on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xiaoan.assistant.answering import Answer
    from xiaoan.assistant.bank_check import BankCheck
    from xiaoan.question_bank.question import Question

ShowAnswer = Callable[["Question"], str]
"""Writes a bank question's answer the way the person saw its options."""

AGREES = "xiaoan.agrees"
DIFFERS = "xiaoan.differs"
UNKNOWN = "xiaoan.unknown"
QUIET = "xiaoan.quiet"
PLAIN = ""


@dataclass(frozen=True)
class Line:
    """One logical line: wrapped at the width, further lines hang under the text behind `mark`.

    `indent` is in cells; `found` are the places [start, end) of `text` to be shown as found.
    """

    text: str
    style: str = PLAIN
    mark: str = ""
    indent: int = 0
    found: tuple[tuple[int, int], ...] = ()


_LEVELS = {"high": "高", "middle": "中", "low": "低"}
_UNCHECKED = "没有打开题库，这个回答没有核对过。"
_NOT_TO_BE_USED = {
    False: "没有打开题库，小安也没有把握，这个回答不要当答案用。",
    True: "题库里没有这道题，小安也没有把握，不要当答案用。",
}
_WITHOUT_OPTIONS = "这道题要看选项才能答，没有看到选项。请把题目和选项一起贴进来。"
_NOTHING_TO_CHOOSE = "请核对题目里的选项，再问一次。"
_FROM_MEMORY = "没有看到选项，小安是按记得的题答的；把选项一起贴进来更可靠。"


def verdict_lines(answer: "Answer") -> Iterator[Line]:
    """Yield the lines that stand below `answer`."""
    found = answer.check
    if answer.stopped:
        yield Line("已停止，没有核对。", QUIET, "⏹ ")
        if found is not None and found.question is not None:
            yield from _official_lines(found.question, answer.bank_answer)
    elif found is None:
        yield Line(_unproven(answer, _UNCHECKED), UNKNOWN, "? ")
        yield from _own_lines(answer)
    elif found.question is None:
        missing = _unproven(answer, "题库中没有这道题，小安的回答无从核对。")
        yield from unproven_lines(found, answer.bank_answer, missing, tuple(_own_lines(answer)))
    else:
        yield from _proven_lines(answer, found.status, found.question)


def _proven_lines(answer: "Answer", status: str, question: "Question") -> Iterator[Line]:
    """What the bank says of an answer to one of its own questions."""
    judged = answer.judges_filling
    if status == "match":
        yield Line("与题库一致", AGREES, "✓ ")
        yield from _official_lines(question, answer.bank_answer) if judged else _question_lines(question)
    else:
        yield Line("与题库不一致，以题库答案为准。", DIFFERS, "✗ ")
        yield from _official_lines(question, answer.bank_answer)
    if judged:
        yield Line(
            f"空里填的就是题库的答案，小安按判断题判对错；题库里是{question.question_type}。", QUIET, indent=2
        )
    if answer.needs_options:
        yield Line("没有看到选项，按题库里的同一道题核对。", QUIET, indent=2)
    yield from confidence_lines(answer)


def confidence_lines(answer: "Answer") -> Iterator[Line]:
    """Yield how sure one may be of the model's answer, where that is known. Never rounded up to the next level."""
    if answer.confidence is not None:
        percent = min(99, max(1, int(100 * answer.confidence.probability + 1e-9)))
        yield Line(f"{_LEVELS[answer.confidence.level]}（{percent}%）", PLAIN, "把握：", 2)


def lookup_lines(found: "BankCheck", official: ShowAnswer) -> Iterator[Line]:
    """Yield what the bank says about a question that no model answered."""
    if found.question is None:
        yield from unproven_lines(found, official, "题库中也没有这道题。")
    else:
        yield Line("题库里有这道题：", AGREES, "✓ ")
        yield from _official_lines(found.question, official)


def unproven_lines(
    found: "BankCheck", official: ShowAnswer, missing: str, own: Sequence[Line] = ()
) -> Iterator[Line]:
    """Yield the candidates of an ambiguous question, or `missing` and what is only similar.

    `own` are lines about the model's answer; they come before other questions.
    """
    if found.status == "ambiguous":
        yield Line(f"题库里有 {len(found.questions)} 道这样的题，说不准是哪一道，请自己对照：", UNKNOWN, "? ")
        for number, question in enumerate(found.questions, 1):
            yield from _candidate_lines(number, question, official, PLAIN)
        yield from own
        return
    yield Line(missing, UNKNOWN, "? ")
    yield from own
    if found.similar:
        yield Line("相近的题（只是相近，不能作为依据）：", QUIET, indent=2)
    for number, question in enumerate(found.similar, 1):
        yield from _candidate_lines(number, question, official, QUIET)


def _unproven(answer: "Answer", otherwise: str) -> str:
    """What is said first of an answer that no bank proves."""
    if answer.refusal and (answer.asked.options or answer.asked.unread_labels):
        return _NOTHING_TO_CHOOSE
    if answer.needs_options:
        return _FROM_MEMORY if answer.shown_from == "model" else _WITHOUT_OPTIONS
    return _NOT_TO_BE_USED[answer.check is not None] if answer.shown_from == "none" else otherwise


def _own_lines(answer: "Answer") -> Iterator[Line]:
    """What is said of the model's answer alone: the 题型 that was guessed, and how sure it is."""
    if answer.type_source == "text":
        yield Line(f"{answer.question_type}（按题目写法推断）", PLAIN, "题型：", 2)
    ambiguous = answer.check is not None and answer.check.status == "ambiguous"
    if answer.needs_options and ambiguous:
        yield Line(_WITHOUT_OPTIONS, UNKNOWN, "? ")
    if answer.shown_from == "model" or not answer.needs_options:
        yield from confidence_lines(answer)
    for remark in answer.remarks:
        yield Line(remark, UNKNOWN, "! ")


def _official_lines(question: "Question", official: ShowAnswer) -> Iterator[Line]:
    yield Line(official(question), AGREES, "题库答案：", 2)
    yield from _question_lines(question)


def _question_lines(question: "Question") -> Iterator[Line]:
    yield Line(question.stem, PLAIN, "题干：", 2)
    kind = f"题型：{question.question_type}"
    yield Line(f"专业：{question.profession}　{kind}" if question.profession else kind, PLAIN, indent=2)
    if question.clause:
        yield Line(question.clause, PLAIN, "依据：", 2)


def _candidate_lines(number: int, question: "Question", official: ShowAnswer, style: str) -> Iterator[Line]:
    kind = "，".join(part for part in (question.profession, str(question.question_type)) if part)
    yield Line(f"{question.stem}（{kind}）", style, f"{number}. ", 2)
    yield Line(official(question), style, "题库答案：", 5)
    if question.clause:
        yield Line(question.clause, style, "依据：", 5)
