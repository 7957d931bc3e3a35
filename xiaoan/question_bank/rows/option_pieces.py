"""The parts of a cell that holds several options, each with the label it begins with."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xiaoan.question_bank.option_labels import (
    CELL_SEPARATORS,
    CIRCLED,
    IN_BRACKETS,
    Label,
    bare_text,
    best_run,
    family_and_number,
    find_labels,
    half_width,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BARS = "|¦│∣ǀ︱"
_STRONG = re.compile(rf"\$[;|,]?\$|[{_BARS}](?: *[{_BARS}])*|\*{{2,}}|#{{2,}}|\n+")
_LEAD = re.compile(
    r" *(?:[(\[{] ?(?P<enclosed>[A-Za-z]|\d{1,2}) ?[)\]}] ?(?:[.、:,]|-(?!\d))?"
    r"|(?P<marked>[A-Za-z]|\d{1,2}) ?(?P<mark>[.、:,)。-])"
    rf"|(?P<sign>[{CIRCLED}{IN_BRACKETS}])[.、:]?) *"
)
_EMPTY_LABEL = re.compile(r"[A-Z] ?[.、:：．)-]")
_EMPTY_LABELS = re.compile(rf"(?<![录件图表条款])(?:{_EMPTY_LABEL.pattern}[\s;；,，|]*)+$")
_LONGEST_EMPTY = 40
_DECIMAL = re.compile(r"\d+\.\d")
_FIGURE_MARKS = (".", ":", "-", ",")
_FAMILIES = {
    "upper": "letter",
    "lower": "letter",
    "figure": "figure",
    "circled": "circled",
    "bracketed": "circled",
}
"""What a piece's `family` is, by that of its label: in a cell, a and B, or ① and ⑵, count on from each other."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One part: the number of its label from 0 (None without one), its text, and how it was written.

    `family` is letter, figure or circled; `style` the mark behind the label. `before` is what parts it from
    the piece before, `whole` the label and the text as they stand.
    """

    number: int | None
    family: str
    style: str
    text: str
    before: str
    whole: str


def strong_pieces(text: str) -> list[Piece]:
    """Return the parts of `text` between separators that part nothing else; of the ways to split it the best.

    One kind of separator is best if every part then begins with its label; else all kinds part.
    """
    narrow = half_width(text)
    cuts = [found.span() for found in _STRONG.finditer(narrow)]
    all_kinds = _split(text, cuts)
    ways = [all_kinds]
    kinds = {separator_kind(text[start:end]) for start, end in cuts}
    if len(kinds) > 1:
        ways += [
            _split(text, [cut for cut in cuts if separator_kind(text[slice(*cut)]) == kind]) for kind in kinds
        ]
    ways += [figured for pieces in ways if (figured := _under_figures(pieces))]
    perfect = [pieces for pieces in ways if are_in_order(pieces)]
    return max(perfect, key=len, default=all_kinds)


def weak_pieces(text: str) -> list[Piece]:
    """Return the parts of `text` between semicolons; a comma is part of a text."""
    pieces = _split(text, [found.span() for found in re.finditer(";", half_width(text))])
    return _under_figures(pieces) or pieces


def run_pieces(text: str) -> list[Piece]:
    """Return the parts of `text` that labels alone tell: `A. x,B. y`, `A.2B.4C.6`; [] if these are fewer than two.

    Labels behind the last option that have no text (B.验电C.D.) are parts too.
    """
    behind = _EMPTY_LABELS.search(text, max(len(text) - _LONGEST_EMPTY, 0))
    if behind:
        pieces = _run_pieces(text[: behind.start()])
        empty = [read_piece(found[0], "") for found in _EMPTY_LABEL.finditer(behind[0])]
        if pieces and are_in_order([*pieces, *empty]):
            return [*pieces, *empty]
    return _run_pieces(text)


def _run_pieces(text: str) -> list[Piece]:
    narrow = half_width(text)
    run = best_run(narrow, headed=True)
    if run and narrow[: run[0].start].strip(CELL_SEPARATORS):
        run = []
    run = _with_gaps(narrow, run)
    ends = [*(label.start for label in run[1:]), len(text)]
    return [_of_run(text, label, end) for label, end in zip(run, ends, strict=True)] if run else []


def are_in_order(pieces: Sequence[Piece]) -> bool:
    """Return whether all pieces bear labels of one family, 0, 1, 2, … without a gap."""
    numbers = [piece.number for piece in pieces]
    return len(pieces) >= 2 and numbers == list(range(len(pieces))) and len({p.family for p in pieces}) == 1


def separator_kind(separator: str) -> str:
    """Return what tells one kind of separator from another: `|` and `||` are one, `|` and `｜` are two."""
    return separator.strip()[:1] or separator[:1]


def holds_separator(text: str, kind: str) -> bool:
    """Return whether a separator of that kind stands in `text`."""
    return any(
        separator_kind(text[slice(*found.span())]) == kind for found in _STRONG.finditer(half_width(text))
    )


def is_strong(separator: str) -> bool:
    """Return whether `separator` holds one that parts nothing else."""
    return _STRONG.search(half_width(separator)) is not None


def read_piece(whole: str, before: str) -> Piece:
    """Return the piece written as `whole`, with the label that it begins with."""
    narrow = half_width(whole)
    lead = _LEAD.match(narrow)
    if lead is None or _is_figure_in_text(lead, narrow):
        return Piece(None, "", "", bare_text(whole), before, whole)
    name = lead["enclosed"] or lead["marked"] or lead["sign"]
    style = lead["mark"] or ("()" if lead["enclosed"] else "")
    family, number = family_and_number(name)
    return Piece(number, _FAMILIES[family], style, bare_text(whole[lead.end() :]), before, whole)


def _split(text: str, cuts: Sequence[tuple[int, int]]) -> list[Piece]:
    """The parts between the cuts that have a text."""
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(text)]
    pieces: list[Piece] = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if text[start:end].strip(CELL_SEPARATORS):
            before = text[slice(*cuts[number - 1])] if number else ""
            pieces.append(read_piece(text[start:end], before))
    return pieces


def count_up(pieces: Sequence[Piece]) -> str:
    """Return the mark behind 1, 2, 3, … if the pieces begin so one after another, labels or not; '' otherwise."""
    narrow = [half_width(piece.whole).strip() for piece in pieces]
    mark = narrow[0][1:2] if narrow else ""
    if not 3 <= len(pieces) <= 9 or not mark or mark not in _FIGURE_MARKS:
        return ""
    counting = all(text.startswith(f"{number}{mark}") for number, text in enumerate(narrow, start=1))
    return mark if counting else ""


def _under_figures(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with figures as labels though figures follow (1:5m | 2:6m | 3:8m); [] where they may be numbers."""
    mark = count_up(pieces)
    behind = [half_width(piece.whole).strip()[2:] for piece in pieces]
    numbers = mark in (".", "-") and all(text[:1].isdigit() for text in behind)
    if not mark or (numbers and not all(map(_DECIMAL.match, behind))):
        return []  # 1.5m, 2.5m, 3.5m, but 1.1.0m, 2.1.5m, 3.2.0m are 1.0m, 1.5m, 2.0m
    return [
        replace(
            piece,
            number=number,
            family="figure",
            style=mark,
            text=bare_text(piece.whole.strip()[2:]),
        )
        for number, piece in enumerate(pieces)
    ]


