"""The page of a paper that was handed in: score, counts, mistakes, and every question with both answers."""

from datetime import datetime
from typing import TYPE_CHECKING

from xiaoan.reports.environment import render

if TYPE_CHECKING:
    from xiaoan.question_bank.results import ItemResult, PaperResult

OUTCOME_WORDS = {
    "right": "对",
    "partly": "部分对",
    "wrong": "错",
    "open": "待人工评阅",
    "unanswered": "未作答",
}
"""What to call each outcome of a question."""


def result_page(result: "PaperResult", *, when: datetime, user: str, bank: str) -> str:
    """Return the whole page; `when` is the local time of handing in, `bank` the bank's name for people."""
    return render(
        "result.html",
        result=result,
        when=when,
        user=user,
        bank=bank,
        outcome_words=OUTCOME_WORDS,
        chosen={item.number: chosen_labels(item) for item in result.items},
    )


def chosen_labels(item: "ItemResult") -> frozenset[str]:
    """Return the labels of the options that were chosen, as they were shown."""
    given = set(item.given_lines)
    return frozenset(
        option.label
        for option in item.shown.options
        if f"{option.label}. {option.text}" in given or option.text in given
    )
