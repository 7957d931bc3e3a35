"""Letters that name options, letters that do not, and texts of which nobody can say. Four options unless said."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaoan.question_bank.drawing.option_references import (
    answers_named,
    calls_options,
    option_references,
    with_letters,
)

NAMED = """
故选{A}。
故选{A}、{C}。
故选：{D}
故选（{B}）。
故选“{B}”
故本题选{A}{C}。
故本题应选择{A}{B}{D}。
因此选 {C}。
选{C}
选{A}{B}{C}
应选{D}，其余不符合规定。
正确答案是{B}。
正确答案为：{A}{C}{D}
参考答案：{A}
【答案】{B}【解析】装卸高压熔断器应戴护目镜。
【答案】{A}、{B}
[答案]{C} 解析：雷雨天巡视应穿绝缘靴。
答案：{A}{B}{D}
答案：{A}，{B}，{D}。
答案:{B}.
答案 {D}
答案选{B}，因为雷雨天应穿绝缘靴
本题正确选项为{D}。
正确的是{B}。
错误的是{A}、{D}。
不正确的有{A}{C}。
正确的说法是{C}。
选项{B}
选项{B}的绝缘等级不够
选项{A}、{C}没有写明监护人
选项 {A} 和选项 {B} 都缺少验电
选项“{C}”是干扰项
选项{A}中的0.35 m是有绝缘隔离时的值
{B}项错误
{B}项错误，应为0.70 m
{A}项中的距离应为0.7m
“{B}”项正确
由{A}选项可知
{A}选项没有写明电压
{C}、{D}选项与题干无关
{A}、{B}两项正确
{A}、{B}、{C}三项均符合规定
{A}{B}{C}三项都是工作负责人的责任
{B}和{D}项属于签发人的责任
{A}、{C}两个选项写的是许可人的责任
{A}{C}正确
{A}{C}正确，{B}{D}错误
{A}正确，{B}错误，{C}、{D}与题意无关。
{A}对，{B}错
{A}对{B}错
{A}√ {B}× {C}√ {D}×
{A}：正确。{B}：错误。
({A})正确，({B})错误
{A}的说法正确，{B}的说法错误
{A}、{B}、{D}均正确，{C}错误。
{A}、{B}、{C}、{D}均正确
{A}{B}{C}{D}都对
{A}，{B}都对
{A}和{B}都正确
{A}与{C}均错误
{A}或{B}都对
{A}是错误的
{C}不符合题意，故选{A}{B}{D}。
{C}不符题意
可见{B}错误
故{A}错误；{B}、{C}项符合规定，故选{B}{C}。
除{C}外均正确
除{C}以外都是停电的安全措施
除{A}、{B}外
可排除{B}、{D}，选{A}{C}。
排除{A}，答案为{B}
只有{D}正确
其中{A}正确
本题{A}正确
解析：{A}正确
【解析】{A}错误，接地线应先接接地端；{B}正确。
选{A}而不选{B}
选{A}，{B}错误
选{A}、{B}错误
{A}和{B}
{A}、{B}、{C}
{A}{B}
{D}
{B}。
（{B}）
{C}{B}{A}
答案：{B}{D}{A}{C}
A相接地时应断开电源，故选{C}。
A相、B相短路，故选{C}。
SF6断路器漏气时应从上风侧接近，选{B}。
按GB 26860，答案为{D}。
TA二次侧不得开路，{A}项正确。
10 kV取0.70 m，{C}正确。
110kV取1.50 m，220kV取3.00 m，故{C}错误
额定电流10A以上的，见选项{D}
见附录A，故选{B}。
1.{A}正确；2.{B}错误
{A}、正确；{B}、错误
{A}．正确，{B}．错误
{B}项“A类火灾”应为“B类火灾”
安全帽分A、B两型，故选{A}
对A、B、C三相分别验电，答案选{C}
不应选{A}，应选{B}
综上，{A}、{B}、{D}正确
{A}不符合规程要求，{B}符合规定
故{A}{B}{C}{D}全选。
{A}{B}{C}{D}都是
(1){A}错误；(2){B}正确
{A}（错误）{B}（正确）
{A}（×）{B}（√）
答：{B}
选{B}的理由是雷雨天应穿绝缘靴
符合规定的是{B}、{C}。
正确的只有{A}。
除了{D}，其他都正确。
{A}是干扰项，容易误选
干扰项为{A}、{D}
{A}与{B}矛盾
{A}与{B}相矛盾，故选{C}
{A}太绝对
{A}表述不完整
{A}不准确
《安全生产法》第五十七条第二款第一项，故选{C}
TN-C-S系统。{A}正确
AB相间短路时，{C}正确
故选{B}，A相接地时应断开电源
【答案】{D}，C级检修应办工作票
答案：{B}，Q/GDW 1799.1
故选{D}，A、B、C三相
{A}与题意不符
7.3.4 b)规定了，故选{C}
"""

NAMED_OTHERWISE_WRITTEN = """
故选{Ａ}、{Ｃ}。
答案：{Ａ}{Ｂ}{Ｄ}
{Ｂ}项错误
故选{a}、{c}。
正确答案是{a}{c}
选项{b}
{b}项错误
（{ｂ}）
"""

NOT_NAMED = """
装卸高压熔断器应戴护目镜和绝缘手套。
A相接地
A相
A、B、C三相短路
A、B相短路
ABC三相
某相为A相
SF6断路器
SF6气体
10A
电流10A以上
电流为 10 A。
5A熔断器
0.5A
315 kVA变压器
10 kV
220kV
TA二次侧
TA、TV二次
CT、PT
GIS设备
OPGW光缆
B级绝缘
E级
B类火灾
A、B两类
C型管母
B段母线
A侧
从A点到B点
见附录A的规定
附录B
附表A
见图B
DC 220V系统
DC/DC变换器
GB 26860-2011
DL/T 5.2
Q/GDW 1799.1
24h内
3 d
60 dB
40°C
40 ℃
km/h
1000 V及以下
10 mA
cosφ
L、N线
Dyn11
AVC、AGC系统
I段、II段母线
IP54防护
错误，应为A相
UPS电源
PDA终端
BC段母线
选B级绝缘的手套
ABB断路器
以上都对
以上均正确
其余选项均错误
工作票一式两份
第一种工作票
第三种情况
配电安规第5条
三个月内
许可后八个小时
应选用绝缘靴
选择3 m
故选4 m
A～D均正确
A至D都对
A项至D项均正确
A项至D项所列都是停电的安全措施
7.3.4 a）的规定
第5条b）
根据安规第7条的b)项
A相间短路
TN-C系统
答案：0.7 m
"""

NOBODY_CAN_SAY = """
工作负责人属于A、C，不属于B
选D，D包括了A、B、C三种情况
B正确。A、C、D错在没有先验电。
C选项中的“A相”应为“B相”，A
BCD码
D,yn11
A套保护
①A正确
A母线停电
A线路未停电
A缺少监护人；B安全距离不足
A绝缘绳不符合要求
绝缘绳A不正确
用户A不正确
A类型错误
A级别不够
A相位错误
A相关规定不存在
B类似于C
A点明了要求
保护A正确动作
当A正确接线时
A对地电压升高
A正确接线
A班组停工
甲方案即A方案
应穿(B)。
先验电（A），后接地（C）
A. 停电；B. 验电
A、停电 B、验电
A：绝缘靴
A→B→C
先A后B
A先B后
正确顺序为CBDA
正确顺序为ABCD
顺序：A-B-C
A-D均正确
A～C均正确
A至D依次为停电、验电、接地、挂牌
B至D均正确
A、B两类说法均错误
GB 26860-2011 A项错误
违反了规程a项规定
依据7.3.4(a)项
a）停电；b）验电
绝缘等级选B
脚扣型号应选A。
除A外，其余两相电压升高
符合规定的有DC，见题干
A为黄色，B为绿色，C为红色
A黄色、B绿色
A属于技术措施
A、C两点
A、B两项工作
A与规程相违背
故选D，A，B，C三相
上两项
A到C
A—C正确
选项A~C
A…D
A/D转换
AC 220V
AC电源
ABC干粉灭火器
选A绝缘靴
答案A绝缘靴
选A或者B都可以
故选A类选项
选DC
按规程5.3.4 C
5.3.4 A、C正确
第5条A项
附录A项
第A项
图A项
3A项
4 A正确
C30混凝土
A4纸
B2
1B
dB(A)
A4m错误
故选E
E项错误
A、B、E正确
ABE正确
答案：AA
选Ac
A，b正确
故А正确
故选Ⓐ
⒜正确
𝐀正确
第二项错误
第2项
第一个正确
第一个选项
第一和第三项
第一、第三个
第三种说法
第二种正确
前两项正确
后三项是许可人的责任
头两个
前者正确
后者
最后一项
首项
倒数第二项
中间两项
前一项
上一项
以上三项正确
上述两个选项
选项1
选项①
选项二
选项（2）
①②正确
故选①③
①项错误
②选项
（2）项
故选3
答案：3
答案：（2）
选第二项
甲正确
选乙
Ⅱ项正确
"""


def unmarked(marked: str) -> tuple[str, list[tuple[int, str]]]:
    """The text without braces, and each letter that stood in them with its place."""
    text = re.sub(r"[{}]", "", marked)
    return text, [
        (found.start() - 2 * number, found[1]) for number, found in enumerate(re.finditer(r"\{(.)\}", marked))
    ]


def lines(block: str) -> list[str]:
    return block.strip().splitlines()


@pytest.mark.parametrize("marked", [*lines(NAMED), *lines(NAMED_OTHERWISE_WRITTEN)])
def test_letters_that_name_options_are_found(marked: str) -> None:
    text, named = unmarked(marked)
    references = option_references(text, 4)
    assert references is not None
    assert [(one.start, text[one.start : one.end]) for one in references] == named
    for one in references:
        assert "ABCD"[one.place] == unicodedata.normalize("NFKC", text[one.start]).upper()


@pytest.mark.parametrize("text", lines(NOT_NAMED))
def test_other_letters_are_left_alone(text: str) -> None:
    assert option_references(text, 4) == ()


@pytest.mark.parametrize("text", lines(NOBODY_CAN_SAY))
def test_what_may_be_either_is_not_guessed(text: str) -> None:
    assert option_references(text, 4) is None


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("故选AC。", "故选CD。"),  # a set: ascending
        ("故选A、C", "故选C、D"),
        ("答案：ａ，ｃ", "答案：ｃ，ｄ"),
        ("A、C两项正确，BD错误", "C、D两项正确，AB错误"),
        ("AC正确，分别是0.70 m和1.00 m", "DC正确，分别是0.70 m和1.00 m"),  # who is who
        ("故选A、C，即验电和接地", "故选D、C，即验电和接地"),
        ("故选AC（验电、接地）", "故选DC（验电、接地）"),
        ("选A，B错误", "选D，A错误"),
        ("选A、B错误", "选D、A错误"),
        ("答案：CBA", "答案：CAD"),  # may be an order of steps
        ("A相接地，故选A", "A相接地，故选D"),
        ("以上都对", "以上都对"),
    ],
)
def test_letters_become_those_of_the_new_places(text: str, changed: str) -> None:
    assert with_letters(text, option_references(text, 4) or (), [3, 0, 2, 1]) == changed


def test_an_answer_that_names_an_option_too_many_is_not_read() -> None:
    assert option_references("故选C", 2) is None
    assert option_references("故选C", 3) is not None
    assert option_references("故选C", 0) == ()
    assert option_references("故选C", 27) is None
    assert option_references("停电", 27) == ()


TEXTS = ("操作票", "工作票", "作业指导书（卡）", "停电")


@pytest.mark.parametrize(
    "marked",
    [
        "选项{A}操作票、{C}作业指导书(卡)、{D}停电都不是",
        "{A}. 操作票：错误。{B}. 工作票：正确。",
        "故选{B}工作票。",
        "正确答案是{B} 工作票",
        "选{B}“工作票”，不选{A}（操作票）",
        "{A}是操作票，{B}是工作票",
        "{B}工作票符合规定",
        "{A}、{B}属于书面命令，不属于书面命令的是{D}",
    ],
)
def test_a_letter_before_its_own_text_names_that_option(marked: str) -> None:
    text, named = unmarked(marked)
    references = option_references(text, 4, TEXTS)
    assert references is not None
    assert [(one.start, text[one.start]) for one in references] == named
    assert option_references(text, 4) is None


@pytest.mark.parametrize(
    "text", ["故选B操作票。", "选项A工作票", "断开D停电", "D停电时间不足", "填A操作票样", "A黄色、B绿色"]
)
def test_a_letter_before_another_text_or_in_a_name_is_not_guessed(text: str) -> None:
    texts = TEXTS if "色" not in text else ("黄色", "绿色", "红色", "黑色")
    assert option_references(text, 4, texts) is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("故选A、C。", {0, 2}),
        ("本题正确答案为：ＢＤ", {1, 3}),
        ("【答案】B【解析】A错误", {1}),
        ("因此，本题应选E", {4}),
        ("排除A，选B", set()),
        ("易误选A，错误答案：C", set()),
        ("不应选A", set()),
        ("A正确", set()),
        ("绝缘等级选B", set()),
        ("停电", set()),
    ],
)
def test_the_answer_that_a_text_names_is_found(text: str, named: set[int]) -> None:
    assert answers_named(text) == named


def test_a_text_calls_letters_options_or_not() -> None:
    assert calls_options("A错误，B正确", 2)
    assert calls_options("选项C", 2)
    assert not calls_options("A相接地，A母线停电，额定电流10A", 2)


PIECES = (
    "故选{}。",
    "答案：{}",
    "{}正确",
    "{}项错误",
    "{}均不符合题意",
    "选项{}中写的是旧值",
    "除{}外都是停电的安全措施",
    "{}不符合规程要求",
    "{}相互矛盾",
    "符合题意的有{}",
)
NEUTRAL = (
    *("A相接地", "额定电流10A", "TA二次侧不得开路", "按GB 26860", "110 kV取1.50 m", "见附录B", ""),
    *("AB相间短路", "TN-C-S系统", "DC 220V系统", "第三款第一项", "C级检修", "7.3.4 b）的规定"),
)


@st.composite
def explanations(draw: st.DrawFn) -> tuple[str, list[str]]:
    """An explanation in pieces about options A to E, and the letters that each piece names."""
    pieces, named = [], []
    for piece in draw(st.lists(st.sampled_from(PIECES), max_size=4)):
        letters = sorted(draw(st.lists(st.sampled_from("ABCDE"), min_size=1, unique=True)))
        listed = draw(st.sampled_from(("", "、", "，", "和"))).join(letters)
        pieces.append(draw(st.sampled_from(NEUTRAL)) + "；" + piece.replace("{}", listed))
        named.append("".join(letters))
    return "；".join(pieces), named


@given(explanations(), st.permutations(range(5)))
def test_letters_of_every_piece_name_the_same_options_afterwards(
    explanation: tuple[str, list[str]], new_place: list[int]
) -> None:
    text, named = explanation
    references = option_references(text, 5)
    assert references is not None
    assert "".join(text[one.start] for one in references) == "".join(named)
    changed = with_letters(text, references, new_place)
    found = [changed[one.start] for one in references]
    for letters in named:
        expected = {"ABCDE"[new_place["ABCDE".index(letter)]] for letter in letters}
        assert {found.pop(0) for _ in letters} == expected


@given(explanations(), st.permutations(range(5)))
def test_changing_letters_to_and_fro_restores_the_text(
    explanation: tuple[str, list[str]], new_place: list[int]
) -> None:
    text, _ = explanation
    references = option_references(text, 5) or ()
    changed = with_letters(text, references, new_place)
    back = [new_place.index(place) for place in range(5)]
    assert with_letters(changed, option_references(changed, 5) or (), back) == text


@given(st.text("ABCDEabＡ故选项正确错误、，。；:相级0m 答案除外第二①", max_size=40), st.integers(0, 6))
def test_any_text_is_read_and_only_letters_in_range_are_named(text: str, options: int) -> None:
    for one in option_references(text, options) or ():
        assert 0 <= one.place < options
        assert unicodedata.normalize("NFKC", text[one.start : one.end]).upper() == "ABCDEF"[one.place]
