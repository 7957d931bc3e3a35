"""The options that a workbook's cell holds, and what had to be repaired to read them.

A separator that stands between all options outweighs a label within a text. What can be read in two ways is
said: an answer must not rest on a label that is in doubt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import clean_text
from xiaoan.question_bank.option_labels import AskedOption, bare_text, half_width, one_line
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.option_mending import (
    Repair,
    as_option,
    join_torn,
    label_unlabelled,
    last_may_be_torn,
    may_hide_one,
    may_lack_sign,
    part_hidden,
    torn_places,
    without_bare_label,
)
from xiaoan.question_bank.rows.option_pieces import (
    LETTERS,
    Piece,
    count_up,
    holds_separator,
    is_strong,
    run_pieces,
    separator_kind,
    strong_pieces,
    weak_pieces,
)


@dataclass(frozen=True, slots=True)
class OptionsReading:
    """The options with a text, under their labels.

    `empty` are labels without a text, `doubtful` labels that may mean another option. Where `by_place`, the
    options bear no labels of their own: the answer may call the first one A or 1. Where `unclear`, nobody can
    tell how many options there are.
    """

    options: tuple[AskedOption, ...] = ()
    repairs: tuple[Repair, ...] = ()
    empty: tuple[str, ...] = ()
    doubtful: frozenset[str] = frozenset()
    by_place: bool = False
    unclear: bool = False


_HEADING = re.compile(r"^(?:备选|可选|答案)?选项(?:如下)?[: \n]+")
_ONLY_LETTERS = re.compile(r"[A-Z](?:[、,和及与/ ]*[A-Z])*")
_EASY_MARKS = "-.、:"
_EASY = {mark: tuple(f"{letter}{mark}" for letter in LETTERS) for mark in _EASY_MARKS}
_EASY_LABEL = {mark: re.compile(rf"[A-Za-zＡ-Ｚ] ?{re.escape(mark)}") for mark in _EASY_MARKS}
_CANONICAL_COMMA = re.compile(r",(?=[A-Z]\. )")
_HARD = re.compile("[｜丨¦│∣ǀ︱\n\r\x0b\x0c\x85\u2028\u2029*#$]")
_NO_OPTION = frozenset(["\\", "/"])
_OWN_LABEL = re.compile(
    r"[(（]?(?P<label>[A-Za-zＡ-Ｚ]|[1-9](?!.\d))(?:[)）](?:[.、:：．]|-(?!\d))?|[.、:：．-]) *(?=\S)"
)
_LONGEST_KEPT = 60
_SMALL = frozenset(LETTERS.lower())


def read_options(cell: str) -> OptionsReading:
    """Return the options in the text of a cell; without any label they are A, B, … in their order."""
    if not cell or cell.isspace():
        return OptionsReading()
    if len(cell) <= _LONGEST_KEPT:
        return _read_short(cell)
    return _read_easily(cell) or _read_thoroughly(cell)


def read_option_columns(cells: Sequence[tuple[str, str]]) -> OptionsReading | None:
    """Return the options in the columns of single options (label and cell); None if all cells are empty.

    An option may carry its own label once more. One cell alone may hold all options.
    """
    labels: list[str] = []
    texts: list[str] = []
    empty: list[str] = []
    gaps: list[str] = []
    for label, cell in cells:
        text = cell if cell.isalnum() else _bare_cell(cell)
        if not text or text in _NO_OPTION:
            gaps.append(label)
            continue
        empty += gaps
        gaps.clear()
        labels.append(label)
        texts.append(text)
    if not texts:
        return None
    if len(texts) == 1:
        alone = next(cell for label, cell in cells if label == labels[0])
        if len((reading := read_options(alone)).options) >= 2:
            return reading
    return OptionsReading(
        tuple(map(AskedOption, labels, _without_own_labels(labels, texts))), (), tuple(empty)
    )


def _bare_cell(cell: str) -> str:
    """The cell's text as it would stand in one cell with the others; a cell that is only a mark stays."""
    text = clean_text(cell)
    return bare_text(text) or text


def _without_own_labels(labels: Sequence[str], texts: Sequence[str]) -> Sequence[str]:
    """`A.停电` in the column A is 停电, if every option bears its label so."""
    if not _OWN_LABEL.match(texts[0]):
        return texts
    found = [_OWN_LABEL.match(text) for text in texts]
    bare: list[str] = []
    for label, text, own in zip(labels, texts, found, strict=True):
        if own is None or half_width(own["label"]).upper() not in (label, _letter_for(label)):
            return texts
        bare.append(text[own.end() :])
    return bare


