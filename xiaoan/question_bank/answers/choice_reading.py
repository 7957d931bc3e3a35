"""Which of the options shown an answer names: by label, by text, or by both."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xiaoan.question_bank.answers.quantities import read_quantity, same_text, unit_at_start
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text, text_key
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import RIGHT, WRONG, judge_word

_ANNOUNCED = re.compile(
    r"^(?:(?:我的|正确|参考)?(?:答案|选项)|答|(?:我|故|本题|因此|所以)?应?该?选择?(?:项|选项)?)[:是为选]*(?=.)"
)
_BETWEEN_LABELS = re.compile(r"[\s,、;.。:/|+&()\[\]\"'和及与-]+")
_BETWEEN_ANSWERS = re.compile(r"[;|\n,、]+")
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫"
_CONTRADICTION = -1
_MOST_READINGS = 32
# A line end is no space within a quantity: 25mm2 and a label B on the next line are two.
_LABEL_ON_ITS_LINE = re.compile(r"(?<=[^\s:：])[ \t]*\n\s*(?=[A-Za-z][.．、:：)）])")
_LETTERS = re.compile(r"[A-Za-z,、;\s]{1,40}")
_NOT_ONLY_LETTERS = re.compile("[0-9\u3400-\u9fff]")
_TWO_LABELS = re.compile(r"([a-z])-([a-z])")


@dataclass(frozen=True, slots=True)
class _Shown:
    """Options with what each is compared by."""

    options: Sequence[AskedOption]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, options: Sequence[AskedOption]) -> "_Shown":
        return cls(options, tuple(text_key(option.text) for option in options))

    def places_of(self, text: str) -> tuple[int, ...]:
        """The options that `text` is as a whole; of several that differ in marks only, the exact ones."""
        key = text_key(text)
        alike = tuple(place for place, own in enumerate(self.keys) if own == key)
        if not self._differ(alike):
            return alike
        return tuple(place for place in alike if normalize_text(self.options[place].text) == text)

    def by_key(self) -> dict[str, int]:
        """The first option of each key; `_CONTRADICTION` for a key whose options differ in their marks."""
        places: dict[str, int] = {}
        for place, key in enumerate(self.keys):
            first = places.setdefault(key, place)
            if first != _CONTRADICTION and self._differ((first, place)):
                places[key] = _CONTRADICTION
        return places

    def _differ(self, places: Sequence[int]) -> bool:
        texts = {self.options[place].text for place in places}
        return len(texts) > 1 and len({normalize_text(text) for text in texts}) > 1


def label_options(texts: Sequence[str]) -> tuple[AskedOption, ...]:
    """Return option texts with the labels A, B, …"""
    return tuple(AskedOption(place_letters(place), text) for place, text in enumerate(texts))


def read_choice(
    given: str, options: Sequence[AskedOption], *, trust_text: bool = False, stem: str | None = None
) -> tuple[int, ...] | None:
    """Return the indices of the options that `given` names by label, by text or by both; None if unreadable.

    Where label and text disagree, the text counts if `trust_text`, else nothing is read. With the `stem`, a
    unit that an option lacks must be the one behind a blank: 3m is no option 3 of `（ ）mm`.
    """
    if _LETTERS.fullmatch(given) and all(_NOT_ONLY_LETTERS.search(option.text) for option in options):
        return _read_labels(given, options)  # what follows comes to the same, but an import asks often
    shown = _Shown.of(options)
    text = normalize_text(_LABEL_ON_ITS_LINE.sub(";", given))
    whole = shown.places_of(text)
    if not whole and (announced := _ANNOUNCED.match(text)):  # 选用绝缘靴 is no 选 before 用绝缘靴
        text = text[announced.end() :]
        whole = shown.places_of(text)
    exactly = any(normalize_text(options[place].text) == text for place in whole)
    by_label = _read_labels(text, options)
    listed = _read_list(text, ";", shown)
    if listed and not exactly:
        return listed if by_label in (None, listed) else None  # 停电; 验电 beside an option 停电、验电
    if whole:
        other_parts = () if exactly else _read_list(text, ",、", shown)
        doubtful = set(by_label or ()) - set(whole) or other_parts not in ((), whole[:1])
        return None if doubtful else whole[:1]
    readings = _read_texts(text_key(text), shown, trust_text=trust_text)
    # A number's unit is thought of last; but 2 may be ② as well as 2m.
    alike: tuple[int, ...] | None = None
    if not (by_label or readings) or _is_figure_for_sign(text, options):
        alike = _read_alike(text, options, stem)
    # Two readings are none: 停电、验电、接地 beside 停电验电; "A. B" where the option A says B.
    readings |= {read for read in (by_label, _read_list(text, ";,、", shown), alike) if read}
    read = readings.pop() if len(readings) == 1 else ()
    return read if read and _CONTRADICTION not in read else None


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
    text = _ANNOUNCED.sub("", normalize_text(given))
    return judge_word(text) or _labelled_verdict(text, options)


def unit_fits(given: str, official: str, stem: str | None, blank: int | None = None) -> bool:
    """Return whether a unit that only `given` has stands behind a blank of `stem`, that of index `blank`.

    True where both have a unit or neither has, and where no stem is known.
    """
    one, other = read_quantity(given), read_quantity(official)
    if stem is None or one is None or other is None or not one.units or other.units:
        return True
    if text_key(given) == text_key(official):
        return True
    behind = re.split(f"{BLANK}|多少|几", normalize_stem(stem))[1:]
    if blank is not None and blank < len(behind):
        behind = behind[blank : blank + 1]
    return any(unit_at_start(part) & one.units for part in behind)


def _labelled_verdict(text: str, options: Sequence[AskedOption]) -> str | None:
    """`A. 对` in other words than the option A's, but not against them."""
    labelled = re.fullmatch(r"([ABab])[.、: ](.+)", text)
    word = judge_word(labelled[2]) if labelled else None
    shown = {option.label: judge_word(option.text) for option in options}
    return word if labelled and shown.get(labelled[1].upper(), word) == word else None


