"""Faults of speech recognition in a spoken sentence, everywhere but in what its answer depends on."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

DROPPED: Final = "漏字"
HOMOPHONE: Final = "同音字"
REPEATED: Final = "叠字"
FILLER: Final = "口头语"
DIGITS: Final = "数字写法"
KINDS: Final = (DROPPED, HOMOPHONE, REPEATED, FILLER, DIGITS)
"""Names of the faults; `DIGITS` is applied where numbers are put into words (generation)."""

FILLERS: Final = ("嗯", "那个", "呃", "就是", "啊")

HOMOPHONE_GROUPS: Final = tuple(
    "班斑般搬 组祖阻 名明鸣铭 今金巾斤 天添 检捡减剪简 巡寻循询旬 查察茶 完玩丸 毕币闭 报抱暴爆 告稿 请清青情晴 "
    "问闻文稳 现线县献 场厂常 设社射舍 备被背贝 记计纪继季 录路陆露 负付富附 责则泽 员园圆原源 作做坐座 工公攻功供 "
    "票飘漂 师施诗湿 变便遍辩 器气汽弃 油由邮游 度渡肚镀 我窝 是事式市室 来莱 已以椅 经京惊晶 到道倒稻 实石时食 "
    "姓性幸兴 叫教较 电店垫 力利例历立 位为围卫 安按案岸 泉权 带戴袋代 号浩耗 的地 人仁 点典 站占 队对 "
    "早枣找 晚碗挽 夜业页 日入 汇会惠 通同童 话画化 说硕 在再 了乐 向象像项 您拧 们门 同桐 志至制 听厅 "
    "结节洁 果裹 情勤 况矿 处楚 理里礼 渗深 漏楼 缺却 陷献 声生升 音因阴 响想 温瘟 表标 压押鸭 柜贵跪 箱香乡 "
    "塔踏 杆赶 绝觉 缘员 子紫 牌排 挂瓜 啦辣 发法 该改 换欢 修休 准备".split()
)


def homophones(groups: Sequence[str]) -> dict[str, str]:
    """Return, for every character of the groups, the others that sound like it, in the groups' order."""
    alike: dict[str, str] = {}
    for group in groups:
        for character in group:
            others = alike.get(character, "")
            alike[character] = others + "".join(c for c in group if c != character and c not in others)
    return alike


@dataclass(frozen=True)
class Faults:
    """How often and which.

    Attributes:
        share: share of the sentences with faults.
        rate: share of the free characters of such a sentence that are hit.
        kinds: of `KINDS`.
        alike: character → others that sound like it.
        fillers: words said while thinking.
    """

    share: float
    rate: float
    kinds: tuple[str, ...]
    alike: Mapping[str, str]
    fillers: tuple[str, ...] = FILLERS


@dataclass(frozen=True)
class Spoken:
    """One character of a sentence; `free`: the answer does not depend on it."""

    text: str
    free: bool


def garbled(
    sentence: Sequence[Spoken], faults: Faults, telling: frozenset[str], random_source: random.Random
) -> str:
    """Return the sentence with faults in its free characters, at least one where any is possible.

    Characters of `telling` never come in by a fault: they would say what nobody said.
    """
    possible = [_possible(spoken, faults, telling) for spoken in sentence]
    able = [place for place, faulty in enumerate(possible) if faulty]
    hit = [place for place in able if random_source.random() < faults.rate]
    if able and not hit:
        hit = [random_source.choice(able)]
    texts = [spoken.text for spoken in sentence]
    for place in hit:
        texts[place] = random_source.choice(possible[place])(texts[place], random_source)
    return "".join(texts) or "".join(spoken.text for spoken in sentence)


_Fault = Callable[[str, random.Random], str]


def _possible(spoken: Spoken, faults: Faults, telling: frozenset[str]) -> list[_Fault]:
    if not spoken.free:
        return []
    alike = "".join(c for c in faults.alike.get(spoken.text, "") if c not in telling)
    fillers = [word for word in faults.fillers if not telling & set(word)]
    makers: Mapping[str, _Fault | None] = {
        DROPPED: lambda _, __: "",
        HOMOPHONE: (lambda _, source: source.choice(alike)) if alike else None,
        REPEATED: (lambda text, _: text * 2) if spoken.text.isalpha() else None,
        FILLER: (lambda text, source: source.choice(fillers) + text) if fillers else None,
    }
    return [maker for kind in faults.kinds if (maker := makers.get(kind)) is not None]
