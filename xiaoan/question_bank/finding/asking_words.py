"""The words around a statement that ask whether it holds: 判断对错：…, …。对吗？, …是否正确？, …（对/错）."""

import re

from xiaoan.question_bank.normalization import normalize_text

_SAYING = "(?:说法|做法|描述|表述|叙述|陈述|观点|句话|句子|话|判断)"
_THIS = rf"(?:(?:以上|上述|这|此|该)(?:一|个|种|条)?{_SAYING}?)?"
_ASKS = "(?:对吗|对么|对不对|是否正确|是否对|正确吗|正确么|正确与否|正确不正确|对还是错|是对还是错|是对是错)"
_SO = "(?:是不是(?:这样|这么回事)|是(?:这样|这么回事)吗)"
_BEHIND_A_STOP = re.compile(rf"(?<=[。.!?;,:])\s?(?:(?:{_THIS}|这[样么][做说]){_ASKS}|{_SO})[?。.!]*$")
_BEHIND_WORDS = re.compile(rf"(?<![不是否核面相]){_THIS}{_ASKS}\?[?。.!]*$")
_BOTH_VERDICTS = re.compile(
    r"[(\[](?:判断)?(?:(?:对|正确)[/、,|或]?(?:错误?|不对|不正确)|√[/、,|或]?[×x]|是[/、,|]否|[TtYy][/、,|][FfNn])[)\]][?。.]*$"
)
_IN_FRONT = re.compile(
    rf"(?:请?(?:判断|判定)(?:题|一下)?(?:(?:以下|下列|下面)的?)?{_SAYING}?的?(?:对错|正误|是否正确|正确与否)?:"
    rf"|(?:以下|下列|下面)的?{_SAYING}{_ASKS}\??[:,.。]?(?<=[?:,.。]))"
)
# 应检查接线是否正确 speaks of checking; it is no statement (应检查接线) with a question behind it.
_MAY_ASK_THAT = re.compile(
    "[查核]|确认|判断|判明|判别|验证|检验|校验|鉴定|辨|审|询问|看|观察|监视|监护(?!人)|明确|掌握|清楚|了解|知道|注意|负责(?!人)|证明|说明|关系|决定|取决|评|测试|比较|对照"
)
_LAST_CLAUSE = re.compile("[^,。;!?]*$")
_FEWEST = 4


def bare_statement(typed: str) -> str | None:
    """Return a typed text without the outermost words that ask whether it is right; None if it has none of them.

    Only these words go: `…是错误的，对吗？` still says 是错误的. What stands directly before `是否正确？`, without a
    stop between, is left alone where it may be the thing to be checked (检查接线是否正确).
    """
    text = normalize_text(typed)
    bare = _IN_FRONT.sub("", text, count=1) if _IN_FRONT.match(text) else text
    for pattern in (_BOTH_VERDICTS, _BEHIND_A_STOP, _BEHIND_WORDS):
        found = pattern.search(bare)
        if found and (
            pattern is not _BEHIND_WORDS
            or "对吗" in found[0]
            or not _speaks_of_checking(bare[: found.start()])
        ):
            bare = bare[: found.start()]
            break
    return bare if bare != text and len(bare) >= _FEWEST else None


def _speaks_of_checking(statement: str) -> bool:
    clause = _LAST_CLAUSE.search(statement)
    return bool(clause and _MAY_ASK_THAT.search(clause[0]))
