"""Where labels of options stand in a text: A. B. C., （A）, ①, 1) … and the options that they part it into.

Every pattern here has a bounded length or is tried once per character, so that a long text costs linear time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.question import RIGHT, WRONG, judge_word


@dataclass(frozen=True, slots=True)
class AskedOption:
    """One option as asked: its own label (a capital letter, a figure or ①) and its text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """A place that may be an option's label: [start, end) in the text, its place in the alphabet from 0."""

    start: int
    end: int
    family: str
    style: str
    number: int
    doubtful: bool


# One character for one character, so that places in the half-width text are places in the text as typed.
_HALF_WIDTH = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {"\u3000": " ", "【": "[", "】": "]", "〔": "[", "〕": "]", "丨": "|", "－": "-", "—": "-"}
)
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫"
IN_BRACKETS = "⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽⑾⑿"
_LABEL = re.compile(
    r"[(\[{] ?(?P<enclosed>[A-Za-z]|\d{1,2}) ?[)\]}][.、:,]?"
    r"|(?P<marked>[A-Za-z]|\d{1,2}) ?(?P<mark>[.、:,)。-])"
    rf"|(?P<sign>[{CIRCLED}{IN_BRACKETS}])[.、:]?"
)
_BARE_LABEL = re.compile(r"(?:(?<=^)|(?<=[\s;,|。)?]))(?P<bare>[A-Z])(?![A-Za-z.、:,)-]) ?", re.MULTILINE)
_BEFORE_LABEL = frozenset(" \n;,|。、)]}#*$?!:\"'>_”’")
_ENDS_ASKING = (")", "]", "_", "?")
_ENDS_A_SENTENCE = (*_ENDS_ASKING, "。", ".", ":", "!")
_BLANK_IN = re.compile(r"\([ _?.]{0,20}\)|\[[ _]{0,20}\]|_{2,}")
_NAMED_BY_LETTER = frozenset("相级类段侧型端站线区岗证厂")
"""What stands behind a letter that is no label: A相, B类, C站."""
_MOST_LABELS = 12
"""Letters that may be labels without a mark: V and W are units."""
SEPARATORS = " \n\t\u3000;；,，、。|｜丨*#$"
CELL_SEPARATORS = " \n\t\u3000;；,，|｜丨*#$"
_MARKS = " \n\t\u3000;；,，、。|｜丨"
_SIGN_IN_FRONT = re.compile(r"#[0-9A-Za-z]|\$[0-9]|\*\.")
_SIGN_BEHIND = re.compile(r"[0-9][#$]")
_LAST = CELL_SEPARATORS + "、"
_DOLLARS = ("$;$", "$,$", "$|$", "$$")
_UNLABELLED = re.compile(r"\$[;|]\$|\*{2,}|#{2,}|\|+|\n+|;")

# The spaces before a line end are tried once, from the first on, so that ten thousand of them cost no more than other text.
_LINE_BREAK = re.compile(r"(?:(?<! ) ++)?+\n+ *")
_LINE_BREAK_IN_WORDS = re.compile(r"(?<=[0-9A-Za-z]) *\n+ *(?=[0-9A-Za-z])")


def best_run(narrow: str, *, headed: bool) -> list[Label]:
    """Return the labels A, B, … (or 1, ①) that part `narrow` into options; empty when it has none.

    Letters go before figures, since figures also number the items of a stem. `headed` says that options
    are to be expected here, because a heading announced them or the text is a cell of options.
    """
    labels = list(find_labels(narrow))
    for family in ("upper", "lower", "figure", "circled", "bracketed"):
        of_family = [label for label in labels if label.family == family]
        if family in ("upper", "lower") or headed:
            run = _longest_run(narrow, of_family)
        else:
            run = [] if _numbers_the_stem(narrow, of_family) else _longest_run(narrow, of_family)
        if run:
            return run
    return _bare_run(narrow, headed=headed)


def find_labels(narrow: str) -> Iterator[Label]:
    """Every place of `narrow` that may be a label."""
    for found in _LABEL.finditer(narrow):
        before = narrow[found.start() - 1 : found.start()]
        name = found["enclosed"] or found["marked"] or found["sign"]
        style = found["mark"] or ("()" if found["enclosed"] else "")
        family, number = family_and_number(name)
        parted = not before or before in _BEFORE_LABEL
        if not parted and not _may_touch(before, family, style, number):
            continue
        after = narrow[found.end() : found.end() + 1]
        if family == "figure" and style in (".", ":") and after.isdigit():
            continue  # 1.5, 10:30
        doubtful = not parted and style == "." and after.isdigit() and not before.isdigit()  # 见图B.1
        yield Label(found.start(), found.end(), family, style, number, doubtful)