def _letter_for(label: str) -> str:
    return place_letters(int(label) - 1) if label.isdigit() else label


@lru_cache(maxsize=1024)
def _read_short(cell: str) -> OptionsReading:
    """The same few cells (A-正确|B-错误) make up most rows of a 判断题 sheet."""
    return _read_easily(cell) or _read_thoroughly(cell)


def _read_easily(cell: str) -> OptionsReading | None:
    """`A-x|B-y|C-z` or `A. x,B. y`, and nothing else that looks like a label; None where it is not so plain."""
    mark = cell[1:2]
    if mark not in _EASY or not mark:
        return None
    pieces = cell.split("|") if "|" in cell else _CANONICAL_COMMA.split(cell)
    if not 2 <= len(pieces) <= len(LETTERS) or _HARD.search(cell):
        return None
    if cell.count(mark) != len(pieces) and len(_EASY_LABEL[mark].findall(cell)) != len(pieces):
        return None
    texts: list[str] = []
    for piece, start in zip(pieces, _EASY[mark], strict=False):
        text = piece[2:]
        if not text.isalnum():
            text = bare_text(clean_text(text))
        if not text or not piece.startswith(start):
            return None
        texts.append(text)
    if texts[-1][0] in _SMALL and texts[-2][-1].isascii() and len(texts) > 3:
        return None  # it may be the end of a torn word
    if len(texts) < len(LETTERS) and LETTERS[len(texts)] in texts[-1]:
        return None  # it may hold one more: 95D.100
    return OptionsReading(tuple(map(AskedOption, LETTERS, texts)))


def _read_thoroughly(cell: str) -> OptionsReading:
    text = clean_text(cell, keep_newlines=True)
    if heading := _HEADING.match(half_width(text)):
        text = text[heading.end() :]
    pieces, run = strong_pieces(text), run_pieces(text)
    if len(pieces) > len(LETTERS):
        return OptionsReading()  # no question has so many; whatever it is, it is no list of options
    if run and _tells_more(run, pieces):
        return _read_labelled(run, text, torn=[])
    if len(pieces) == 1 and pieces[0].number == 0 and pieces[0].style != "":
        touching = _read_labelled(pieces, text, torn=[])  # A:停电B:验电C:接地
        if len(touching.options) >= 2:
            return touching
    if len(pieces) < 2:
        pieces = weak_pieces(text)
    return _read_parts(pieces, text) if 2 <= len(pieces) <= len(LETTERS) else OptionsReading()


def _tells_more(run: Sequence[Piece], pieces: Sequence[Piece]) -> bool:
    """Whether labels alone part the text better than separators do.

    They do not where the separator that stands before most of them stands within an option as well.
    """
    kinds = [separator_kind(piece.before) for piece in run[1:] if is_strong(piece.before)]
    if any(holds_separator(piece.text, kind) for kind in set(kinds) for piece in run):
        return False
    return len(run) > sum(piece.number is not None for piece in pieces)


def _read_parts(pieces: list[Piece], text: str) -> OptionsReading:
    """Options parted by separators, labelled or not."""
    repairs: list[Repair] = []
    torn = torn_places(pieces)
    pieces = join_torn(pieces, torn, repairs)
    if _are_labelled(pieces):
        return _read_labelled(pieces, text, torn=torn, repairs=repairs)
    kinds = {separator_kind(piece.before) for piece in pieces if piece.before}
    muddled = _were_meant_labelled(pieces) or len(kinds) > 1
    bare = _bare_labels(pieces)
    if bare is not None:
        pieces = bare
        repairs.append(Repair(FaultCode.OPTION_LABEL, "选项的字母后面没有标点，已按字母分开"))
    else:
        if len(pieces) > 3 and count_up(pieces):
            message = "选项前面的 1、2、3 像标号，也像数字的一部分，按原文保留；请核对"
            repairs.append(Repair(FaultCode.OPTION_LABEL, message))
        pieces = [as_option(piece, place) for place, piece in enumerate(pieces)]
    if len(kinds) > 1 or "丨" in text:
        repairs.append(Repair(FaultCode.OPTION_SEPARATOR, "选项之间的分隔符不一致，已按选项分开"))
    reading = _settle(pieces, repairs)
    return _all_doubtful(reading) if muddled else replace(reading, by_place=bare is None)


