"""The 题型 that a workbook's words name: a cell of the column, the sheet's own name, a heading between the rows."""

import re
from dataclasses import dataclass
from functools import lru_cache

from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.parsing import TYPE_WORDS
from xiaoan.question_bank.question import QuestionType


@dataclass(frozen=True, slots=True)
class TypeWord:
    """What was written about the 题型: one of the five, or only that there is something to choose."""

    type: QuestionType | None = None
    choice: bool = False


NO_TYPE = TypeWord()

_KINDS = (
    (QuestionType.SINGLE, re.compile("单选|单项选|单择")),
    (QuestionType.MULTIPLE, re.compile("多选|多项选|不定项")),
    (QuestionType.JUDGE, re.compile("判断|是非|对错|正误")),
    (QuestionType.BLANK, re.compile("填空")),
    (QuestionType.SHORT, re.compile("简答|问答|论述|案例|计算题|名词解释|绘图题|识图题|分析题")),
)
_LONGEST = 60
_SECTION = re.compile(
    r"(?:第?[一二三四五六七八九十\d]{1,3}(?:部分|大题|[章节篇])?[、.:)]? ?)?"
    r"(?P<word>[\u4e00-\u9fff]{0,10}(?:选择题|单选题?|多选题?|判断题?|填空题?|简答题?|问答题?|论述题?|是非题))"
    r"(?:[(\[].{0,60}[)\]])?[:。]?(?:[(\[]?(?:共|每题|本题|每小题).{0,60})?"
)
_CHAPTER = re.compile(
    r"(?:第[一二三四五六七八九十百\d]{1,4}[章节篇]|第[一二三四五六七八九十\d]{1,3}部分|附录).{0,40}"
)


@lru_cache(maxsize=2048)
def read_type(written: str) -> TypeWord:
    """Return the 题型 that a cell or a sheet's name says; nothing if it says none, or two of them."""
    if not written.strip() or len(written) > _LONGEST:
        return NO_TYPE
    word = normalize_text(written)
    if word in TYPE_WORDS:
        return TypeWord(TYPE_WORDS[word])
    kinds = [kind for kind, pattern in _KINDS if pattern.search(word)]
    if len(kinds) == 1:
        return TypeWord(kinds[0])
    return TypeWord(choice=not kinds and "选择" in word)


@lru_cache(maxsize=2048)
def section_type(text: str) -> TypeWord | None:
    """Return what a heading between the rows (`一、单选题（每题 1 分）`) says; None if it is no such heading."""
    narrow = normalize_text(text)
    if found := _SECTION.fullmatch(narrow):
        return read_type(found["word"])
    return NO_TYPE if _CHAPTER.fullmatch(narrow) else None
