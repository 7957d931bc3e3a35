"""Labels and separators of options put right: torn texts joined, missing ones put in, but only where that is certain."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.option_labels import CELL_SEPARATORS, CIRCLED, IN_BRACKETS, bare_text, half_width
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.option_pieces import LETTERS, Piece, read_piece

_LATIN_END = re.compile(r"[A-Za-z]$")
_LATIN_START = re.compile(r"^[a-z]")
_CAPITALIZED = re.compile(r"(?<![A-Za-z])[A-Z][a-z]+$")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_WHOLE_WORDS = frozenset(
    ["none", "null", "nil", "nan", "na", "n/a", "true", "false", "yes", "no", "on", "off", "and", "or", "not"]
)
"""What people choose from in capitals and in small letters, and no rest of a torn word."""
_MORE_THAN_USUAL = 5
_SHORT_LINE = 15
_TORN_AT_MOST = 4
_NO_LABEL_BEFORE = "相类级型组段点柱套侧项"
"""What stands behind a letter that is a name (D相) and no label."""
_NAMED = re.compile("相(?![邻同关应互对当反])|级(?![别联])|类(?![别型似])|型(?![号式])")
"""What makes a name of a letter even where it is the one of the option."""
_LABEL_AND_SEPARATOR = re.compile(r"\s*(?:[(（[【] ?\w ?[)）\]】]|\w ?[.．、:：-])([\s;；,，|｜]+)")
_FIGURE_FIRST = re.compile(r"[+-]?\d")
_LETTER_AND_FIGURE = re.compile(r"[A-Za-z]\d")


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that was not as it should be, yet could be read."""

    code: FaultCode
    message: str


def torn_places(pieces: Sequence[Piece]) -> list[int]:
    """Return where a latin word may have been torn by a false label: `We|B-xml`."""
    return [
        place
        for place in range(1, len(pieces))
        if pieces[place].family == "letter"
        and _LATIN_END.search(pieces[place - 1].text)
        and _LATIN_START.search(pieces[place].text)
    ]


def join_torn(pieces: list[Piece], torn: Sequence[int], repairs: list[Repair]) -> list[Piece]:
    """Return the pieces with `We|B-xml` joined to `Web.xml`, if only one way to join brings order.

    Someone replaced every `b.` of the bank by `|B-`. If the last option was torn, they are in order all the same.
    """
    numbers = [piece.number for piece in pieces]
    if not torn or (_ascend(numbers) and may_hide_one(pieces)):
        return pieces  # where a label is missing, the next one tears nothing
    if _in_order([number for number in numbers if number is not None]):
        certain = len(pieces) >= _MORE_THAN_USUAL and _CAPITALIZED.search(pieces[-2].text)
        if last_may_be_torn(pieces, torn) and certain and not _has_words(pieces[:-2]):
            return _joined(pieces, [len(pieces) - 1], repairs)
        return pieces
    for count in range(1, min(len(torn), _TORN_AT_MOST) + 1):
        fitting = [
            chosen
            for chosen in combinations(torn, count)
            if _in_order([number for place, number in enumerate(numbers) if place not in chosen])
        ]
        if fitting:
            return _joined(pieces, fitting[0], repairs) if len(fitting) == 1 else pieces
    return pieces


def last_may_be_torn(pieces: Sequence[Piece], torn: Sequence[int]) -> bool:
    """Return whether the last option alone looks like the rest of the word before it: `D-Fil|E-separator`."""
    if list(torn) != [len(pieces) - 1] or len(pieces) < 4:
        return False
    first, second = pieces[-2].text, pieces[-1].text
    if {first.lower(), second.lower()} & _WHOLE_WORDS or "." in second:
        return False
    return bool(_CAPITALIZED.search(first)) or (len(pieces) >= _MORE_THAN_USUAL and first.islower())


def _has_words(pieces: Sequence[Piece]) -> bool:
    """Whether latin words stand among the options, so that the last two may be such words as well."""
    return any(_LATIN_WORD.fullmatch(piece.text) for piece in pieces)


