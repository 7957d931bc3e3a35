"""What an answer cell says: letters, figures or texts of the options, a verdict, or one text per blank."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from xiaoan.question_bank.answers.blank_filling import split_blanks
from xiaoan.question_bank.answers.choice_reading import read_choice
from xiaoan.question_bank.normalization import BLANK, clean_text, normalize_stem, normalize_text
from xiaoan.question_bank.option_labels import AskedOption, half_width
from xiaoan.question_bank.question import RIGHT, WRONG, judge_word
from xiaoan.question_bank.rows.faults import FaultCode
from xiaoan.question_bank.rows.figure_answers import (
    BETWEEN_NAMED,
    Figures,
    figures_in,
    is_decimal,
    labels_at,
    letter_of,
    lettered,
    places_of_text,
    without_signs,
)
from xiaoan.question_bank.rows.option_cells import OptionsReading
from xiaoan.question_bank.rows.option_mending import Repair

_NOTHING = "\\/-—–－. 。、\n\t\u3000_"
_RANGE = re.compile(r"[\s(\[]*[A-Za-z]\s*[-~至到]\s*[A-Za-z][\s)\].。]*")
_ANNOUNCED = re.compile(r"^(?:(?:正确|参考|标准)?答案|应?选)\s*[:是为]?\s*(?=[A-Za-z(\[])")
_LABEL_FIRST = re.compile(r"[(\[]?(?:[A-Za-z]|\d{1,2})[)\]]?\s*[.、:,)\]-]|[①-⑫⑴-⑿]")
_CANONICAL_LETTERS = re.compile(r"(?:^|,)([A-Z])\. ")
_VERDICT_FIRST = re.compile(
    r"(正确|错误|不正确|对|错|√|×|✓|✗|[TFtf])[,，。.;；:：、(（\s]+(.{2,})", re.DOTALL
)
_PLAIN_VERDICTS = frozenset(
    ["正确", "错误", "不正确", "对", "错", "不对", "√", "×", "✓", "✗", "✔", "✘", "T", "F", "TRUE", "FALSE"]
)
_BETWEEN_ANSWERS = r"\$[;|]?\$"
_BETWEEN_CELL_TEXTS = (r"\*{2,}", r"#{2,}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The places of the right options, or why there are none; what was repaired."""

    places: tuple[int, ...] = ()
    repairs: tuple[Repair, ...] = ()
    refusal: Repair | None = None


def is_nothing(text: str) -> bool:
    """Return whether a cell says that there is nothing: empty, `\\`, `/`, `—`."""
    return not text.strip(_NOTHING)


def read_chosen(
    written: str, reading: OptionsReading, stem: str | None, figures: Figures = Figures.UNKNOWN
) -> Chosen:
    """Return which options an answer names, by letters, figures or texts, with what had to be repaired.

    `figures` is what they mean in the other answers of the sheet.
    """
    options = reading.options
    answer = written.strip()
    places = {option.label: place for place, option in enumerate(options)}
    texts = [option.text for option in options]
    if not answer.isalpha() and (names := figures_in(without_signs(answer, reading))):
        return _by_figures(answer, names, reading, stem, figures)
    if answer in texts:
        return _by_exact_text(answer, places, texts)
    if answer.isupper() and answer.isascii() and all(letter in places for letter in answer):
        return _by_labels(answer, reading, places, lower=False)
    if _is_canonical(answer, options):
        letters = _CANONICAL_LETTERS.findall(answer)
        return Chosen(tuple(sorted({places[letter] for letter in letters})))
    narrow = _ANNOUNCED.sub("", half_width(clean_text(answer, keep_newlines=True)))
    if _RANGE.fullmatch(narrow):
        message = f"答案“{answer}”可能是两个选项，也可能是从头到尾；请逐个写出字母，例如 AC 或 ABC"
        return Chosen(refusal=Repair(FaultCode.BAD_ANSWER, message))
    labels, lower = _labels(narrow, places)
    if labels and normalize_text(answer) not in map(normalize_text, texts):
        return _by_labels(labels, reading, places, lower=lower)
    return _by_text(answer, reading, places, stem)


