"""What is said below an answer: whether the bank agrees, and which question it rests on."""

from collections.abc import Callable, Iterator
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


def verdict_lines(answer: "Answer") -> Iterator[Line]:
    """Yield the lines that stand below `answer`."""
    found = answer.check
    if answer.stopped:
        yield Line("已停止，没有核对。", QUIET, "⏹ ")
        if found is not None and found.question is not None:
            yield from _official_lines(found.question, answer.bank_answer)
    elif found is None:
        yield Line("没有打开题库，这个回答没有核对过。", UNKNOWN, "? ")
    elif found.question is None:
        yield from unproven_lines(found, answer.bank_answer, "题库中没有这道题，小安的回答无从核对。")
    elif found.status == "match":
        yield Line("与题库一致", AGREES, "✓ ")
        yield from _question_lines(found.question)
    else:
        yield Line("与题库不一致，以题库答案为准。", DIFFERS, "✗ ")
        yield from _official_lines(found.question, answer.bank_answer)


def lookup_lines(found: "BankCheck", official: ShowAnswer) -> Iterator[Line]:
    """Yield what the bank says about a question that no model answered."""
    if found.question is None:
        yield from unproven_lines(found, official, "题库中也没有这道题。")
    else:
        yield Line("题库里有这道题：", AGREES, "✓ ")
        yield from _official_lines(found.question, official)


def unproven_lines(found: "BankCheck", official: ShowAnswer, missing: str) -> Iterator[Line]:
    """Yield the candidates of an ambiguous question, or `missing` and what is only similar."""
    if found.status == "ambiguous":
        yield Line(f"题库里有 {len(found.questions)} 道这样的题，说不准是哪一道，请自己对照：", UNKNOWN, "? ")
        for number, question in enumerate(found.questions, 1):
            yield from _candidate_lines(number, question, official, PLAIN)
        return
    yield Line(missing, UNKNOWN, "? ")
    if found.similar:
        yield Line("相近的题（只是相近，不能作为依据）：", QUIET, indent=2)
    for number, question in enumerate(found.similar, 1):
        yield from _candidate_lines(number, question, official, QUIET)


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
