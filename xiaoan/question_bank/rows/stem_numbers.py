"""Whether the figures before a stem that itself begins with a figure are its number: told by the rows around it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xiaoan.question_bank.normalization import strip_question_number

_WIDE = str.maketrans("０１２３４５６７８９：", "0123456789:")
_NUMBER = re.compile(r"\s*(?P<number>\d{1,4})(?: ?(?P<mark>[.．、:]) ?|(?P<tab>[ \u3000]*\t)\s*)(?P<rest>\S)")
_UNIT_FIRST = re.compile(r"[千百万]?[伏安瓦米克帕]|[kKmMcGVAWΩ%°℃‰]|H[zZ]|Pa|dB")
_CLAUSE = re.compile(
    r"\d+(?:[.．]\d+)+[.．]?"
    r"(?: +(?!千伏|万伏|[伏安米]|[kK][VvAWmg]|[VAm%℃])(?=[^\d\s])|(?=[\u4e00-\u9fff])"
    r"(?![千万百伏米厘毫公年月日天小分秒个人名次台座级度号种类项条组段回路安瓦吨倍岁周季相点时]))"
)
_LIST = re.compile(r"(?P<first>\d{1,4})(?:、(?P<second>\d{1,4})(?: ?[号级类区段期#]|、)|:[0-5]\d(?!\d))")
_DECIMAL = re.compile(r"\d+[.．](?P<fraction>\d+) ?(?P<unit>kV|KV|kv|Kv|V|千伏|伏|[^\d\s])")
_VOLTAGES = frozenset(
    ["6", "10", "20", "35", "66", "110", "220", "330", "380", "400", "500", "750", "800", "1000", "1100"]
)
_LOOKED_AT = 40
_NEAR = 3
_FEWEST_NUMBERED = 3
_MOST = 0.6
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A stem that begins with figures. `row` counts from 0, `place` the stems from 1, `placed` those below the last title.

    `cut` is how many characters go if the figures are its number. `doubt` is '' if they can be nothing else,
    `plain` if a word follows them (then they go anyway), else what they may be instead.
    """

    row: int
    place: int
    placed: int
    number: int
    cut: int
    doubt: str


def has_unclear_number(stems: Iterable[str]) -> bool:
    """Return whether figures stand before figures in some stem, so that the rows around are worth asking."""
    return any(read is not None and read[2] != "plain" for read in map(_read_number, stems))


def numbers_to_cut(stems: Sequence[str | None], serials: Sequence[str] | None = None) -> Mapping[int, int]:
    """Return by row (from 0) how many characters of a stem are a number that the stem alone does not show.

    `stems` are the cells of all filled rows, '' where a question lacks its stem and None for a title, below which numbers may
    begin anew; `serials` the 序号 beside them. `13．20kV…` and a tab always part a number; `11、35kV…` does where 11
    is the 序号, the place in the sheet, or runs on from the stems around. `7.23 工作…` never does.
    """
    found = _candidates(stems)
    share = len(found) / max(sum(bool(stem and stem.strip()) for stem in stems), 1)
    all_numbered = share > _MOST and len(found) >= _FEWEST_NUMBERED
    cuts = {}
    for place, one in enumerate(found):
        if one.doubt == "plain":
            continue
        around = [*found[max(place - _NEAR, 0) : place], *found[place + 1 : place + 1 + _NEAR]]
        in_step = any(_in_step(one, other) for other in around)
        counted = one.number in (one.row + 1, one.place, one.placed) or (
            serials is not None and _figure(serials[one.row]) == one.number
        )
        figure = one.doubt == "figure" and (counted or in_step or (all_numbered and share > _NEARLY_ALL))
        if not one.doubt or figure or (in_step and all_numbered):
            cuts[one.row] = one.cut
    return cuts


def _in_step(one: _Numbered, other: _Numbered) -> bool:
    """Whether from one stem to the other the numbers go on as the rows do, or as the questions do."""
    return other.number - one.number in (other.row - one.row, other.place - one.place)


def _candidates(stems: Sequence[str | None]) -> list[_Numbered]:
    found = []
    place = placed = 0
    for row, stem in enumerate(stems):
        if stem is None:
            placed = 0
        elif stem and not stem.isspace():
            place, placed = place + 1, placed + 1
            if (read := _read_number(stem)) is not None:
                found.append(_Numbered(row, place, placed, *read))
    return found


def _read_number(stem: str) -> tuple[int, int, str] | None:
    """The figures before a stem, where what follows begins, and the doubt; None if they are no number."""
    if not stem or (stem[0] > "\u3000" and not "０" <= stem[0] <= "９"):
        return None
    read = _NUMBER.match(stem[:_LOOKED_AT].translate(_WIDE))
    if read is None or (number := int(read["number"])) == 0 or (doubt := _doubt(stem, read)) is None:
        return None
    return number, read.start("rest"), doubt


def _doubt(stem: str, read: re.Match[str]) -> str | None:
    """Why it is unclear whether the figures are a number; None if they are not."""
    text = read.string.strip()
    rest = read.string[read.start("rest") :]
    if read["tab"] is not None:
        return None if _UNIT_FIRST.match(rest) else ""
    if not rest[0].isdigit():
        return "plain" if strip_question_number(stem) != stem else None
    if _CLAUSE.match(text):
        return None
    if strip_question_number(stem) != stem:
        return "plain"
    quantity = _is_decimal(text)
    if read["mark"] == "．" and stem.lstrip()[:1].isascii() and not quantity:
        return ""
    listed = _LIST.match(text)
    if listed is not None and (listed["second"] is None or int(listed["second"]) > int(listed["first"])):
        return "list"
    return "quantity" if quantity else "figure"


def _is_decimal(text: str) -> bool:
    """Whether it may be one quantity, 3.5m: what follows the point is no voltage of a grid."""
    found = _DECIMAL.match(text)
    if found is None:
        return False
    return found["fraction"] not in _VOLTAGES or found["unit"].lower() not in ("kv", "v", "千伏", "伏")


def _figure(cell: str) -> int | None:
    text = cell.strip().removesuffix(".0")
    return int(text) if text.isdecimal() and len(text) <= 6 else None


def find_serials(rows: Sequence[Sequence[str]], used: frozenset[int]) -> int | None:
    """Return the column, none of `used`, whose figures run on from row to row; None if there is none."""
    for place in range(len(rows[0]) if rows else 0):
        if place in used:
            continue
        figures = [figure for row in rows if (figure := _figure(row[place])) is not None]
        steps = sum(after == before + 1 for before, after in pairwise(figures))
        if len(figures) >= 2 and 2 * len(figures) > len(rows) and steps > 0.8 * (len(figures) - 1):
            return place
    return None
