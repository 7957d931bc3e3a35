"""What a stem's cell holds besides the stem: a number in front, the 题型, the answer given away, pictures."""

import re
from dataclasses import dataclass

from xiaoan.question_bank.normalization import clean_text, strip_question_number
from xiaoan.question_bank.option_labels import half_width
from xiaoan.question_bank.question import judge_word

_TYPE_HINT = re.compile(r"[(\[] ?(?P<word>[\u4e00-\u9fff]{2,7}) ?[)\]] ?:? ?")
_BLANK = re.compile(r"[(\[{] *[_.…?]* *[)\]}]|_{2,}(?:\(\d{1,2}\)_+)*|_\(\d{1,2}\)_")
_ASKS = re.compile(r"[?]|哪|什么|多少|几[个种项人米次]|下列|以下.{0,20}[是为有]")
_ASKS_AT_END = re.compile(r"(?:[是为有]|包括|包含|属于|如下)[:。]?$")
_LETTERS_IN_BRACKETS = re.compile(r"\( ?(?P<letters>[A-Za-z](?:[、, ]?[A-Za-z])*) ?\)")
_BEFORE_ANSWER = frozenset("为是有应用于在到达过以由将需须得括含属行向按成要选取低高少超:：")
_BETWEEN_LETTERS = re.compile("[、, ]")
_QUANTITY_BEFORE = re.compile(
    r"(?:[率度数值流压阻抗量力积比差限长高宽温]|系数|功|容|频|符号|代号|字母|单位|类型|型号|等级|[相类级型点侧])$"
)
_AFTER_SYMBOL = frozenset("相级类型段点侧端区组号线柜")
_VERDICT_AT_END = re.compile(r"\( ?(?P<verdict>√|×|✓|✗|对|错|正确|错误) ?\) *[。.]? *$")
_MAY_LEAK = re.compile(r"[(（] ?[A-Za-zＡ-Ｚａ-ｚ√×✓✗对错正]")
_WORD = re.compile(r"[^\W_]")
_PICTURE = re.compile(
    r"=?(?:_xlfn\.)?DISPIMG\([^)]*\)|[\[【(（<]图片?[\]】)）>]|<img\b[^>]*>?|\[img\]", re.IGNORECASE
)
_EMPTY_BRACKETS = "（　　）"
_IDEOGRAPHS = ("\u4e00", "\u9fff")


@dataclass(frozen=True, slots=True)
class Leak:
    """An answer that stands in the stem's brackets, and the stem with a blank there."""

    answer: str
    stem: str


def read_stem(cell: str) -> str:
    """Return the stem without the question's number, or '' if there are no words in it."""
    first = cell[:1]
    if not _IDEOGRAPHS[0] <= first <= _IDEOGRAPHS[1] or first == "第":
        cell = strip_question_number(cell)
    stem = clean_text(cell)
    return stem if _WORD.search(stem) else ""


def take_type_hint(stem: str) -> tuple[str, str]:
    """Return the word in brackets that the stem begins with (`（单选题）应…`; '' if none), and the stem after it."""
    found = _TYPE_HINT.match(half_width(stem)) if stem[:1] in "(（[【〔" else None
    return (found["word"], stem[found.end() :]) if found else ("", stem)


def has_blank(stem: str) -> bool:
    """Return whether there is a place to fill in, the one after a statement's end not counted."""
    narrow = half_width(stem).rstrip(" 。.")
    return any(found.end() < len(narrow) for found in _BLANK.finditer(narrow))


def has_any_blank(stem: str) -> bool:
    """Return whether there is a place to fill in, anywhere."""
    return _BLANK.search(half_width(stem)) is not None


def asks(stem: str) -> bool:
    """Return whether the stem may ask for something, while a statement only says it.

    A blank that is not parted from the sentence by a full stop may be one to fill in.
    """
    narrow = half_width(stem).strip()
    blanks = [narrow[: found.start()].rstrip()[-1:] for found in _BLANK.finditer(narrow)]
    if any(before not in ("。", ".", "!") for before in blanks):
        return True
    said = _BLANK.sub("", narrow).rstrip(" 。.")
    return bool(_ASKS.search(said)) or bool(_ASKS_AT_END.search(said))


def may_leak(stem: str) -> bool:
    """Return whether it is worth looking for an answer in the stem's brackets."""
    return _MAY_LEAK.search(stem) is not None


def leaked_letters(stem: str, labels: frozenset[str], answer: str = "") -> Leak | None:
    """Return the letters that stand where the blank should be (`…应为（B）`), or None.

    A symbol behind a noun is none (`延伸率（A）`, `dB(A)`), nor is a letter beside a proper blank. Letters that are
    those of `answer` (`AC`) may stand behind any other word (`应戴（C），并…`), if the stem asks in no other way.
    """
    narrow = half_width(stem)
    if _BLANK.search(narrow):
        return None
    in_brackets = [found for found in _LETTERS_IN_BRACKETS.finditer(narrow) if _all_known(found, labels)]
    found = [leak for leak in in_brackets if _stands_for_blank(leak)]
    if not found and len(in_brackets) == 1 and _is_answer(in_brackets[0], answer):
        found = in_brackets
    if len(found) != 1:
        return None
    return Leak(
        _letters(found[0]["letters"]), stem[: found[0].start()] + _EMPTY_BRACKETS + stem[found[0].end() :]
    )


def leaked_verdict(stem: str) -> Leak | None:
    """Return the verdict in the brackets at a statement's end (`…。（√）`), or None."""
    found = _VERDICT_AT_END.search(half_width(stem))
    verdict = judge_word(found["verdict"]) if found else None
    if found is None or verdict is None:
        return None
    return Leak(verdict, stem[: found.start()] + _EMPTY_BRACKETS + stem[found.end() :])


def _letters(written: str) -> str:
    return _BETWEEN_LETTERS.sub("", written).upper()


def _all_known(found: re.Match[str], labels: frozenset[str]) -> bool:
    return all(letter in labels for letter in _letters(found["letters"]))


def _stands_for_blank(found: re.Match[str]) -> bool:
    before = found.string[: found.start()].rstrip(" ")[-1:]
    at_end = not found.string[found.end() :].strip(" 。.?")
    several = len(_letters(found["letters"])) > 1
    return before in _BEFORE_ANSWER or (at_end and several and not before.isascii())


def _is_answer(found: re.Match[str], answer: str) -> bool:
    """Whether the letters are the answer's and no symbol: of a quantity, a unit, a phase."""
    if _letters(found["letters"]) != answer:
        return False
    before, after = found.string[: found.start()].rstrip(" "), found.string[found.end() :].lstrip(" ")
    if before[-1:].isascii() or after[:1] in _AFTER_SYMBOL:
        return False
    padded = found[0].startswith("( ") and found[0].endswith(" )")
    symbol = _QUANTITY_BEFORE.search(before) is not None
    asked = _ASKS.search(narrow_rest := before + after) or _ASKS_AT_END.search(narrow_rest)
    return padded or not (symbol or asked)


def has_picture(text: str) -> bool:
    """Return whether the text stands for a picture somewhere (`=DISPIMG(…)`, `[图片]`, `<img …>`)."""
    return ("图" in text or "IMG" in text or "img" in text) and _PICTURE.search(text) is not None


def is_only_picture(text: str) -> bool:
    """Return whether the text stands for a picture and says nothing else."""
    return has_picture(text) and not _WORD.search(_PICTURE.sub("", text))
