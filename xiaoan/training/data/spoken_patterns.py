"""The sentences in which people ask: words around a question, and questions that no bank of safety rules answers.

Nothing here says a number, a unit, a regulation's name, or denies anything (对不对 only asks), so that the question
inside stays the question it is.
"""

import re
from collections.abc import Sequence

from xiaoan.question_bank.normalization import BLANK, normalize_text

Patterns = tuple[str, ...]
"""`{}` is where the question stands."""

QUESTIONS: Patterns = (
    "请问{}",
    "请问一下,{}",
    "{}呀",
    "{}来着",
    "想问问{}",
    "问一下,{}",
    "小安,{}",
    "小安小安,{}",
    "我想知道{}",
    "帮我看一下,{}",
    "麻烦问一句,{}",
    "师傅,{}呢",
    "我忘了,{}",
    "有人问我{}",
    "考试考到{},怎么答",
    "{},这题怎么填",
    "{},你记得吗",
    "那个,{}",
    "规程上要求{}呀",
    "现场遇到一个问题:{}",
)
"""Around a stem whose blanks are asking words."""

STATEMENTS: Patterns = (
    "{},对吗",
    "{},对不对",
    "{},对不对呀",
    "请问{},对吗",
    "请问{},这样说对不对",
    "有人说{},对吗",
    "师傅说{},是这样吗",
    "{},这句话对吗",
    "{},这个说法正确吗",
    "{},这样讲对不对",
    "帮我判断一下,{}",
    "小安,{},对吗",
    "听说{},是真的吗",
    "我记得{},对不对",
    "{},这么说行吗",
)
"""Around a statement to be judged."""

WITH_OPTIONS: Patterns = (
    "请问{}",
    "{},选哪个",
    "{},该选什么",
    "小安,{}",
    "帮我选一下,{}",
    "{},答案是哪个",
    "这题怎么选:{}",
    "{},选什么呀",
)
"""Around a stem with lettered options below it."""

IN_A_ROW: Patterns = (
    "请问{},是{options}",
    "{},是{options}呀",
    "小安,{},是{options}",
    "想问问{},{options}",
    "{},到底是{options}",
)
"""Around a stem with its options said one after the other."""

HELD_OUT_QUESTIONS: Patterns = ("打扰一下,{}呢", "{},帮忙想想", "各位,{}来着")
HELD_OUT_STATEMENTS: Patterns = ("打扰一下,{},对吗", "{},这话对不对", "各位,{},是对的吗")
HELD_OUT_WITH_OPTIONS: Patterns = ("打扰一下,{}", "{},应该选哪个呢")
"""Never used in training: how an answer holds in other words is measured with these."""

STRANGE: tuple[str, ...] = (
    "{place}今天的天气怎么样",
    "{place}附近哪里有加油站",
    "从{place}坐火车去省城要多久",
    "{place}的食堂几点开饭",
    "{thing}现在多少钱一{measure}",
    "哪个牌子的{thing}耐用",
    "{thing}坏了到哪里去修",
    "{thing}的保修期有多长",
    "怎样把{thing}擦干净",
    "帮我写一封关于{topic}的信",
    "用一句话介绍{topic}",
    "{topic}是谁发明的",
    "{topic}的历史有多久",
    "推荐一本讲{topic}的书",
    "翻译一下{topic}这个词",
    "{place}的负责人叫什么名字",
    "{place}去年发了多少奖金",
    "给{topic}编一个谜语",
)
"""Questions that a bank of safety rules does not answer."""

STRANGE_WORDS: dict[str, tuple[str, ...]] = {
    "place": ("变电站", "县城", "工区", "供电所", "培训中心", "仓库", "学校", "码头"),
    "thing": ("手机", "自行车", "电饭煲", "雨伞", "相机", "电风扇", "台灯", "水壶"),
    "measure": ("台", "个"),
    "topic": ("围棋", "茶叶", "月亮", "桥梁", "足球", "书法", "雪山", "风筝"),
}

_ASKS = "什么|多[少长久大高远宽深重快]|几[个人把次天年种项]|哪|谁|怎[么样]|如何|为何"
_ASKS_ITSELF = re.compile(_ASKS + "|吗$|呢$")
_ASKS_AT_ITS_END = re.compile(f"(?:{_ASKS})[^,。;:]{{0,12}}$")
_A_NUMBER = re.compile(r"[\d.±~/%<>≥≤+-]+|[\d一二两三四五六七八九十百半].*")
_ONE_KIND_OF_ANSWER = re.compile("[一半](?!年|个|次|天|人|份|小时|周|月|倍|米|分)")
_MODAL_AT_ITS_END = (
    "应",
    "应当",
    "必须",
    "须",
    "不得",
    "首先",
    "应先",
    "须先",
    "严禁",
    "禁止",
    "不应",
    "不宜",
    "不准",
)
_A_PERSON = re.compile(r".*(?:人|人员|成员|领导|者|长|员)$")


def asking(stem: str, answers: Sequence[str]) -> str:
    """Return a normalised stem with 什么, 多少 or 谁 for its blanks; one that asks already loses its last blank."""
    if BLANK not in stem:
        return stem if _ASKS_ITSELF.search(stem) else f"{stem}什么"
    if stem.endswith(BLANK) and _ASKS_AT_ITS_END.search(stem.removesuffix(BLANK)):
        stem = stem.removesuffix(BLANK)
    first, *others = stem.split(BLANK)
    texts = [normalize_text(answer) for answer in answers]
    whole = first
    for before, behind in zip([first, *others], others, strict=False):
        whole += _asking_word(before, texts) + behind
    return whole


def _asking_word(before: str, answers: Sequence[str]) -> str:
    if all(_A_NUMBER.fullmatch(text) and not _ONE_KIND_OF_ANSWER.match(text) for text in answers):
        return "多少"
    if all(_A_PERSON.fullmatch(text) for text in answers) and before.endswith(
        ("由", "经", "向", "是", "为", "找")
    ):
        return "谁"
    return "做什么" if before.endswith(_MODAL_AT_ITS_END) else "什么"