def family_and_number(name: str) -> tuple[str, int]:
    """Return which kind of label `name` is, and its place in that kind's order from 0."""
    if name.isascii() and name.isdigit():
        return "figure", int(name) - 1
    if name in CIRCLED:
        return "circled", CIRCLED.index(name)
    if name in IN_BRACKETS:
        return "bracketed", IN_BRACKETS.index(name)
    return ("upper" if name.isupper() else "lower"), ord(name.lower()) - ord("a")


def _may_touch(before: str, family: str, style: str, number: int) -> bool:
    """Whether a label may follow a character that parts nothing: 省级部门C、国务院, but not dB(A)."""
    if family in ("circled", "bracketed"):
        return True
    if before.isascii() and before.isalpha():
        return number > 0 and style == "()"
    if family == "figure" and style != "()":
        return style == ")" and not before.isascii()
    if before.isdigit():
        return number > 0 and style in (".", "、", "()")
    return style in (".", "、", ")", "()")


def _longest_run(narrow: str, labels: list[Label]) -> list[Label]:
    """Return the longest run 0, 1, 2, … of one style or of mixed ones; the later one of equals."""
    for allowed in ([label for label in labels if not label.doubtful], labels):
        by_style = sorted(allowed, key=lambda label: label.style)
        groups = [sorted(group, key=_start) for _, group in groupby(by_style, key=lambda label: label.style)]
        runs = [run for group in [allowed, *groups] for run in _runs(narrow, group)]
        if runs:
            return max(runs, key=lambda run: (len(run), run[0].start))
    return []


def _start(label: Label) -> int:
    return label.start


def _runs(narrow: str, labels: Iterable[Label]) -> Iterator[list[Label]]:
    """Every run of at least two consecutive labels, each with a text after it."""
    run: list[Label] = []
    for label in labels:
        if run and label.number == len(run) and narrow[run[-1].end : label.start].strip(SEPARATORS):
            run.append(label)
        elif run and label.number == len(run):  # "A、B、C三相": labels without texts are no options
            run = []
        elif label.number == 0:
            yield from _whole_run(narrow, run)
            run = [label]
    yield from _whole_run(narrow, run)


def _whole_run(narrow: str, run: list[Label]) -> Iterator[list[Label]]:
    """Yield `run` if it is one, its last label dropped where nothing follows it."""
    if run and not narrow[run[-1].end :].strip(SEPARATORS):
        run = run[:-1]
    if len(run) >= 2:
        yield run


def _numbers_the_stem(narrow: str, labels: list[Label]) -> bool:
    """Whether figures number the items of a statement (应具备下列条件：(1)…；(2)…) instead of its options."""
    first = next((label for label in labels if label.number == 0), None)
    if first is None or not narrow[: first.start].strip():
        return False
    on_own_lines = all(narrow[label.start - 1] == "\n" for label in labels if label.start)
    before = narrow[: first.start].rstrip()
    asks = any(sign in before for sign in ("()", "( )", "(  )", "_", "?", "何", "几", "什么", "哪", "多少"))
    return not on_own_lines and not asks and before.endswith((":", ",", "、", "。", ";", "-"))


def _bare_run(narrow: str, *, headed: bool) -> list[Label]:
    """Labels without any mark (A 停电 B 验电), only where options are likely, and all texts different."""
    labels = list(bare_labels(narrow))
    run = max(_runs(narrow, labels), key=len, default=[])
    before = narrow[: run[0].start] if run else ""
    expected = headed or not before or before.endswith("\n")
    if not run or not (
        expected or before.rstrip(" 。.:").endswith(_ENDS_ASKING) or _follow_a_question(narrow, labels, run)
    ):
        return []
    texts = [option.text for option in options_of(narrow, run)]
    return run if len(set(texts)) == len(texts) else []


def bare_labels(narrow: str) -> Iterator[Label]:
    """Every capital letter of `narrow` that stands alone and may be a label without any mark."""
    for found in _BARE_LABEL.finditer(narrow):
        number = ord(found["bare"]) - ord("A")
        yield Label(found.start(), found.end(), "upper", "bare", number, doubtful=True)


def parts_options(narrow: str, label: Label) -> bool:
    """Whether a bare label is written as one: parted from what is before it, and no name (A相) with what follows."""
    before, behind = narrow[label.start - 1 : label.start], narrow[label.end : label.end + 1]
    return label.number < _MOST_LABELS and before in " \n;|。" and behind not in _NAMED_BY_LETTER