def _read_labelled(
    pieces: Sequence[Piece], text: str, *, torn: Sequence[int], repairs: Sequence[Repair] = ()
) -> OptionsReading:
    """Options with labels, most of them in order."""
    said = list(repairs)
    mended = part_hidden(label_unlabelled(pieces, said), said)
    if mended[0].style == "bare":
        said.append(Repair(FaultCode.OPTION_LABEL, "选项的字母后面没有标点，已按字母分开"))
    kinds = {separator_kind(piece.before) for piece in mended[1:]}
    needed = any(piece.style not in ("", "()") for piece in mended)
    if FaultCode.OPTION_SEPARATOR not in {repair.code for repair in said} and needed:
        if "丨" in text or (len(kinds) > 1 and any(map(is_strong, kinds))):
            said.append(Repair(FaultCode.OPTION_SEPARATOR, "选项之间的分隔符不一致，已按选项分开"))
        elif "" in kinds:
            said.append(Repair(FaultCode.OPTION_SEPARATOR, "选项之间缺少分隔符，已按标号分开"))
    reading = _settle(mended, said)
    if may_hide_one(mended) or may_lack_sign(mended) or last_may_be_torn(mended, torn):
        return replace(reading, unclear=True)
    return _all_doubtful(reading) if torn and _repeats(mended) else reading


def _all_doubtful(reading: OptionsReading) -> OptionsReading:
    return replace(reading, doubtful=frozenset(option.label for option in reading.options))


def _repeats(pieces: Sequence[Piece]) -> bool:
    return len({piece.number for piece in pieces}) < len(pieces)


def _are_labelled(pieces: Sequence[Piece]) -> bool:
    """Whether the labels are meant as such: letters in about their order, or figures in order from 1 on."""
    numbers = [piece.number for piece in pieces if piece.number is not None]
    families = {piece.family for piece in pieces if piece.number is not None}
    if not numbers or len(families) > 1:
        return False
    if "letter" not in families:
        return len(numbers) == len(pieces) and numbers == sorted(set(numbers)) and numbers[:2] == [0, 1]
    if _are_lists_of_letters(pieces):
        return False
    if sorted(numbers) == list(range(len(pieces))):
        return True
    fitting = sum(piece.number == place for place, piece in enumerate(pieces))
    in_order = numbers == sorted(set(numbers))
    return numbers[0] in (0, 1) and (2 * fitting >= len(pieces) or in_order)


def _were_meant_labelled(pieces: Sequence[Piece]) -> bool:
    """Whether most pieces begin with what looks like a label, though in no order that makes sense."""
    labels = sum(piece.number is not None for piece in pieces)
    return 2 * labels >= len(pieces) and not _are_lists_of_letters(pieces)


def _are_lists_of_letters(pieces: Sequence[Piece]) -> bool:
    """A、B | B、C | A、C: these are the options themselves."""
    return all(
        piece.style in ("、", ",") and _ONLY_LETTERS.fullmatch(half_width(piece.text)) for piece in pieces
    )


def _bare_labels(pieces: Sequence[Piece]) -> list[Piece] | None:
    """Every piece begins with its letter (A停电 | B验电), and the texts behind differ."""
    found = [without_bare_label(piece, place) for place, piece in enumerate(pieces)]
    labelled = [piece for piece in found if piece is not None]
    alike = len({piece.text for piece in labelled}) < len(labelled)
    return labelled if len(labelled) == len(pieces) and not alike else None


def _settle(pieces: list[Piece], repairs: list[Repair]) -> OptionsReading:
    """Labels checked against their places; what cannot be told is doubtful."""
    numbers = [piece.number or 0 for piece in pieces]
    doubtful: set[str] = set()
    if _repeats(pieces):
        for place, number in enumerate(numbers):
            if place != number:
                doubtful |= {place_letters(place), place_letters(number)}
        numbers = list(range(len(pieces)))
        repairs.append(Repair(FaultCode.OPTION_LABEL, "选项的字母有重复，按顺序重新标号；请核对"))
    elif numbers != sorted(numbers):
        repairs.append(Repair(FaultCode.OPTION_LABEL, "选项的字母次序不对，以各自的字母为准"))
    elif numbers != list(range(len(numbers))):
        found = "、".join(map(place_letters, numbers))
        repairs.append(Repair(FaultCode.OPTION_LABEL, f"选项的字母不连续（{found}），以各自的字母为准"))
    figures = bool(pieces) and pieces[0].family in ("figure", "circled")
    names = [str(number + 1) if figures else place_letters(number) for number in numbers]
    texts = [bare_text(one_line(piece.text)) for piece in pieces]
    options = tuple(AskedOption(name, text) for name, text in zip(names, texts, strict=True) if text)
    empty = tuple(name for name, text in zip(names, texts, strict=True) if not text)
    return OptionsReading(options, tuple(repairs), empty, frozenset(doubtful))
