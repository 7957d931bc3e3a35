"""What counts as the same answer, for practice, exam, bank check and import alike.

A set of options is right or wrong as a whole. What can be read in two ways is not read at all, hence wrong.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text, text_key
from xiaoan.question_bank.parsing import AskedOption
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType, judge_word, option_label

_ANNOUNCED = re.compile(r"^(?:(?:正确|参考)?答案|应?选择?)[:是为]*(?=.)")
_BETWEEN_LABELS = re.compile(r"[\s,、;.。:/|+&()\[\]\"'和及与-]+")
_BETWEEN_ANSWERS = re.compile(r"[;|\n,、]+")
_QUANTITY = re.compile(r"([+-]?)(\d{1,15}(?:\.\d{1,15})?)(.{0,4})")
_UNITS = {
    **{
        unit: unit for unit in ("m", "mm", "cm", "km", "V", "kV", "A", "mA", "kA", "W", "kW", "MW", "Ω", "kΩ")
    },
    **{
        unit: unit
        for unit in ("MΩ", "s", "min", "h", "%", "°C", "kg", "g", "t", "N", "kN", "Pa", "kPa", "MPa")
    },
    **{"米": "m", "毫米": "mm", "厘米": "cm", "公分": "cm", "千米": "km", "公里": "km"},
    **{"伏": "V", "千伏": "kV", "安": "A", "安培": "A", "毫安": "mA", "千安": "kA", "瓦": "W", "千瓦": "kW"},
    **{
        "欧": "Ω",
        "欧姆": "Ω",
        "兆欧": "MΩ",
        "秒": "s",
        "分钟": "min",
        "小时": "h",
        "度": "°C",
        "摄氏度": "°C",
    },
    **{"千克": "kg", "公斤": "kg", "克": "g", "吨": "t", "牛": "N", "千牛": "kN", "兆帕": "MPa"},
    **{"年": "年", "个月": "个月", "月": "个月", "天": "天", "日": "天", "周": "周"},
    **{"人": "人", "名": "人", "个": "个", "次": "次", "倍": "倍", "级": "级", "种": "种", "层": "层"},
}


def same_answer(
    given: str | Sequence[str], question: Question, shown_options: Sequence[AskedOption] | None = None
) -> bool:
    """Return whether `given` is the question's official answer.

    `given` is one text (`AD`, `A. x; D. y`, `√`, `4米`) or several option texts or labels. Labels are those
    of `shown_options`, the options as the person saw them; without these, of the bank's own order, and then a
    text outweighs the label before it.
    """
    parts = [given] if isinstance(given, str) else list(given)
    if question.question_type is QuestionType.JUDGE and not question.options:
        return len(parts) == 1 and read_verdict(parts[0], shown_options) == question.answer[0]
    if question.options:
        options = list(shown_options or label_options(question.options))
        chosen = _read_parts(parts, options, trust_text=not shown_options, stem=question.stem)
        expected = {text_key(text) for text in question.answer}
        return chosen is not None and {text_key(options[place].text) for place in chosen} == expected
    return _same_texts(parts, question)


def label_options(texts: Sequence[str]) -> tuple[AskedOption, ...]:
    """Return option texts with the labels A, B, …"""
    return tuple(AskedOption(option_label(place), text) for place, text in enumerate(texts))


def read_choice(
    given: str, options: Sequence[AskedOption], *, trust_text: bool = False, stem: str | None = None
) -> tuple[int, ...] | None:
    """Return the indices of the options that `given` names by label, by text or by both; None if unreadable.

    Where label and text disagree, the text counts if `trust_text`, else nothing is read. With the `stem`, a
    unit that an option lacks must be the one behind a blank: 3m is no option 3 of `（ ）mm`.
    """
    written = normalize_text(given)
    whole = _places_of(written, options)
    text = written if whole else _ANNOUNCED.sub("", written)  # 选用绝缘靴 is no 选 before 用绝缘靴
    whole = whole or _places_of(text, options)
    by_label = _read_labels(text, options)
    listed = _read_list(text, ";", options)
    if listed and not any(normalize_text(options[place].text) == text for place in whole):
        return listed if by_label in (None, listed) else None  # 停电; 验电 beside an option 停电、验电
    if whole:
        return None if by_label and set(by_label) - set(whole) else (whole[0],)
    read = by_label or _read_texts(text_key(text), options, trust_text=trust_text)
    if read and _read_list(text, ";,、", options) not in ((), read):
        return None  # 停电、验电、接地 beside 停电验电: two readings are none
    return read or _read_alike(text, options, stem)


def names_only_labels(given: str, options: Sequence[AskedOption]) -> bool:
    """Return whether `given` is nothing but labels of `options` (`B`, `答案：AD`)."""
    return _read_labels(_ANNOUNCED.sub("", normalize_text(given)), options) is not None


def read_verdict(given: str, shown_options: Sequence[AskedOption] | None = None) -> str | None:
    """Return 正确 or 错误 for an answer to a 判断题, or None.

    A word, a sign, or a label of the options shown; without these A is 正确 and B is 错误.
    """
    options = list(shown_options or label_options([RIGHT, WRONG]))
    if not shown_options and (word := judge_word(given)):
        return word
    chosen = read_choice(given, options, trust_text=not shown_options)
    if chosen is not None and len(chosen) == 1:
        return judge_word(options[chosen[0]].text)
    return judge_word(given) or _labelled_verdict(normalize_text(given), options)


def _labelled_verdict(text: str, options: Sequence[AskedOption]) -> str | None:
    """`A. 对` in other words than the option A's, but not against them."""
    labelled = re.fullmatch(r"([ABab])[.、: ](.+)", text)
    word = judge_word(labelled[2]) if labelled else None
    shown = {option.label: judge_word(option.text) for option in options}
    return word if labelled and shown.get(labelled[1].upper(), word) == word else None