def _places_by_label(options: Sequence[AskedOption]) -> dict[str, int]:
    """Labels as shown; the letters A, B, … stand for the places as well where figures are shown."""
    places = {place_letters(place).lower(): place for place in range(len(options))}
    if any(len(option.label) == 1 and option.label.isalpha() for option in options):
        places = {}
    for place, option in enumerate(options):
        plain = option.label.isascii() and option.label.isalnum()
        label = (option.label if plain else normalize_text(option.label).strip("()[].")).lower()
        places[label] = place
        if len(label) == 1 and not label.isascii() and label.isnumeric():  # nobody can type ①
            places.setdefault(str(int(unicodedata.numeric(label))), place)
        elif label.isdecimal() and 1 <= int(label) <= len(_CIRCLED):  # but anybody can paste it
            places.setdefault(_CIRCLED[int(label) - 1], place)
    return places


def _is_figure_for_sign(text: str, options: Sequence[AskedOption]) -> bool:
    """Whether `text` is a figure that no label shows, as ② does not show 2."""
    return text.isdigit() and all(text not in normalize_text(option.label) for option in options)


def _read_list(text: str, separators: str, shown: _Shown) -> tuple[int, ...]:
    """The options that the parts of `text` are, if there are several and each is one."""
    parts = [part for part in re.split(f"[{separators}]", text) if part]
    chosen: set[int] = set()
    for part in parts if len(parts) > 1 else ():
        places = shown.places_of(part)
        if not places:
            return ()
        chosen.add(places[0])
    return tuple(sorted(chosen))


