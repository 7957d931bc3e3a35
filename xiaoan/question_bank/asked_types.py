"""What kind of question is it, where nobody says so: 判断, 单选 or 多选, from the words alone.

A kind is named only where the words leave little doubt (measured in docs/log.md); else it stays open, and an answer
may then be any set of options or any text.
"""

import re
from collections.abc import Sequence

from xiaoan.question_bank.finding.asking_words import bare_statement
from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.parsing import AskedQuestion
from xiaoan.question_bank.question import RIGHT, WRONG, QuestionType, judge_word

_OF_OPTIONS = re.compile(
    r"下列|下面|下述|选项|哪一?[项个]|(?:^|[,。;:在从属于是中由])以下|上述|以上(?=[都均全各几说选])"
)
_LIST_IS_MISSING = re.compile(
    r"下[列述]|选项"
    r"|(?:^|[,。;:?在从属于是中由])以下(?:哪|几[种项条个样]|各|的?(?:说法|做法|描述|叙述|表述)|[^,。;:]{0,16}(?:正确|错误|哪))"
    r"|下面(?:的?哪|几[种项条个样]|各|这些|说的|对.{0,16}(?:说法|讲法|描述)|的?(?:说法|做法|描述|叙述|表述))"
    r"|哪一?[项个种]?(?:说法|做法|描述|叙述|表述|选法)"
    r"|哪一?[项个](?:才?是)?不?(?:正确|错误|对|符合)"
    rf"|(?:说法|做法|描述|叙述|表述)?(?:不?正确|错误|不?对)的(?:是|有|为){BLANK}$"
)
_ASKS = re.compile(
    rf"{BLANK}|(?:什么|啥)(?!.{{0,6}}[都也])|多[少长久大高远宽深重快厚]|几|哪|谁(?![就都也])|怎|如何|为何|何[时处地人种]"
    r"|[吗呢么]$|是否|[是能可要该对行会有](?:不|没)[是能可要该对行会有]|简述|列举|试述|请写|写出|说明$|介绍|推荐|翻译|帮我|解释|告诉我|[我你]?想[知了问]|讲讲|说说|你好|谢谢|请(?:说|讲|给|问)"
)
_ASKS_WHETHER = re.compile(
    r"[,。]?(?:对吗|对不对|对不|是吗|是真的吗|是这样吗|行吗|可以吗|可行吗|没错吧|对吧)[?。]*$"
)
_CLAIMS = re.compile(
    "(?:(?<![感反供响适对效])应当?(?![急力用答邀])|必?须|不得|一律|(?<!平)均(?![压衡])|都|属于|是|要(?![求点]))(?!的)(?=.{3})"
    "|(?:可以|允许|严禁|禁止|不[准许可能会]|方可|即可|才能|只能)(?!的)(?=.{2})"
)
_NAMES_A_THING = re.compile("的[^,。;:]{1,6}$")
_CLAUSE_ENDS = re.compile("[,;。]")
_SHORTEST_STATEMENT = 8
_SEVERAL = re.compile(
    rf"哪些|哪几|有几[种类项样]|(?:的|措施|方式|方法|条件|情况|情形|种类)有{BLANK}$|(?:包括|包含)有?{BLANK}$"
)
_ONE = re.compile(
    rf"哪一?[个种级类位]|多[少长久大高远宽深重]|最[高低大小长短多少].*{BLANK}|(?:首先|第一步|第一个).*{BLANK}"
    rf"|{BLANK}(?:[把个次年人倍米度]|天(?!气)|小时|分钟|千伏|毫米|[kmc]?[mVAg]|kPa|MPa|%)(?![A-Za-z])"
)


def needs_its_options(stem: str) -> bool:
    """Return whether a normalised stem may speak of options (下列…, 哪个), so that it may be no question without."""
    return bool(_OF_OPTIONS.search(stem))


def lacks_its_options(asked: AskedQuestion, question_type: QuestionType | None) -> bool:
    """Return whether `asked` speaks of options (下列…, …正确的是) that were not given with it.

    Narrower than `needs_its_options`: 经哪个单位批准 can be answered. A 判断题 says itself what it lists.
    """
    if asked.options or question_type in (QuestionType.JUDGE, QuestionType.SHORT):
        return False
    return bool(_LIST_IS_MISSING.search(normalize_stem(asked.stem)))


def inferred_type(asked: AskedQuestion) -> QuestionType | None:
    """Return the 题型 that the words of `asked` show, None where they leave it open."""
    judged = bool(verdicts_of(asked.options)) if asked.options else _is_statement(asked)
    return QuestionType.JUDGE if judged else _of_stem(normalize_stem(asked.stem))


def judged_statement(asked: AskedQuestion) -> str:
    """Return the normalised stem without the words that ask whether it is right (`…，对吗？`)."""
    bare = bare_statement(asked.stem)
    stem = normalize_stem(asked.stem if bare is None else bare)
    return normalize_stem(_ASKS_WHETHER.sub("", stem)) or stem


def may_be_judged(asked: AskedQuestion) -> bool:
    """Return whether 正确 or 错误 can be an answer to `asked`: it has no blank, and asks for nothing else."""
    claim = judged_statement(asked)
    if BLANK in claim or len(claim) < _SHORTEST_STATEMENT:
        return False
    if claim != normalize_stem(asked.stem):
        return True
    end = normalize_text(asked.stem)[-1:]
    # 工作票能用到什么时候,以签发人估计的时间为准。 asks nothing.
    told = _CLAUSE_ENDS.split(claim)[-1] if end == "。" else claim
    return end not in ("?", ":") and not _ASKS.search(told)


def _is_statement(asked: AskedQuestion) -> bool:
    """Whether nothing but a statement can be meant; without a full stop it may be a thing that is asked for."""
    if not may_be_judged(asked):
        return False
    claim = judged_statement(asked)
    if claim != normalize_stem(asked.stem) or normalize_text(asked.stem).endswith("。"):
        return True
    return bool(_CLAIMS.search(claim) and not _NAMES_A_THING.search(claim))


def are_alike(options: Sequence[AskedOption]) -> bool:
    """Return whether options were given that say all the same (正确 and 对 too), so that there is nothing to choose."""
    return bool(options) and len({_said(one.text) for one in options}) < 2


def _said(text: str) -> str:
    """The option's words; 对 and 是 are 正确, but 1, T and x may be figures and names."""
    return (None if text.isascii() else judge_word(text)) or normalize_text(text)


def verdicts_of(options: Sequence[AskedOption]) -> tuple[str, ...]:
    """Return 正确 or 错误 for each option where all of them say one of these in some words; else nothing.

    `1` and `0` say it in a table of answers; as options they are numbers.
    """
    words = tuple(judge_word(option.text) for option in options)
    if {*words} != {RIGHT, WRONG} or all(option.text.strip().isdigit() for option in options):
        return ()
    return tuple(word for word in words if word is not None)


def _of_stem(stem: str) -> QuestionType | None:
    several, one = _SEVERAL.search(stem), _ONE.search(stem)
    if bool(several) == bool(one):
        return None
    return QuestionType.MULTIPLE if several else QuestionType.SINGLE
