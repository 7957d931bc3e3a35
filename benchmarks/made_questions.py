"""Questions made up for measuring, varied and with near-twins, always the same ones, and how people ask for them."""

import random
from collections.abc import Iterator, Sequence

from xiaoan.question_bank.normalization import BLANK, normalize_stem
from xiaoan.question_bank.question import Question, QuestionType

PROFESSIONS = ("变电", "线路", "配电", "通用")
ROLES = (
    "工作负责人 工作许可人 工作票签发人 专责监护人 工作班成员 值班调控人员 运维人员 操作人 "
    "监护人 检修人员 试验人员 小组负责人 动火执行人 消防监护人 起重指挥"
).split()
PLACES = (
    "变电站室内 变电站室外 开关站 配电室 箱式变电站 电缆隧道 电缆工井 杆塔上 架空线路下方 "
    "高压试验区 继电保护室 蓄电池室 控制室 检修平台 跨越架 基坑旁 临近带电线路处 "
    "同杆架设线路 有限空间 升压站"
).split()
EQUIPMENT = (
    "断路器 隔离开关 电流互感器 电压互感器 主变压器 避雷器 电容器组 电抗器 高压开关柜 "
    "环网柜 柱上开关 跌落式熔断器 电力电缆 架空导线 绝缘子串 接地刀闸 母线 站用变 消弧线圈 "
    "配电变压器 直流屏 继电保护装置 SF6设备 充油设备"
).split()
TOOLS = (
    "绝缘手套 绝缘靴 验电器 绝缘操作杆 安全带 安全帽 接地线 绝缘梯 脚扣 登高板 绝缘绳 "
    "屏蔽服 护目镜 核相器 绝缘夹钳 绝缘垫 钳形电流表 绝缘电阻表 手拉葫芦 千斤顶 钢丝绳 "
    "吊带 放线架 紧线器"
).split()
ACTIONS = (
    "停电检修 带电测试 倒闸操作 装设接地线 拆除接地线 更换熔断器 清扫绝缘子 高压试验 "
    "二次回路检查 巡视检查 立杆作业 放线紧线 砍剪树木 电缆试验 动火作业 起重作业 登高作业 "
    "验电核相 更换避雷器 接户线拆装 气体检测 设备喷漆 基坑开挖 电缆敷设"
).split()
CONDITIONS = (
    "雷雨天气时 大风天气时 大雾天气时 夜间照明不足时 设备发生故障时 工作间断后 许可手续办完后 "
    "送电操作前 停电操作后 工作终结后 气温低于零下十度时 湿度超过规定时 人员变动后 "
    "临近带电部位时 多班组配合时 外来人员参加时 遇有紧急情况时 方式改变后 设备投运前 "
    "试验结束后"
).split()
VOLTAGES = ("0.4kV", "6kV", "10kV", "20kV", "35kV", "66kV", "110kV", "220kV", "330kV", "500kV", "750kV")
UNITS = ("m", "m", "m", "mm", "min", "h", "年", "个月", "人", "mm²", "MΩ", "kN", "级", "次", "%")
MEASURES = (
    "停电 验电 装设接地线 悬挂标示牌 装设遮栏 专人监护 办理工作票 现场勘察 安全交底 "
    "通风换气 检测气体 穿绝缘靴 戴绝缘手套 使用绝缘垫 断开试验电源 放电接地 核对编号 "
    "加锁并挂牌 清点人员 撤离现场"
).split()
DETAILS = (
    "的外壳 的操作机构 的二次接线 的高压侧 的低压侧 的引线接头 的接地端 的支架 的瓷套 "
    "的绝缘油 的试验接线 的保护压板 的备用间隔 的进线侧 的出线侧 的构架基础"
).split()
MODALS = (("应", "不应"), ("可", "不可"), ("必须", "不必"), ("允许", "禁止"), ("不得", "应"), ("宜", "不宜"))
QUANTITIES = ("安全距离", "间隔", "允许时间", "最小数值")
KINDS = ("安全", "技术", "组织", "防护")


def make_questions(count: int) -> list[Question]:
    """Return `count` made-up questions, always the same: about 58 characters, one in eight a twin of the one before."""
    source = random.Random(217)
    questions: list[Question] = []
    while len(questions) < count:
        question, twin = _pair(source, len(questions))
        questions.append(question)
        if source.random() < 0.14:
            questions.append(twin)
    return questions[:count]


def _pair(source: random.Random, number: int) -> tuple[Question, Question]:
    """A question and one that differs in a voltage, a modal or a negation, and in its answer."""
    pick = source.choice
    profession, *voltages = pick(PROFESSIONS), *source.sample(VOLTAGES, 2)
    setting = f"{pick(CONDITIONS)}，在{pick(PLACES)}对{{voltage}}{pick(EQUIPMENT)}{pick(DETAILS)}进行{pick(ACTIONS)}"
    tail = f"（{pick(TOOLS)}编号{number % 977}）" if source.random() < 0.2 else ""
    form = source.random()
    options: Sequence[str] = ()
    answers: Sequence[Sequence[str]]
    if form < 0.4:
        question_type = QuestionType.JUDGE
        modals = pick(MODALS)
        said = f"{pick(ROLES)}{{modal}}使用{pick(TOOLS)}，并由{pick(ROLES)}{pick(MEASURES)}"
        stems = [
            f"{setting}，{said.format(modal=modal)}{tail}。".format(voltage=voltages[0]) for modal in modals
        ]
        answers = [("正确",), ("错误",)]
    elif form < 0.75:
        question_type = QuestionType.SINGLE
        unit = pick(UNITS)
        options = [f"{value}{unit}" for value in source.sample(range(1, 60), 4)]
        said = f"{pick(ROLES)}与{pick(EQUIPMENT)}的{pick(QUANTITIES)}不得{pick(('小于', '大于'))}（　　）"
        stems = [f"{setting}，{said}{tail}。".format(voltage=voltage) for voltage in voltages]
        answers = [options[:1], options[1:2]]
    else:
        question_type = QuestionType.MULTIPLE
        options = source.sample(MEASURES, 5)
        said = f"{pick(ROLES)}应采取的{pick(KINDS)}措施"
        stems = [
            f"{setting}，{said}{asks}（　　）{tail}。".format(voltage=voltages[0])
            for asks in ("有", "不包括")
        ]
        answers = [options[:3], options[3:]]
    one, other = (
        Question(stem, tuple(options), tuple(answer), "", profession, question_type)
        for stem, answer in zip(stems, answers, strict=True)
    )
    return one, other


def ask_as_people_do(question: Question, source: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the kind of input and the text typed for `question`."""
    stem = normalize_stem(question.stem)
    yield "exact", question.stem
    yield "format", f"{source.randint(1, 99)}. 依据安规，" + stem.replace("，", ",").replace(BLANK, "____")
    yield "slip", stem.replace("进行", "", 1)
    if question.question_type is not QuestionType.JUDGE:
        yield "filled", stem.replace(BLANK, "、".join(question.answer), 1)
        wrong = next(text for text in reversed(question.options) if text not in question.answer)
        yield "wrong filling", stem.replace(BLANK, wrong, 1)
    yield "unknown", stem.replace(",", ",若无人在旁,", 1)