def label_unlabelled(pieces: Sequence[Piece], repairs: list[Repair]) -> list[Piece]:
    """Return the pieces, those without a label given the one missing between their neighbours.

    Where none is missing, the separator stood within a text, and the text is put together again.
    """
    mended: list[Piece] = []
    for place, piece in enumerate(pieces):
        number = piece.number
        expected = (mended[-1].number or 0) + 1 if mended else 0
        following = next((other.number for other in pieces[place + 1 :] if other.number is not None), None)
        if number is not None:
            mended.append(piece)
        elif mended and (following == expected or (following is None and _goes_on(pieces[place:], expected))):
            mended[-1] = _put_together(mended[-1], piece, repairs)
        else:
            bare = without_bare_label(piece, expected, figures=_may_touch_figures(pieces))
            if bare and _makes_names(bare.text[0], pieces):
                bare = None  # B班 beside A班
            mended.append(bare or as_option(piece, expected))
            message = f"选项“{mended[-1].text}”的字母标号不完整，按顺序当作 {place_letters(expected)}"
            repairs.append(Repair(FaultCode.OPTION_LABEL, message))
    return mended


def _makes_names(word: str, pieces: Sequence[Piece]) -> bool:
    """Whether another option begins with a capital and this word: A班, so that B班 is a name as well."""
    labelled = [piece.text for piece in pieces if piece.number is not None]
    return any(text[:1].isupper() and text[1:2] == word for text in labelled)


def _goes_on(pieces: Sequence[Piece], expected: int) -> bool:
    """Whether the first of the pieces only continues the option before: by a line end, or the next one has the letter."""
    if any(without_bare_label(other, expected) for other in pieces[1:]):
        return True
    if expected < len(LETTERS) and half_width(pieces[0].whole).lstrip().startswith(LETTERS[expected]):
        return False
    return pieces[0].before.isspace()


def part_hidden(pieces: Sequence[Piece], repairs: list[Repair]) -> list[Piece]:
    """Return the pieces with those parted that hide the next option: `B、省级部门C、国务院部门`."""
    parted: list[Piece] = []
    waiting = list(reversed(pieces))
    figures = _begin_with_figures(pieces)
    while waiting:
        piece = waiting.pop()
        number = (piece.number or 0) + 1
        following = waiting[-1].number if waiting else None
        if (following is None or following > number) and (parted_empty := _behind_empty(piece, number)):
            piece, behind = parted_empty
            waiting.append(behind)
        elif following is None or following > number:
            found = _hidden(piece, number, certain=following is not None, figures=figures)
            if found is not None:
                piece, behind = found
                waiting.append(behind)
                message = f"选项 {place_letters(number)} 前面的分隔符或标号不完整，已分开"
                repairs.append(Repair(FaultCode.OPTION_SEPARATOR, message))
        parted.append(piece)
    return parted


def may_hide_one(pieces: Sequence[Piece]) -> bool:
    """Return whether the text before a missing label, or the last one, may hold one option more.

    A label stands in it that does not surely part it, or the separator that parts all others.
    """
    kinds = {half_width(piece.before).strip()[:1] or piece.before[:1] for piece in pieces[1:]}
    kind = kinds.pop() if len(kinds) == 1 else ""
    following = [piece.number for piece in pieces[1:]]
    for piece, next_number in zip(pieces, [*following, None], strict=True):
        first = (piece.number or 0) + 1
        missing = range(first, first + 1 if next_number is None else next_number)
        letters = "".join(LETTERS[number] for number in missing if number < len(LETTERS))
        if letters and piece.family == "letter":
            text = half_width(piece.text)
            if _holds_label(text, letters, piece.style, kind) or _is_parted(text, kind):
                return True
            if (
                kind in (",", " ")
                and re.search(rf"\d.*{kind} *[+-]?\d", text)
                and _begin_with_figures(pieces)
            ):
                return sum(kind in half_width(other.text) for other in pieces) == 1  # C:1m，5m
            if next_number is not None and (_stands_alone(text, letters) or (kind == "," and kind in text)):
                return True
    return False


