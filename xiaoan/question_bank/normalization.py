"""One spelling for every text: the only place that knows widths, marks, blanks and question numbers.

`clean_text` makes foreign text safe to show. `normalize_text` and `normalize_stem` give the readable spelling
that ids, prompts and comparisons are built on: a change here changes question ids (people's progress hangs on
them) and the model's prompts (it was trained on them), so treat their results as a file format.
`match_key` goes one step further, for comparisons only: marks without meaning, and letter case, are gone.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

BLANK = "___"
"""How every blank of a stem is written after `normalize_stem`."""

ANSWER_SEPARATOR = "; "
"""What stands between several answer texts."""

_ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]?"
)
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNSEEN_CHARACTERS = (
    "\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{_UNSEEN_CHARACTERS}]")

# Signs that NFKC would melt into the figures beside them (10² is not 102, ① is not 1, 1½ is not 11/2).
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SUPERSCRIPT_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_MELTING = re.compile("([①-⑳⓪-⓿❶-➓㉑-㊿¼-¾⅐-⅟↉₀-₉]+)")
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f]")

_ONE_MARK = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−─", "-"),
        **dict.fromkeys("〜∼˜", "~"),
        **dict.fromkeys("“”„‟「」『』", '"'),
        **dict.fromkeys("‘’‚‛`´", "'"),
        **dict.fromkeys("【〔〖", "["),
        **dict.fromkeys("】〕〗", "]"),
        **dict.fromkeys("•‧∙⋅・", "·"),
        **dict.fromkeys("⋯", "..."),
    }
)
_CJK = "\u3400-\u9fff\uf900-\ufaff"

# The characters of most texts. Each is changed by itself or not at all, so one table does what `_unify` does.
_PLAIN_SIGNS = "\n\t -~\xb1\xb7\xd7\u2018-\u201d\u2026\u2014\u3000-\u3002\u300a-\u3011\uff01-\uff5e"
_PLAIN = re.compile(f"[{_PLAIN_SIGNS}\u4e00-\u9fff]*")
_PLAIN_TABLE = {
    ord(sign): unicodedata.normalize("NFKC", sign).translate(_ONE_MARK)
    for sign in re.findall(f"[{_PLAIN_SIGNS}]", "".join(map(chr, range(0xFF5F))))
}
_LONG_DOTS = re.compile(r"\.{3,}")
_FULL_STOP = re.compile(rf'(?<=[{_CJK})"》])\.(?![.0-9A-Za-z])|。{{2,}}')

_SPACES = re.compile(r"\s+")
_UNIT = (
    r"(?:[kK][vV][aA]?|[kKmM]?[aAwW]|[kM]?[VNΩ]|[kKcCmM]?[mM]|[kK]?[gG]|[hH][zZ]"
    r"|[kM]?Pa|mA|°C|%|[sht]|min|dB|lx|mL|L)"
)
_SPACE_BEFORE_UNIT = re.compile(rf"(?<=\d)\s+(?={_UNIT}(?![A-Za-z]))")
_SPACE_NOT_BETWEEN_WORDS = re.compile(r"(?<![0-9A-Za-z]) | (?![0-9A-Za-z])")
_UNIT_SPELLING = re.compile(
    r"(?<![A-Za-z])[kK][vV](?![A-Za-z])"
    r"|(?<=[0-9_])(?:[kK][vV][aA]|[kK][aAmMgGwW]|[cC][mM]|MM|[hH][zZ])(?![A-Za-z])"
)
_UNIT_LETTER = re.compile("[kKcCMhH]")
_UNIT_AS_WRITTEN = {unit.lower(): unit for unit in ("kV", "kVA", "kA", "km", "kg", "kW", "cm", "mm", "Hz")}

_MEASURE_WORD = (
    "[千万百伏米厘毫公年月日天小分秒个人名次台座级度号种类项条组段回路安瓦吨倍岁周季相点时kKVmAcsh%°]"
)
_QUESTION_NUMBER = re.compile(
    r"\s*(?:"
    r"第\s*\d{1,4}\s*题\s*[:.、,]?"
    r"|\(\s*\d{1,3}\s*\)"
    r"|\d{1,4}\s*\)"
    r"|\d{1,4}\s*[.、:](?=\s*[^\d\s])"  # not 7.23, 1.5m, 1、2号主变
    r"|\d{1,4}\s*\.\s+(?=\d)"  # "1. 220kV…"
    rf"|\d{{1,4}}\t\s*(?!{_MEASURE_WORD}|\d)"
    r")\s*"
)

_MAY_BE_NUMBERED = re.compile(rf"[\s{_UNSEEN_CHARACTERS}]*[第(（\d]")
_NARROW_FOR_NUMBERS = str.maketrans("０１２３４５６７８９．：，（）", "0123456789.:,()")

_NUMBERED_BLANK = re.compile(r"_{1,3}(?:\(\d{1,2}\)_+)+")
# Possessive and tried only at the start of a run, so that ten thousand brackets cost no more than other text.
_BRACKETED_BLANK = re.compile(r"(?<![(\[])([(\[]++)(?:_*|\?*|\.{3})([)\]]++)")
_UNDERSCORES = re.compile(r"_{2,}")
_LAST_MARKS = "。.;,:、?!"

_MARKS_WITHOUT_MEANING = re.compile(r"[,、。.;:'\"()\[\]《》?!·\s]+")
# Case stays where it is the quantity: mA and MA, mΩ and MΩ, also behind a blank or as an option of their own.
_LETTERS_OF_NO_QUANTITY = re.compile(
    r"(?<![0-9A-Za-z])(?!(?i:m(?:[awvnj]|va|var|pa|hz)?)(?![A-Za-z]))[A-Za-z]+"
)


def clean_text(text: str, *, keep_newlines: bool = False) -> str:
    """Return `text` without escape sequences, control, bidirectional and zero-width characters, stripped.

    Tabs and, unless `keep_newlines`, line ends become spaces. What a person can see stays as it is.
    """
    text = _LINE_ENDS.sub("\n", _ESCAPE_SEQUENCES.sub("", text))
    text = _UNSEEN.sub("", text).replace("\t", " ")
    return text.strip() if keep_newlines else text.replace("\n", " ").strip()


def normalize_text(text: str) -> str:
    """Return the one spelling of `text`: half-width, one style of marks, no needless spaces.

    Letter case stays, but for units (`220 KV` is `220kV`). A space stays between two latin words or numbers
    (`Safety first`), not between a number and its unit. Idempotent and readable: it is shown to the model.
    """
    return _repeat(_one_text, text)


def normalize_stem(text: str) -> str:
    """Return the one spelling of a stem: every blank as `BLANK`, no question number, no last mark.

    Otherwise as `normalize_text`. A blank after the last full stop (a 判断题's place for √) goes as well.
    Idempotent. This string is the model's prompt and part of a question's id.
    """
    return _repeat(_one_stem, text)


def normalize_answers(texts: Iterable[str]) -> str:
    """Return the one spelling of a set of answers: normalised, sorted, joined by `ANSWER_SEPARATOR`."""
    return ANSWER_SEPARATOR.join(sorted(normalize_text(text) for text in texts))


def strip_question_number(text: str) -> str:
    """Return `text` without leading question numbers (`1.`, `12、`, `（3）`, `56<tab>`, `第4题：`).

    Clause numbers and quantities (`7.23 工作…`, `220 千伏…`, `1、2号主变…`) stay, and so does a text that is
    only a number.
    """
    if not _MAY_BE_NUMBERED.match(text):
        return text
    narrow = _UNSEEN.sub("", text).translate(_NARROW_FOR_NUMBERS)
    start = 0
    while (found := _QUESTION_NUMBER.match(narrow, start)) and found.end() < len(narrow):
        start = found.end()
    return text if start == 0 else _UNSEEN.sub("", text)[start:]


def match_key(stem: str) -> str:
    """Return what two stems must share to be the same words.

    `normalize_stem` without quotes, brackets, commas and stops, unless these part two figures or latin words.
    Letters are lower-cased, but never those of a quantity (`5mA` is not `5MA`). Signs (`-`, `±`, `<`, `≤`,
    `%`, `/`, `~`) always stay.
    """
    return key_of(normalize_stem(stem))


def text_key(text: str) -> str:
    """Return what two options or answers must share to be the same words: as `match_key`, nothing stripped.

    Figures in front count here: an option `(1)(3)` is not `(2)(3)`.
    """
    return key_of(normalize_text(text))


def key_of(normalized: str) -> str:
    """Return `match_key` or `text_key` of what is normalised already."""
    key = _MARKS_WITHOUT_MEANING.sub(_mark_in_key, normalized) or normalized
    return _LETTERS_OF_NO_QUANTITY.sub(lambda letters: letters[0].lower(), key)


def _mark_in_key(marks: re.Match[str]) -> str:
    before = marks.string[marks.start() - 1 : marks.start()]
    after = marks.string[marks.end() : marks.end() + 1]
    if not (_is_word(before) and _is_word(after)):
        return "." if marks[0].endswith(".") and after.isdigit() else ""  # .5m is not 5m
    if marks[0].isspace() and before.isdigit() != after.isdigit():
        return ""
    return marks[0] if marks[0] in (".", ":") else ","


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _one_text(text: str) -> str:
    return _tighten(_unify(text))


def _one_stem(text: str) -> str:
    return _trim_end(_one_blank(_tighten(strip_question_number(_unify(text)))))


def _repeat(step: Callable[[str], str], text: str) -> str:
    return _remembered(step, text) if len(text) <= _REMEMBERED_LENGTH else _until_settled(step, text)


def _until_settled(step: Callable[[str], str], text: str) -> str:
    """Apply `step` until nothing changes, which makes the result idempotent by construction."""
    changed = step(text)
    while changed != text:
        text, changed = changed, step(changed)
    return changed


# An option is spelled anew by its question, for its id, for its answer: mostly within the same row.
_REMEMBERED_LENGTH = 200
_remembered = lru_cache(maxsize=4096)(_until_settled)


def _unify(text: str) -> str:
    """One width and one style of marks; spaces stay, since question numbers are told by them."""
    if _PLAIN.fullmatch(text):
        return text.translate(_PLAIN_TABLE)
    text = _LINE_ENDS.sub("\n", _ESCAPE_SEQUENCES.sub("", text))
    text = _VARIATION_SELECTORS.sub("", _UNSEEN.sub("", text))
    text = _SUPERSCRIPT_RUN.sub(_plain_superscript, text.replace("´", "'"))
    pieces = _MELTING.split(text)
    pieces[::2] = [unicodedata.normalize("NFKC", piece) for piece in pieces[::2]]
    return _VARIATION_SELECTORS.sub("", "".join(pieces)).translate(_ONE_MARK)


def _plain_superscript(run: re.Match[str]) -> str:
    """mm² is mm2 as typed by hand; 10² must not become 102."""
    before = run.string[run.start() - 1 : run.start()]
    figures = run[0].translate(_SUPERSCRIPTS)
    return figures if before.isalpha() else f"^{figures}"


def _tighten(text: str) -> str:
    """No needless spaces, one spelling of units, of dots and of the full stop.

    Each step is taken only where the text has what it looks for: most texts have none of it.
    """
    if _SPACES.search(text):
        text = _SPACE_BEFORE_UNIT.sub("", text)
        text = _SPACE_NOT_BETWEEN_WORDS.sub("", _SPACES.sub(" ", text))
    if _UNIT_LETTER.search(text):
        text = _UNIT_SPELLING.sub(lambda unit: _UNIT_AS_WRITTEN[unit[0].lower()], text)
    if "." in text or "。。" in text:
        text = _FULL_STOP.sub("。", _LONG_DOTS.sub("...", text))
    return text


def _one_blank(text: str) -> str:
    """Every form of a blank, also brackets in brackets, as BLANK; neighbouring blanks are one."""
    if "_" in text:
        text = _NUMBERED_BLANK.sub(BLANK, _UNDERSCORES.sub(BLANK, text))
    if "(" in text or "[" in text:
        text = _BRACKETED_BLANK.sub(_blank_for_brackets, text)
    return _UNDERSCORES.sub(BLANK, text) if "__" in text else text


def _blank_for_brackets(brackets: re.Match[str]) -> str:
    """A blank for the pairs; brackets without a partner stay."""
    pairs = min(len(brackets[1]), len(brackets[2]))
    return brackets[1][:-pairs] + BLANK + brackets[2][pairs:]


def _trim_end(text: str) -> str:
    trimmed = text.rstrip(_LAST_MARKS)
    while trimmed.endswith(BLANK) and trimmed[: -len(BLANK)].endswith(("。", "?", "!")):
        trimmed = trimmed[: -len(BLANK)].rstrip(_LAST_MARKS)
    return trimmed
