"""What a person typed or pasted: stem, options under whatever labels, and what they said about 题型 and 专业.

Every pattern here has a bounded length or is tried once per character, so that a long text costs linear time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from xiaoan.question_bank.normalization import clean_text, strip_question_number
from xiaoan.question_bank.question import QuestionType, option_label

TYPE_WORDS: dict[str, QuestionType] = {
    **dict.fromkeys(["单选题", "单选", "单项选择题", "单项选择", "单选择题"], QuestionType.SINGLE),
    **dict.fromkeys(["多选题", "多选", "多项选择题", "多项选择", "多选择题"], QuestionType.MULTIPLE),
    **dict.fromkeys(["判断题", "判断", "是非题", "判断对错", "判断正误"], QuestionType.JUDGE),
    **dict.fromkeys(["填空题", "填空"], QuestionType.BLANK),
    **dict.fromkeys(["简答题", "简答", "问答题", "问答", "论述题"], QuestionType.SHORT),
}
"""The words that people write for a 题型."""


@dataclass(frozen=True, slots=True)
class AskedOption:
    """One option as asked: its own label (a capital letter, a figure or ①) and its text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as asked.

    `text` is everything as typed, cleaned, with its line ends; `stem` is one line without options, hints and
    options' heading, and may be empty. `question_type` and `profession` are what the person wrote about them.
    """

    text: str
    stem: str
    options: tuple[AskedOption, ...] = ()
    question_type: QuestionType | None = None
    profession: str | None = None


@dataclass(frozen=True, slots=True)
class _Label:
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
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫"
_IN_BRACKETS = "⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽⑾⑿"
_LABEL = re.compile(
    r"[(\[{] ?(?P<enclosed>[A-Za-z]|\d{1,2}) ?[)\]}][.、:,]?"
    r"|(?P<marked>[A-Za-z]|\d{1,2}) ?(?P<mark>[.、:,)。-])"
    rf"|(?P<sign>[{_CIRCLED}{_IN_BRACKETS}])[.、:]?"
)
_BARE_LABEL = re.compile(r"(?:(?<=^)|(?<=[\s;,|。)?]))(?P<bare>[A-Z])(?![A-Za-z.、:,)-]) ?", re.MULTILINE)
_BEFORE_LABEL = frozenset(" \n;,|。、)]}#*$?!:\"'>_”’")
_OPTIONS_HEADING = re.compile(r"(?:备选|可选|答案)?选项(?:如下|有)?[ \n]?(?::|(?<=\n)) *")
_NO_WORDS = re.compile(r"(?:如下|有|为|请选择)?[:： ]*")
_ANSWER_NOTE = re.compile(r"(?:^|[\s;。,|)])[(\[]?(?:(?:正确|参考|标准)?答案|解析) ?:")
_ENDS_ASKING = (")", "]", "_", "?")
_SEPARATORS = " \n\t\u3000;；,，、。|｜丨*#$"
_CELL_SEPARATORS = " \n\t\u3000;；,，|｜丨*#$"
_UNLABELLED = re.compile(r"\$[;|]\$|\*{2,}|#{2,}|\|+|\n+|;")

_TYPE_WORD = "(" + "|".join(sorted(TYPE_WORDS, key=len, reverse=True)) + ")"
_TYPE_HINTS = (
    re.compile(rf"题型 ?: ?{_TYPE_WORD}[ \n;,。|]?"),
    re.compile(rf"[(\[] ?{_TYPE_WORD} ?[)\]] ?:?"),
    re.compile(rf"^(?:\d{{1,4}} ?[.、])? ?{_TYPE_WORD} ?[:\n]"),
    re.compile(r"^(单选题|多选题|判断题|填空题|简答题|问答题) +"),
)
_PROFESSION = r"((?![非不无未其本各])[\u4e00-\u9fff]{1,8})"
_PROFESSION_HINTS = (
    re.compile(r"(?:^|(?<=[\s;,。|)\]]))专业 ?: ?([\u4e00-\u9fff]{1,8})(?:[ \n;,。|]|$)"),
    re.compile(rf"^[(\[]{_PROFESSION}专业[)\]]|[(\[]{_PROFESSION}专业[)\]](?= *(?:\n|$))"),
    re.compile(r"^[(\[](变电|线路|配电|输电|通用|营销|调度|信息|通信|水电|基建)[)\]]"),
)
_LINE_BREAK_IN_WORDS = re.compile(r"(?<=[0-9A-Za-z]) *\n+ *(?=[0-9A-Za-z])")


def parse_question(text: str) -> AskedQuestion:
    """Return what was asked in `text`; any text is a question of some kind, so nothing is raised."""
    typed = clean_text(text, keep_newlines=True)
    body, type_word = _take_hint(clean_text(strip_question_number(text), keep_newlines=True), _TYPE_HINTS)
    body, profession = _take_hint(body, _PROFESSION_HINTS)
    body = _without_answer_note(body)
    stem, options = _split_options(body)
    return AskedQuestion(
        text=typed,
        stem=_one_line(stem).strip(" |*#$"),
        options=options,
        question_type=TYPE_WORDS[type_word] if type_word else None,
        profession=profession,
    )


def parse_options(text: str) -> tuple[AskedOption, ...]:
    """Return the options in a text that holds nothing else (a workbook's cell), labelled or only separated.

    Unlabelled options get the labels A, B, … An empty text, and a single text without label, give ().
    """
    text = clean_text(text, keep_newlines=True)
    run = _best_run(_half_width(text), headed=True)
    if run and not text[: run[0].start].strip(_SEPARATORS):
        return _options_of(text, run, tidy=False)
    return _unlabelled_options(text)


def _split_options(text: str) -> tuple[str, tuple[AskedOption, ...]]:
    """Part `text` into the stem and the options."""
    narrow = _half_width(text)
    heading = _OPTIONS_HEADING.search(narrow)
    if heading:
        run = _best_run(narrow[heading.end() :], headed=True)
        rest = text[heading.end() :]
        options = _options_of(rest, run) if run else _unlabelled_options(rest)
        if options or not rest.strip():
            # What stands between the heading and the first label belongs to the question: 选项：不正确的是 A…
            between = rest[: run[0].start].strip(_SEPARATORS) if run else ""
            return text[: heading.start()] + ("" if _NO_WORDS.fullmatch(between) else between), options
    run = _best_run(narrow, headed=False)
    return (text[: run[0].start], _options_of(text, run)) if run else (text, ())


def _best_run(narrow: str, *, headed: bool) -> list[_Label]:
    """Return the labels A, B, … (or 1, ①) that part `narrow` into options; empty when it has none.

    Letters go before figures, since figures also number the items of a stem. `headed` says that options
    are to be expected here, because a heading announced them or the text is a cell of options.
    """
    labels = list(_labels(narrow))
    for family in ("upper", "lower", "figure", "circled", "bracketed"):
        of_family = [label for label in labels if label.family == family]
        if family in ("upper", "lower") or headed:
            run = _longest_run(narrow, of_family)
        else:
            run = [] if _numbers_the_stem(narrow, of_family) else _longest_run(narrow, of_family)
        if run:
            return run
    return _bare_run(narrow, headed=headed)


def _labels(narrow: str) -> Iterator[_Label]:
    """Every place of `narrow` that may be a label."""
    for found in _LABEL.finditer(narrow):
        before = narrow[found.start() - 1 : found.start()]
        name = found["enclosed"] or found["marked"] or found["sign"]
        style = found["mark"] or ("()" if found["enclosed"] else "")
        family, number = _family_and_number(name)
        parted = not before or before in _BEFORE_LABEL
        if not parted and not _may_touch(before, family, style, number):
            continue
        after = narrow[found.end() : found.end() + 1]
        if family == "figure" and style in (".", ":") and after.isdigit():
            continue  # 1.5, 10:30
        doubtful = not parted and style == "." and after.isdigit() and not before.isdigit()  # 见图B.1
        yield _Label(found.start(), found.end(), family, style, number, doubtful)


def _family_and_number(name: str) -> tuple[str, int]:
    if name.isascii() and name.isdigit():
        return "figure", int(name) - 1
    if name in _CIRCLED:
        return "circled", _CIRCLED.index(name)
    if name in _IN_BRACKETS:
        return "bracketed", _IN_BRACKETS.index(name)
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


def _longest_run(narrow: str, labels: list[_Label]) -> list[_Label]:
    """Return the longest run 0, 1, 2, … of one style or of mixed ones; the later one of equals."""
    for allowed in ([label for label in labels if not label.doubtful], labels):
        by_style = sorted(allowed, key=lambda label: label.style)
        groups = [sorted(group, key=_start) for _, group in groupby(by_style, key=lambda label: label.style)]
        runs = [run for group in [allowed, *groups] for run in _runs(narrow, group)]
        if runs:
            return max(runs, key=lambda run: (len(run), run[0].start))
    return []


def _start(label: _Label) -> int:
    return label.start


def _runs(narrow: str, labels: Iterable[_Label]) -> Iterator[list[_Label]]:
    """Every run of at least two consecutive labels, each with a text after it."""
    run: list[_Label] = []
    for label in labels:
        if run and label.number == len(run) and narrow[run[-1].end : label.start].strip(_SEPARATORS):
            run.append(label)
        elif run and label.number == len(run):  # "A、B、C三相": labels without texts are no options
            run = []
        elif label.number == 0:
            yield from _whole_run(narrow, run)
            run = [label]
    yield from _whole_run(narrow, run)


def _whole_run(narrow: str, run: list[_Label]) -> Iterator[list[_Label]]:
    """Yield `run` if it is one, its last label dropped where nothing follows it."""
    if run and not narrow[run[-1].end :].strip(_SEPARATORS):
        run = run[:-1]
    if len(run) >= 2:
        yield run


def _numbers_the_stem(narrow: str, labels: list[_Label]) -> bool:
    """Whether figures number the items of a statement (应具备下列条件：(1)…；(2)…) instead of its options."""
    first = next((label for label in labels if label.number == 0), None)
    if first is None or not narrow[: first.start].strip():
        return False
    on_own_lines = all(narrow[label.start - 1] == "\n" for label in labels if label.start)
    before = narrow[: first.start].rstrip()
    asks = any(sign in before for sign in ("()", "( )", "(  )", "_", "?", "何", "几", "什么", "哪", "多少"))
    return not on_own_lines and not asks and before.endswith((":", ",", "、", "。", ";", "-"))


def _bare_run(narrow: str, *, headed: bool) -> list[_Label]:
    """Labels without any mark (A 停电 B 验电), only where options are likely, and all texts different."""
    labels = [
        _Label(found.start(), found.end(), "upper", "bare", ord(found["bare"]) - ord("A"), doubtful=True)
        for found in _BARE_LABEL.finditer(narrow)
    ]
    run = max(_runs(narrow, labels), key=len, default=[])
    before = narrow[: run[0].start] if run else ""
    if not run or not (
        headed or not before or before.endswith("\n") or before.rstrip(" 。.:").endswith(_ENDS_ASKING)
    ):
        return []
    texts = [option.text for option in _options_of(narrow, run)]
    return run if len(set(texts)) == len(texts) else []


def _options_of(text: str, run: list[_Label], *, tidy: bool = True) -> tuple[AskedOption, ...]:
    ends = [label.start for label in run[1:]] + [len(text)]
    return tuple(
        AskedOption(
            _label_name(text[label.start : label.end]), _option_text(text[label.end : end], tidy=tidy)
        )
        for label, end in zip(run, ends, strict=True)
    )


def _label_name(written: str) -> str:
    return _half_width(written).strip(" ()[]{}.、:,。-").upper()


def _option_text(text: str, *, tidy: bool = True) -> str:
    """Return an option's text without separators; `tidy` takes off a last stop and a stray bracket too."""
    if not tidy:
        return _one_line(text).strip(_CELL_SEPARATORS)
    text = _one_line(text).strip(_SEPARATORS)
    if text.endswith((".", "．")) and not text.endswith(".."):
        text = text[:-1]
    if text.endswith((")", "）")) and not any(bracket in text for bracket in "(（"):
        text = text[:-1]
    return text.strip(_SEPARATORS)


def _unlabelled_options(text: str) -> tuple[AskedOption, ...]:
    """Options that are only separated, by the first kind of separator that parts the text."""
    narrow = _half_width(text)
    kinds = {found[0][0] for found in _UNLABELLED.finditer(narrow)}
    for kind in "$*#|\n;":
        if kind in kinds:
            cuts = [found.span() for found in _UNLABELLED.finditer(narrow) if found[0][0] == kind]
            inner = [text[left[1] : right[0]] for left, right in pairwise([(0, 0), *cuts, (len(text), 0)])]
            texts = [shown for piece in inner if (shown := _option_text(piece))]
            if len(texts) >= 2:
                return tuple(AskedOption(option_label(place), shown) for place, shown in enumerate(texts))
    return ()


def _take_hint(text: str, hints: tuple[re.Pattern[str], ...]) -> tuple[str, str | None]:
    """Return `text` without the first hint found, and the hint's word."""
    narrow = _half_width(text)
    for hint in hints:
        if found := hint.search(narrow):
            return (text[: found.start()] + text[found.end() :]).strip(), found[found.lastindex or 0]
    return text, None


def _without_answer_note(text: str) -> str:
    """Drop a pasted answer or explanation at the end: the model is asked, not told."""
    found = _ANSWER_NOTE.search(_half_width(text))
    return text[: found.start() + 1].rstrip() if found and found.start() else text


def _one_line(text: str) -> str:
    """Join lines: with a space between latin words or figures, without one in Chinese."""
    return re.sub(r" *\n+ *", "", _LINE_BREAK_IN_WORDS.sub(" ", text)).strip()


def _half_width(text: str) -> str:
    return text.translate(_HALF_WIDTH)