def _follow_a_question(narrow: str, labels: Sequence[Label], run: Sequence[Label]) -> bool:
    """Whether bare labels behind words, not behind a blank (…得到（ ）认可。A 甲 B 乙), can be nothing but options'.

    They are all the bare letters there are, and the stem has a blank or is at its end; 正确 and 错误 need none.
    """
    if not all(parts_options(narrow, label) for label in run):
        return False
    if any(label not in run and label.number < _MOST_LABELS for label in labels):
        return False
    before, behind = narrow[: run[0].start].rstrip(), narrow[run[0].start :]
    if _BLANK_IN.search(behind):
        return False
    ended = before.endswith(_ENDS_A_SENTENCE)
    if _BLANK_IN.search(before):
        return ended or len(run) > 2
    verdicts = {judge_word(option.text) for option in options_of(narrow, list(run))}
    return ended and (verdicts == {RIGHT, WRONG} or (len(run) > 2 and _are_spaced(narrow, run)))


def _are_spaced(narrow: str, run: Sequence[Label]) -> bool:
    return all(narrow[label.end - 1] == " " for label in run)


def options_of(text: str, run: list[Label], *, tidy: bool = True) -> tuple[AskedOption, ...]:
    """Return the options that the labels of `run` part `text` into; `tidy` as in `option_text`."""
    ends = [label.start for label in run[1:]] + [len(text)]
    return tuple(
        AskedOption(_label_name(text[label.start : label.end]), option_text(text[label.end : end], tidy=tidy))
        for label, end in zip(run, ends, strict=True)
    )


def _label_name(written: str) -> str:
    return half_width(written).strip(" ()[]{}.、:,。-").upper()


def option_text(text: str, *, tidy: bool = True) -> str:
    """Return an option's text without separators; `tidy` takes off a last stop and a stray bracket too."""
    if not tidy:
        return bare_text(one_line(text))
    text = bare_text(one_line(text).strip(_MARKS))
    if text.endswith((".", "．")) and not text.endswith(".."):
        text = text[:-1]
    if text.endswith((")", "）")) and not any(bracket in text for bracket in "(（"):
        text = text[:-1]
    return bare_text(text.strip(_MARKS))


def bare_text(text: str) -> str:
    """Return an option's text without what parts it from others: blanks, `；` `，` `|` `**` `##` `$;$`, a last `、`.

    A single sign that belongs to a word stays (`#1主变`, `2#杆`, `*.exe`), and one that is all there is (`*`).
    """
    bare = text.strip(CELL_SEPARATORS)
    if not bare:
        sign = text.strip(_MARKS)
        return sign if len(sign) == 1 else ""
    if len(bare) < len(text):
        before, behind = text[: text.index(bare)], text[text.rindex(bare) + len(bare) :]
        if _SIGN_IN_FRONT.match(before[-1:] + bare[0]) and _is_single(before[::-1]):
            bare = before[-1] + bare
        if _SIGN_BEHIND.match(bare[-1] + behind[:1]) and _is_single(behind):
            return bare + behind[0]
    return bare.rstrip(_LAST) or bare


def _is_single(signs: str) -> bool:
    """Whether the first of `signs` stands alone, and is no part of a separator."""
    return signs[1:2] != signs[0] and not signs.startswith(_DOLLARS)


def unlabelled_options(text: str) -> tuple[AskedOption, ...]:
    """Options that are only separated, by the first kind of separator that parts the text."""
    narrow = half_width(text)
    kinds = {found[0][0] for found in _UNLABELLED.finditer(narrow)}
    for kind in "$*#|\n;":
        if kind in kinds:
            cuts = [found.span() for found in _UNLABELLED.finditer(narrow) if found[0][0] == kind]
            inner = [text[left[1] : right[0]] for left, right in pairwise([(0, 0), *cuts, (len(text), 0)])]
            texts = [shown for piece in inner if (shown := option_text(piece))]
            if len(texts) >= 2:
                return tuple(AskedOption(place_letters(place), shown) for place, shown in enumerate(texts))
    return ()


def one_line(text: str) -> str:
    """Join lines: with a space between latin words or figures, without one in Chinese."""
    return _LINE_BREAK.sub("", _LINE_BREAK_IN_WORDS.sub(" ", text)).strip()


def half_width(text: str) -> str:
    """Return `text` with half-width letters, figures and marks, character for character."""
    return text.translate(_HALF_WIDTH)