def same_text(one: str, other: str) -> bool:
    """Return whether two texts say the same but for width, marks, spaces, or the unit of one left out."""
    if text_key(one) == text_key(other):
        return True
    first, second = _quantity(one), _quantity(other)
    if first is None or second is None or first[0] != second[0]:
        return False
    return first[1] == second[1] or not first[1] or not second[1]


def _read_parts(
    parts: Sequence[str], options: Sequence[AskedOption], *, trust_text: bool, stem: str
) -> tuple[int, ...] | None:
    chosen: set[int] = set()
    for part in parts:
        places = read_choice(part, options, trust_text=trust_text, stem=stem)
        if places is None:
            return None
        chosen.update(places)
    return tuple(sorted(chosen)) or None


def _places_by_label(options: Sequence[AskedOption]) -> dict[str, int]:
    """Labels as shown; the letters A, B, … stand for the places as well where figures are shown."""
    places = {option_label(place).lower(): place for place in range(len(options))}
    if any(len(option.label) == 1 and option.label.isalpha() for option in options):
        places = {}
    return places | {normalize_text(option.label).lower(): place for place, option in enumerate(options)}


def _places_of(text: str, options: Sequence[AskedOption]) -> list[int]:
    """The options that are `text` as a whole."""
    key = text_key(text)
    return [place for place, option in enumerate(options) if text_key(option.text) == key]


def _read_list(text: str, separators: str, options: Sequence[AskedOption]) -> tuple[int, ...]:
    """The options that the parts of `text` are, if there are several and each is one."""
    parts = [part for part in re.split(f"[{separators}]", text) if part]
    places = [_places_of(part, options)[:1] for part in parts]
    return tuple(sorted({place[0] for place in places})) if len(parts) > 1 and all(places) else ()


def _read_labels(text: str, options: Sequence[AskedOption]) -> tuple[int, ...] | None:
    """Nothing but labels: AD, d a, A、D."""
    places = _places_by_label(options)
    labels = [label for label in _BETWEEN_LABELS.split(text.lower()) if label]
    if not all(label in places for label in labels):
        labels = list("".join(labels))
    if not labels or not all(label in places for label in labels):
        return None
    return tuple(sorted({places[label] for label in labels}))