def _by_figures(
    answer: str, names: Sequence[str], reading: OptionsReading, stem: str | None, figures: Figures
) -> Chosen:
    """Figures that are the places of options, or what options say; refused where nothing tells which."""
    places = {option.label: place for place, option in enumerate(reading.options)}
    own = reading.by_place or all(label.isdecimal() for label in places)
    labels = labels_at(names, reading)
    said = places_of_text(answer, reading, stem)
    if is_decimal(answer) and (said or figures is not Figures.PLACES):
        labels = []
    meant = tuple(sorted({places[label] for label in labels}))
    if figures is Figures.PLACES:
        exactly = answer in [option.text for option in reading.options]
        said = said if exactly and not labels else None
    elif said and labels and said != meant:
        if figures is not Figures.TEXTS and (own or figures is not Figures.LETTERS):
            message = f"答案“{answer}”可能是选项的标号，也可能是另一个选项的原文；请写成“标号. 原文”"
            return Chosen(refusal=Repair(FaultCode.BAD_ANSWER, message))
        labels = []
    if labels and (own or figures is Figures.PLACES):
        return _by_labels(labels, reading, places, lower=False)
    if said:
        return Chosen(said, (_as_text(answer),))
    return Chosen(refusal=Repair(FaultCode.BAD_ANSWER, _why_unread(answer, reading, places)))


def _by_exact_text(answer: str, places: dict[str, int], texts: Sequence[str]) -> Chosen:
    """An answer that is one option's text to the letter, and no label of another."""
    place = texts.index(answer)
    label = places.get(answer, place)
    if label != place and texts[label] != answer:
        message = f"答案“{answer}”可能是选项的标号，也可能是另一个选项的原文；请写成“标号. 原文”"
        return Chosen(refusal=Repair(FaultCode.BAD_ANSWER, message))
    return Chosen((place,)) if answer in places else Chosen((place,), (_as_text(answer),))


def _as_text(answer: str) -> Repair:
    return Repair(FaultCode.ANSWER_AS_TEXT, f"答案写的是选项原文“{answer}”，已对上字母")


def _is_canonical(answer: str, options: Sequence[AskedOption]) -> bool:
    """`A. x,D. y`, exactly as the canonical workbook writes the options."""
    if answer[1:3] != ". ":
        return False
    texts = {option.label: option.text for option in options}
    letters = _CANONICAL_LETTERS.findall(answer)
    written = ",".join(f"{letter}. {texts.get(letter, '')}" for letter in letters)
    return written == answer and all(texts.get(letter) for letter in letters)


def _labels(narrow: str, places: dict[str, int]) -> tuple[list[str], bool]:
    """Labels of options and nothing else, and whether letters were small; [] if there is anything else."""
    names = [name for name in BETWEEN_NAMED.split(narrow) if name]
    compact = "".join(names)
    if compact.isascii() and compact.isalpha():
        letters = list(compact.upper())
        known = places if "A" in places or "B" in places else _by_letter(places)
        return (letters, not compact.isupper()) if all(letter in known for letter in letters) else ([], False)
    return (names, False) if all(name in places for name in names) else ([], False)


def _by_letter(places: dict[str, int]) -> dict[str, int]:
    """The letters A, B, … for options under figures: C is what is called 3."""
    return {letter_of(label): place for label, place in places.items()}


def _by_labels(
    labels: Sequence[str], reading: OptionsReading, places: dict[str, int], *, lower: bool
) -> Chosen:
    if doubtful := reading.doubtful and [label for label in labels if label in reading.doubtful]:
        message = f"选项的标号有重复或错乱，不能确定答案 {doubtful[0]} 是哪一项；请改正选项的标号"
        return Chosen(refusal=Repair(FaultCode.OPTIONS_UNCLEAR, message))
    known = places if labels[0] in places else _by_letter(places)
    chosen = [known[label] for label in labels]
    if not lower and (len(chosen) == 1 or chosen == sorted(set(chosen))):
        return Chosen(tuple(chosen))
    repairs = [Repair(FaultCode.LETTER_CASE, "答案是小写字母，已改为大写")] if lower else []
    if len(set(chosen)) < len(chosen):
        repairs.append(Repair(FaultCode.LETTER_TWICE, f"答案“{''.join(labels)}”有重复的字母，只算一次"))
    elif chosen != sorted(chosen):
        repairs.append(Repair(FaultCode.LETTER_ORDER, f"答案“{''.join(labels)}”的次序不是选项的次序，已排好"))
    return Chosen(tuple(sorted(set(chosen))), tuple(repairs))