def _is_parted(text: str, kind: str) -> bool:
    """Whether the separator of the others stands in `text`; a line that ends in the middle of words is none."""
    return kind in (";", "\n") and kind in text and len(text.split(kind)[0]) < _SHORT_LINE


def _holds_label(text: str, letters: str, style: str, kind: str) -> bool:
    """Whether one of the letters stands in `text` with the mark of the other labels, or behind a separator."""
    label = rf"[(\[] ?[{letters}] ?[)\]]" if style == "()" else rf"[{letters}] ?{re.escape(style)}"
    if style and re.search(label, text[1:]):
        return True
    separators = f";|\n{kind}" if kind in (",", " ") else ";|\n"
    return re.search(rf"[{separators}] *[{letters}]", text) is not None


def _stands_alone(text: str, letters: str) -> bool:
    return re.search(rf"(?<![A-Za-z])[{letters}](?![A-Za-z])", text) is not None


def may_lack_sign(pieces: Sequence[Piece]) -> bool:
    """Return whether D-10 beside `A.-5` and `B.0` may be the option D without its mark, and -10."""
    dashed = [piece.style == "-" and piece.text[:1].isdigit() for piece in pieces]
    signed = any(_FIGURE_FIRST.match(piece.text) and not piece.text[0].isdigit() for piece in pieces)
    return signed and any(dashed) and any(piece.style not in ("-", "") for piece in pieces)


def without_bare_label(piece: Piece, number: int, *, figures: bool = False) -> Piece | None:
    """Return `D双方姓名` as the option D; None if the piece does not begin with that letter and a Chinese word.

    B级绝缘 is a name. A figure may stand behind the letter only where that can be no name (`figures`).
    """
    written = piece.whole.lstrip(CELL_SEPARATORS)
    if number >= len(LETTERS) or half_width(written[:1]) != LETTERS[number]:
        return None
    text = bare_text(written[1:])
    if not text or _NAMED.match(text) or (text[0].isascii() and not (figures and _FIGURE_FIRST.match(text))):
        return None
    return replace(piece, number=number, family="letter", style="", text=text)


def as_option(piece: Piece, number: int) -> Piece:
    """Return the whole piece as the text of the option `number`."""
    return replace(piece, number=number, family="letter", text=bare_text(piece.whole))


def _ascend(numbers: Sequence[int | None]) -> bool:
    known = [number for number in numbers if number is not None]
    return known == sorted(set(known))


def _in_order(numbers: Sequence[int | None]) -> bool:
    return len(numbers) >= 2 and all(number == place for place, number in enumerate(numbers))


def _joined(pieces: Sequence[Piece], chosen: Sequence[int], repairs: list[Repair]) -> list[Piece]:
    joined: list[Piece] = []
    for place, piece in enumerate(pieces):
        if place not in chosen:
            joined.append(piece)
            continue
        before = joined[-1]
        letter = LETTERS[piece.number or 0]
        word = before.text + (letter.lower() if before.text[-1].islower() else letter) + "." + piece.text
        found = before.text + piece.before + piece.whole.strip()
        message = f"选项“{found}”像被“全部替换”弄断，已还原为“{word}”；请核对"
        repairs.append(Repair(FaultCode.OPTION_TORN, message))
        label = before.whole[: before.whole.rfind(before.text)]
        joined[-1] = replace(before, text=word, whole=label + word)
    return joined


def _put_together(first: Piece, second: Piece, repairs: list[Repair]) -> Piece:
    """A text that was broken by a line end, or by a separator that stands within it."""
    if second.before.isspace():
        text = f"{first.text}\n{second.whole.strip()}"
    else:
        text = first.text + second.before + second.whole.strip()
        message = f"选项“{text}”中间有“{second.before.strip()}”，当作同一个选项；请核对"
        repairs.append(Repair(FaultCode.OPTION_SEPARATOR, message))
    return replace(first, text=text, whole=first.whole + second.before + second.whole)