def _read_texts(key: str, options: Sequence[AskedOption], *, trust_text: bool) -> tuple[int, ...] | None:
    """Nothing but option texts, each with or without its label before it."""
    labels = _places_by_label(options)
    texts = sorted(
        ((text_key(option.text), place) for place, option in enumerate(options)),
        key=lambda item: -len(item[0]),
    )
    chosen: set[int] = set()
    position = 0
    while position < len(key):
        if key[position] in ",.:":
            position += 1
            continue
        label = labels.get(key[position].lower())
        found = _text_at(key, position, texts)
        if found is None and label is not None:
            found = _text_at(key, position + 1, texts, prefer=label)
            disagrees = found and text_key(options[label].text) != text_key(options[found[0]].text)
            # "A、B相" may be two of A相, B相, C相; "A.B相" is a label and a text.
            if disagrees and (not trust_text or key[position + 1 : position + 2] == ","):
                return None
        if found is None:
            return None
        chosen.add(found[0])
        position = found[1]
    return tuple(sorted(chosen)) or None


def _text_at(
    key: str, position: int, texts: Sequence[tuple[str, int]], prefer: int | None = None
) -> tuple[int, int] | None:
    """The place and the end of the longest option text at `position`; figures and words must end with it."""
    while position < len(key) and key[position] in ",.:":
        position += 1
    best: tuple[int, int] | None = None
    for text, place in texts:
        end = position + len(text)
        if not text or not key.startswith(text, position) or _cuts_a_word(key, end):
            continue
        if best is None or (place == prefer and end == best[1]):
            best = place, end
    return best


def _cuts_a_word(key: str, end: int) -> bool:
    """Whether a figure or latin word goes on at `end` (2 of 20, 1 of 1.5, k of kV)."""
    if end >= len(key):
        return False
    left, right = key[end - 1], key[end]
    if right == "." and left.isdigit():
        return key[end + 1 : end + 2].isdigit()
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()


def _read_alike(text: str, options: Sequence[AskedOption], stem: str | None) -> tuple[int, ...] | None:
    """Texts that agree with exactly one option each but for a number's unit: 4, 4m."""
    chosen: set[int] = set()
    for part in _BETWEEN_ANSWERS.split(text):
        alike = [
            place
            for place, option in enumerate(options)
            if same_text(part, option.text) and _unit_fits(part, option.text, stem)
        ]
        if part and len(alike) != 1:
            return None
        chosen.update(alike)
    return tuple(sorted(chosen)) or None


def _same_texts(parts: list[str], question: Question) -> bool:
    """Answers without options: one per blank in order, or one text; a 多选题's in any order."""
    expected = list(question.answer)
    if len(parts) != len(expected):
        parts = _split_into("\n".join(parts), len(expected))
    if question.question_type is QuestionType.MULTIPLE:
        return {text_key(part) for part in parts} == {text_key(text) for text in expected}
    return len(parts) == len(expected) and all(
        same_text(part, text) and _unit_fits(part, text, question.stem)
        for part, text in zip(parts, expected, strict=True)
    )


def _unit_fits(given: str, official: str, stem: str | None) -> bool:
    """Whether a unit that only `given` has stands behind a blank of `stem`; yes where no stem is known."""
    one, other = _quantity(given), _quantity(official)
    if stem is None or one is None or other is None or not one[1] or other[1]:
        return True
    if text_key(given) == text_key(official):
        return True
    behind = (part for part in normalize_stem(stem).split(BLANK)[1:])
    return any(_unit_at_start(part) == one[1] for part in behind)


def _unit_at_start(text: str) -> str:
    """The unit that `text` begins with ('' if none), the longest one."""
    fitting = [unit for unit in _UNITS if text.startswith(unit) and not _cuts_a_word(text, len(unit))]
    return _UNITS[max(fitting, key=len)] if fitting else ""


def _split_into(text: str, count: int) -> list[str]:
    """Split by the first kind of separator that gives `count` texts; the whole text otherwise."""
    text = re.sub(r"[；;]", ";", text)
    for separator in (r"\n", ";", r"[|｜]", "[、]", "[,，]", r"[\s\u3000]+"):
        pieces = [piece for piece in re.split(separator, text) if piece.strip()]
        if len(pieces) == count:
            return pieces
    return [text]


def _quantity(text: str) -> tuple[Decimal, str] | None:
    """A number and its unit ('' if none), for `4`, `4m`, `0.70 米`; None for anything else."""
    found = _QUANTITY.fullmatch(normalize_text(text))
    if found is None or (found[3] and found[3] not in _UNITS):
        return None
    return Decimal(found[1] + found[2]), _UNITS.get(found[3], "")