def _read_labels(text: str, options: Sequence[AskedOption]) -> tuple[int, ...] | None:
    """Nothing but labels: AD, d a, A、D. `A-D` may be two of them or all from A to D, hence nothing."""
    places = _places_by_label(options)
    text = text.lower()
    if (ends := _TWO_LABELS.fullmatch(text)) and ord(ends[2]) - ord(ends[1]) > 1:
        return None
    labels = [label for label in _BETWEEN_LABELS.split(text) if label]
    if not all(label in places for label in labels):
        labels = list("".join(labels))
    if not labels or not all(label in places for label in labels):
        return None
    return tuple(sorted({places[label] for label in labels}))


def _read_texts(key: str, shown: _Shown, *, trust_text: bool) -> set[tuple[int, ...]]:
    """Every way to read `key` as option texts, each with or without its label before it; mostly one or none.

    A way that goes against a label holds `_CONTRADICTION`: it is no answer, but makes others doubtful.
    """
    labels = _places_by_label(shown.options)
    texts = shown.by_key()
    reached: dict[int, set[frozenset[int]]] = {0: {frozenset()}}
    for position in range(len(key)):
        before = reached.pop(position, set())
        if len(before) > _MOST_READINGS:
            return {(_CONTRADICTION,)}
        if not before:
            continue
        steps: list[tuple[int, int | None]] = [(position + 1, None)] if key[position] in ",.:" else []
        steps += _texts_at(key, position, texts)
        if (label := labels.get(key[position].lower())) is not None:
            own = label, shown.keys[label]
            steps += _labelled_texts_at(key, position, texts, own, trust_text=trust_text)
        for end, place in steps:
            reached.setdefault(end, set()).update(
                one | {place} if place is not None else one for one in before
            )
    return {tuple(sorted(read)) for read in reached.get(len(key), set()) if read}


def _texts_at(key: str, position: int, texts: Mapping[str, int]) -> list[tuple[int, int]]:
    """Where the option texts at `position` end, and which they are; figures and words must end with them."""
    return [
        (position + len(text), place)
        for text, place in texts.items()
        if text and key.startswith(text, position) and not _cuts_a_word(key, position + len(text))
    ]


def _labelled_texts_at(
    key: str, position: int, texts: Mapping[str, int], labelled: tuple[int, str], *, trust_text: bool
) -> list[tuple[int, int]]:
    """Where the texts behind the label at `position` end, and which they are with it: its place and own text."""
    start = position + 1
    if key[position].isdigit() and _cuts_a_word(key, start):
        return []  # 12m and 1.2m are no 2m behind a label 1
    between = key[start : start + 1]
    while start < len(key) and key[start] in ",.:":
        start += 1
    label, own = labelled
    # "A、B相" and "AB相" may be two of A相, B相, C相; "A.B相" is a label and a text.
    two_labels = between == "," or (between != "." and between.isascii() and between.isalpha())
    steps = []
    for end, place in _texts_at(key, start, texts):
        text = key[start:end]
        # "A. 停电、验电" may be the option A, 停电, and one more, or another option that says both.
        believed = trust_text and not two_labels and not text.startswith(own or text)
        steps.append((end, label if text == own else place if believed else _CONTRADICTION))
    return steps


def _cuts_a_word(key: str, end: int) -> bool:
    """Whether a figure or latin word goes on at `end` (2 of 20, 1 of 1.5, k of kV)."""
    if end >= len(key):
        return False
    left, right = key[end - 1], key[end]
    if right == "." and left.isdigit():
        return key[end + 1 : end + 2].isdigit()
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()


def _read_alike(text: str, options: Sequence[AskedOption], stem: str | None) -> tuple[int, ...] | None:
    """Texts that agree with exactly one option each but for a number's unit: 4, 4m; also 1,000 as a whole."""
    chosen: set[int] = set()
    for part in [text] if read_quantity(text) else _BETWEEN_ANSWERS.split(text):
        alike = [
            place
            for place, option in enumerate(options)
            if same_text(part, option.text) and unit_fits(part, option.text, stem)
        ]
        if part and len(alike) != 1:
            return None
        chosen.update(alike)
    return tuple(sorted(chosen)) or None