def _by_text(answer: str, reading: OptionsReading, places: dict[str, int], stem: str | None) -> Chosen:
    """An option's text instead of its letter, or beside it."""
    chosen = read_choice(answer, lettered(reading.options), stem=stem)
    if chosen is None:
        return Chosen(refusal=Repair(FaultCode.BAD_ANSWER, _why_unread(answer, reading, places)))
    if _LABEL_FIRST.match(half_width(answer)):
        if any(reading.options[place].label in reading.doubtful for place in chosen):
            message = f"选项的标号有重复或错乱，不能确定答案“{answer}”是哪一项；请改正选项的标号"
            return Chosen(refusal=Repair(FaultCode.OPTIONS_UNCLEAR, message))
        return Chosen(chosen)
    return Chosen(chosen, (_as_text(answer),))


def _why_unread(answer: str, reading: OptionsReading, places: dict[str, int]) -> str:
    labels = "、".join(option.label for option in reading.options)
    letters = BETWEEN_NAMED.sub("", half_width(answer)).upper()
    if letters.isascii() and letters.isalpha() and len(letters) <= 12:
        known = {*places, *_by_letter(places)}
        missing = "、".join(dict.fromkeys(letter for letter in letters if letter not in known))
        if missing:
            empty = "（这一项是空的）" if missing[0] in map(letter_of, reading.empty) else ""
            return (
                f"答案“{answer}”里的 {missing} 没有对应的选项{empty}，选项只有 {labels}；请改答案或补上选项"
            )
    return f"答案“{answer}”不是选项 {labels} 的标号，也不是其中一项的原文；请改答案或补上选项"


def bare_letters(written: str) -> str:
    """Return what is written without what may stand between letters of options, half-width."""
    return half_width(written).strip().replace(" ", "").replace("、", "").replace(",", "")


@lru_cache(maxsize=1024)
def plain_verdict(written: str) -> str | None:
    """Return 正确 or 错误 for a word or sign that can mean nothing else; letters A/B and figures do not count."""
    word = normalize_text(written).strip(" 。.()")
    return judge_word(word) if word.upper() in _PLAIN_VERDICTS else None


def verdict_with_note(written: str) -> tuple[str, str] | None:
    """Return the verdict and the note behind it (`错误，应为8m`), or None."""
    found = _VERDICT_FIRST.fullmatch(written.strip())
    verdict = judge_word(found[1]) if found else None
    return (verdict, found[2].strip(" )）")) if found and verdict else None


def verdict_options(written: str) -> tuple[AskedOption, ...]:
    """Return the options of a 判断题 that are only parted by commas or slashes (`对,错`), or ()."""
    words = [word for word in re.split(r"[\s,，、/／;；|]+", written.strip()) if word]
    verdicts = [judge_word(word) for word in words]
    if len(words) != 2 or set(verdicts) != {RIGHT, WRONG}:
        return ()
    return tuple(AskedOption("AB"[place], word) for place, word in enumerate(words))


def blanks_of(stem: str) -> int:
    """Return how many blanks a stem has."""
    return normalize_stem(stem).count(BLANK)


def part_answers(written: str, blanks: int) -> tuple[str, ...] | None:
    """Return one text per blank, by the first kind of separator that gives as many; None if none does.

    `$;$` parts nothing but answers, so that it does however many blanks there are.
    """
    text = clean_text(written, keep_newlines=True)
    parts = re.split(_BETWEEN_ANSWERS, text)
    if len(parts) > 1 and (pieces := _filled_pieces(parts)):
        return pieces
    if blanks < 2:
        return None
    for separator in _BETWEEN_CELL_TEXTS:
        if (pieces := _filled_pieces(re.split(separator, text))) and len(pieces) == blanks:
            return pieces
    given = split_blanks(text, blanks)
    pieces = _filled_pieces(given or ())
    if len(pieces) == blanks:
        return pieces
    pieces = _filled_pieces(re.split("[/／]", text))
    return pieces if len(pieces) == blanks else None


def _filled_pieces(pieces: Sequence[str]) -> tuple[str, ...]:
    return tuple(shown for piece in pieces if (shown := clean_text(piece)))