def _begin_with_figures(pieces: Sequence[Piece]) -> bool:
    labelled = [piece for piece in pieces if piece.number is not None]
    return bool(labelled) and all(_FIGURE_FIRST.match(half_width(piece.text)) for piece in labelled)


def _may_touch_figures(pieces: Sequence[Piece]) -> bool:
    """Whether D2.2 is the option D and 2.2: no other option is a letter and a figure (C3)."""
    return not any(piece.number is not None and _LETTER_AND_FIGURE.match(piece.text) for piece in pieces)


def _hidden(piece: Piece, number: int, *, certain: bool, figures: bool) -> tuple[Piece, Piece] | None:
    """The piece without, and the option `number` that it hides, under a label of its own style or a bare letter."""
    narrow = half_width(piece.whole)
    for pattern in _label_patterns(piece, number, certain=certain, figures=figures):
        for found in pattern.finditer(narrow, 1):
            listed = piece.style in ("、", ",") and narrow[found.start() - 1] == piece.style
            if listed:
                continue
            first = read_piece(piece.whole[: found.start()], piece.before)
            behind = piece.whole[found.start() :]
            second = read_piece(behind, "")
            if second.number != number:
                bare = without_bare_label(replace(second, whole=behind), number, figures=figures)
                second = bare if bare is not None else second
            if first.text and second.text and second.number == number:
                return replace(piece, text=first.text, whole=first.whole), second
    return None


def _behind_empty(piece: Piece, number: int) -> tuple[Piece, Piece] | None:
    """The piece without a text, and the option `number` that stands behind its separator: `C-;D-接地`."""
    label = _LABEL_AND_SEPARATOR.match(piece.whole)
    if label is None or not piece.text or piece.style == "bare":
        return None
    second = read_piece(piece.whole[label.end() :], label[1])
    if (second.number, second.style) != (number, piece.style) or not second.text:
        return None
    return replace(piece, text="", whole=piece.whole[: label.start(1)]), second


def _label_patterns(piece: Piece, number: int, *, certain: bool, figures: bool) -> list[re.Pattern[str]]:
    """How the label `number` may be written within the piece, the surest way first.

    `certain`: the label is missing between this piece and the next, so it must be here.
    """
    if piece.family == "circled":
        return [re.compile(f"[{CIRCLED}{IN_BRACKETS}]")]
    if piece.family == "figure":
        mark = re.escape(piece.style)
        enclosed = piece.style == "()"
        label = rf"[(\[] ?{number + 1} ?[)\]]" if enclosed else rf"(?<![\d.]){number + 1} ?{mark}(?!\d)"
        return [re.compile(label)]
    if number >= len(LETTERS):
        return []
    small = piece.whole.strip()[:1].islower()
    letter = LETTERS[number].lower() if small else LETTERS[number]
    if piece.style == "()":
        return [re.compile(rf"[(\[] ?{letter} ?[)\]]")]
    patterns: list[re.Pattern[str]] = []
    if piece.style:
        mark = re.escape(piece.style)
        behind = "" if certain or figures else r"(?!\d)"
        patterns.append(re.compile(rf"(?<![A-Za-z0-9]){letter} ?{mark}{behind}"))
        if certain or figures:
            patterns.append(re.compile(rf"(?<![A-Z]){letter} ?{mark}"))
        if figures:  # 95D.100 between labels of another style
            patterns.append(re.compile(rf"(?<=[\d%℃]){letter} ?[.、:-](?=[+-]?\d)"))
        if certain:
            patterns.append(re.compile(rf"{letter} ?{mark}"))
    if not small:
        text = r"[\u4e00-\u9fff\d]" if certain or figures else rf"(?![{_NO_LABEL_BEFORE}])[\u4e00-\u9fff]"
        patterns.append(re.compile(rf"(?<=[;|\n,$#* ]){letter}(?={text})"))
        if certain and figures:
            patterns.append(re.compile(rf"(?<=[\d%℃]){letter}(?=[+-]?\d)"))
    return patterns