def _is_figure_in_text(lead: re.Match[str], narrow: str) -> bool:
    """1.5m, 10:30, 1-3天: figures with a figure behind are no labels."""
    behind = narrow[lead.end("mark") :][:1]
    return (lead["marked"] or "").isdigit() and lead["mark"] in _FIGURE_MARKS and behind.isdigit()


def _of_run(text: str, label: Label, end: int) -> Piece:
    before = text[: label.start]
    parted = before[len(before.rstrip(CELL_SEPARATORS)) :]
    family = _FAMILIES[label.family]
    return Piece(
        label.number, family, label.style, bare_text(text[label.end : end]), parted, text[label.start : end]
    )


def _with_gaps(narrow: str, run: list[Label]) -> list[Label]:
    """`run` and the labels of its style that go on after a missing one: A. B. D."""
    labels = [label for label in find_labels(narrow) if not label.doubtful]
    longer = list(run) or list(_first_letter(narrow, labels))
    if not longer:
        return []
    for label in labels:
        last = longer[-1]
        if label.start < last.end or (label.family, label.style) != (last.family, last.style):
            continue
        parted = narrow[label.start - 1] in CELL_SEPARATORS
        if label.number > last.number and parted and narrow[last.end : label.start].strip(CELL_SEPARATORS):
            longer.append(label)
    return longer if len(longer) >= 2 else []


def _first_letter(narrow: str, labels: Sequence[Label]) -> Iterator[Label]:
    """The label A, if the text begins with it."""
    first = labels[0] if labels and labels[0].family in ("upper", "lower") else None
    if first is not None and first.number == 0 and not narrow[: first.start].strip(CELL_SEPARATORS):
        yield first
