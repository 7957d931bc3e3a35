"""What a person typed or pasted: stem, options under whatever labels, and what they said about 题型 and 专业.

Every pattern here has a bounded length or is tried once per character, so that a long text costs linear time.
"""

import re
from dataclasses import dataclass

from xiaoan.question_bank.normalization import clean_text, strip_question_number
from xiaoan.question_bank.option_labels import (
    SEPARATORS,
    AskedOption,
    bare_text,
    best_run,
    half_width,
    one_line,
    options_of,
    unlabelled_options,
)
from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.unread_labels import unread_labels

TYPE_WORDS: dict[str, QuestionType] = {
    **dict.fromkeys(["单选题", "单选", "单项选择题", "单项选择", "单选择题"], QuestionType.SINGLE),
    **dict.fromkeys(["多选题", "多选", "多项选择题", "多项选择", "多选择题"], QuestionType.MULTIPLE),
    **dict.fromkeys(["判断题", "判断", "是非题", "判断对错", "判断正误"], QuestionType.JUDGE),
    **dict.fromkeys(["填空题", "填空"], QuestionType.BLANK),
    **dict.fromkeys(["简答题", "简答", "问答题", "问答", "论述题"], QuestionType.SHORT),
}
"""The words that people write for a 题型."""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as asked.

    `text` is everything as typed, cleaned, with its line ends; `stem` is one line without options, hints and
    options' heading, and may be empty. `question_type` and `profession` are what the person wrote about them.
    `unread_labels` are letters that look like labels, of which no options could be made.
    """

    text: str
    stem: str
    options: tuple[AskedOption, ...] = ()
    question_type: QuestionType | None = None
    profession: str | None = None
    unread_labels: tuple[str, ...] = ()


_OPTIONS_HEADING = re.compile(r"(?:备选|可选|答案)?选项(?:如下|有)?[ \n]?(?::|(?<=\n)) *")
_NO_WORDS = re.compile(r"(?:如下|有|为|请选择)?[:： ]*")
_ANSWER_NOTE = re.compile(r"(?:^|[\s;。,|)])[(\[]?(?:(?:正确|参考|标准)?答案|解析) ?:")
_TYPE_WORD = "(" + "|".join(sorted(TYPE_WORDS, key=len, reverse=True)) + ")"
_TYPE_HINTS = (
    re.compile(rf"题型 ?: ?{_TYPE_WORD}[ \n;,。|]?"),
    re.compile(rf"[(\[] ?{_TYPE_WORD} ?[)\]] ?:?"),
    re.compile(rf"^(?:\d{{1,4}} ?[.、])? ?{_TYPE_WORD} ?[:\n]"),
    re.compile(r"^(单选题?|多选题?|判断题|填空题|简答题|问答题) +"),
)
_PROFESSION = r"((?![非不无未其本各])[\u4e00-\u9fff]{1,8})"
_PROFESSION_HINTS = (
    re.compile(r"(?:^|(?<=[\s;,。|)\]]))专业 ?: ?([\u4e00-\u9fff]{1,8})(?:[ \n;,。|]|$)"),
    re.compile(rf"^[(\[]{_PROFESSION}专业[)\]]|[(\[]{_PROFESSION}专业[)\]](?= *(?:\n|$))"),
    re.compile(r"^[(\[](变电|线路|配电|输电|通用|营销|调度|信息|通信|水电|基建)[)\]]"),
)


def parse_question(text: str) -> AskedQuestion:
    """Return what was asked in `text`; any text is a question of some kind, so nothing is raised."""
    typed = clean_text(text, keep_newlines=True)
    body, type_word = _take_hint(clean_text(strip_question_number(text), keep_newlines=True), _TYPE_HINTS)
    body, profession = _take_hint(body, _PROFESSION_HINTS)
    body = _without_answer_note(body)
    stem, options = _split_options(body)
    return AskedQuestion(
        text=typed,
        stem=bare_text(one_line(stem)),
        options=options,
        question_type=TYPE_WORDS[type_word] if type_word else None,
        profession=profession,
        unread_labels=() if options else unread_labels(body),
    )


def _split_options(text: str) -> tuple[str, tuple[AskedOption, ...]]:
    """Part `text` into the stem and the options."""
    narrow = half_width(text)
    heading = _OPTIONS_HEADING.search(narrow)
    if heading:
        run = best_run(narrow[heading.end() :], headed=True)
        rest = text[heading.end() :]
        options = options_of(rest, run) if run else unlabelled_options(rest)
        if options or not rest.strip():
            # What stands between the heading and the first label belongs to the question: 选项：不正确的是 A…
            between = rest[: run[0].start].strip(SEPARATORS) if run else ""
            return text[: heading.start()] + ("" if _NO_WORDS.fullmatch(between) else between), options
    run = best_run(narrow, headed=False)
    return (text[: run[0].start], options_of(text, run)) if run else (text, ())


def _take_hint(text: str, hints: tuple[re.Pattern[str], ...]) -> tuple[str, str | None]:
    """Return `text` without the first hint found, and the hint's word."""
    narrow = half_width(text)
    for hint in hints:
        if found := hint.search(narrow):
            return (text[: found.start()] + text[found.end() :]).strip(), found[found.lastindex or 0]
    return text, None


def _without_answer_note(text: str) -> str:
    """Drop a pasted answer or explanation at the end: the model is asked, not told."""
    found = _ANSWER_NOTE.search(half_width(text))
    return text[: found.start() + 1].rstrip() if found and found.start() else text
