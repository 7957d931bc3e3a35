"""Near-twins of a bank's questions by kind, and the many ways to write the same question, all made by rule."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xiaoan.question_bank.normalization import BLANK, normalize_stem, normalize_text
from xiaoan.question_bank.question import Question, QuestionType

SWAPS: dict[str, Sequence[tuple[str, str]]] = {
    "negation": [
        ("不得", "应"), ("不得", "可"), ("不应", "应"), ("不宜", "宜"), ("不需", "需"), ("不属于", "属于"),
        ("不少于", "少于"), ("不超过", "超过"), ("不满足", "满足"), ("无须", "须"), ("无权", "有权"), ("未", "已"),
        ("没有", "有"), ("符合", "不符合"), ("正确", "不正确"), ("停电", "不停电"), ("带电", "不带电"),
        ("应", "不应"), ("可以", "不可以"), ("必须", "不必"), ("可", "不可"), ("允许", "不允许"),
    ],
    "modal": [
        ("必须", "可以"), ("应", "宜"), ("应", "可"), ("可以", "应"), ("禁止", "允许"), ("严禁", "可以"),
        ("不得", "可以"), ("允许", "禁止"), ("宜", "应"), ("须", "可"), ("应当", "可以"),
    ],
    "role": [
        ("工作负责人", "工作许可人"), ("工作许可人", "工作负责人"), ("签发人", "许可人"), ("专责监护人", "工作班成员"),
        ("许可人", "签发人"), ("监护人", "操作人"), ("操作人", "监护人"), ("负责人", "签发人"), ("调控", "运维"),
    ],
    "voltage": [
        ("10 kV", "20 kV"), ("35 kV", "66 kV"), ("110 kV", "220 kV"), ("220 kV", "110 kV"), ("500 kV", "330 kV"),
        ("高压", "低压"), ("低压", "高压"), ("kV", "V"),
    ],
    "inside and outside": [("室内", "室外"), ("室外", "室内"), ("以内", "以外"), ("以外", "以内"), ("里侧", "外侧"), ("户外", "户内")],
    "before and after": [
        ("之前", "之后"), ("之后", "之前"), ("以前", "以后"), ("以后", "以前"), ("前", "后"), ("后", "前"), ("时", "后"),
    ],
    "first and then": [("先", "后"), ("后", "先"), ("最先", "最后"), ("首先", "最后")],
    "AC and DC": [("交流", "直流"), ("直流", "交流")],
    "and and or": [("和", "或"), ("与", "或"), ("及", "或"), ("或", "和"), ("、", "或")],
    "sequence": [("第一种", "第二种"), ("第二种", "第一种"), ("一级", "二级"), ("二级", "一级"), ("一次", "二次"), ("二次", "一次")],
    "comparison": [
        ("小于", "大于"), ("大于", "小于"), ("最小", "最大"), ("最大", "最小"), ("至少", "至多"), ("最长", "最短"),
        ("不小于", "不大于"), ("以上", "以下"), ("以下", "以上"), ("不低于", "不高于"), ("高于", "低于"),
    ],
    "side": [("上", "下"), ("下", "上"), ("左", "右"), ("内", "外"), ("外", "内"), ("近", "远"), ("负荷侧", "电源侧")],
    "how many": [("全部", "部分"), ("均", "任一"), ("两人", "一人"), ("一人", "两人"), ("每年", "每半年"), ("各", "任一"), ("所有", "个别")],
    "action": [("合上", "断开"), ("断开", "合上"), ("装设", "拆除"), ("拆除", "装设"), ("停用", "投入"), ("拆", "装"), ("停电", "带电")],
    "profession": [("变电", "线路"), ("线路", "配电"), ("配电", "变电")],
    "unit": [(" mm", " m"), (" m", " mm"), (" min", " s"), (" h", " min"), (" kV", " V"), ("MΩ", "Ω"), ("MΩ", "mΩ"), ("年", "个月"), ("℃", "K")],
}  # fmt: skip

NEUTRAL_SLIPS: Sequence[tuple[str, str]] = [
    ("的", ""), ("的", "的的"), ("了", ""), ("进行", ""), ("应当", "应"), ("应当", "应该"), ("应", "应当"), ("应", "应该"),
    ("可以", "可"), ("可", "可以"), ("必须", "须"), ("须", "必须"), ("和", "与"), ("和", "及"), ("与", "和"), ("及", "和"),
    ("或者", "或"), ("或", "或者"), ("时，", "的时候，"), ("之后", "后"), ("以后", "之后"), ("后，", "之后，"), ("之前", "前"),
    ("以前", "之前"), ("前，", "之前，"), ("以外", "外"), ("之间", "间"), ("如果", "如"), ("已", "已经"), ("均", "都"),
    ("也", ""), ("则", ""), ("需要", "需"), ("并", "并且"), ("，", "，则"), ("工作", "工作的"), ("检查", "进行检查"),
    ("是", "为"), ("为", "是"), ("将", "把"), ("把", "将"), ("做", "作"), ("账", "帐"), ("所用", "用"), ("与其", "与"), ("都应", "应"),
]  # fmt: skip
"""One slip in a neutral word: what was meant, what was typed."""

_NUMBER = re.compile(r"(?<![0-9A-Za-z.])\d+(?:\.\d+)?")
_CHINESE_NUMBER = re.compile("[一二两三四五六七八九十](?=[年人次级个种天月张份条根片级])")
_INSIDE_WORDS = re.compile(
    "应当|应该|认可|不了|准，|感应|相应|适应|供应|响应|许可|可靠|可燃|可见|可能|可以|可以|必须|及时|涉及|以及|参与|或者|和谐|饱和|已经|并且|必须|"
    "一并|并列|合并|并网|并入|并联|并沟|先后|前后|后备|后台|以后|之后|以前|之前|目前|平均|均匀|均压|不可|无须|规则|原则|否则|危及|目的|"
    "还是|不是|是否|但是|视为|行为|作为|分为|认为|改为|人为|成为|把手|[一二两三几]把|电所用"
)


@dataclass(frozen=True)
class Twin:
    """A question asked in words that make it another one."""

    kind: str
    original: Question
    text: str


def twins_of(questions: Sequence[Question]) -> Iterator[Twin]:
    """Yield the twins of every question, of every kind that its words allow."""
    for question in questions:
        for kind, swaps in SWAPS.items():
            for one, other in swaps:
                text = question.stem.replace(one, other, 1)
                if one in question.stem and not _is_neutral_there(question.stem, one):
                    yield Twin(kind, question, text)
        yield from _number_twins(question)
        yield from _wrong_fillings(question)


def _is_neutral_there(stem: str, word: str) -> bool:
    """「、」 between two things is no word, and a sign in front of one stays the same sign."""
    return word == "、" and "、" not in stem


def _number_twins(question: Question) -> Iterator[Twin]:
    for found in _NUMBER.finditer(question.stem):
        for other in (f"{float(found[0]) * 1.5:g}", f"1{found[0]}", f"0.{found[0].replace('.', '')}"):
            yield Twin(
                "number", question, question.stem[: found.start()] + other + question.stem[found.end() :]
            )
    for found in _CHINESE_NUMBER.finditer(question.stem):
        other = "六" if found[0] != "六" else "七"
        yield Twin("number", question, question.stem[: found.start()] + other + question.stem[found.end() :])


def _wrong_fillings(question: Question) -> Iterator[Twin]:
    plain = normalize_stem(question.stem)
    if question.question_type is QuestionType.JUDGE:
        wrong = "错误" if question.answer == ("正确",) else "正确"
        yield Twin("wrong verdict", question, f"{plain}。（{wrong}）")
    if BLANK not in plain:
        return
    official = {normalize_text(text) for text in question.answer}
    for text in question.options:
        if normalize_text(text) not in official or len(official) > 1:
            yield Twin("wrong filling", question, plain.replace(BLANK, text, 1))
            yield Twin("wrong filling", question, plain.replace(BLANK, f"（{text}）", 1))
    if len(official) > 1:
        some = list(question.answer)
        yield Twin("wrong filling", question, plain.replace(BLANK, "、".join(some[:-1]), 1))
    if len(official) < len(question.options) and question.question_type is QuestionType.MULTIPLE:
        yield Twin("wrong filling", question, plain.replace(BLANK, "、".join(question.options), 1))


def ways_to_write(question: Question, source: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every change of form that leaves a question the same."""
    stem, plain = question.stem, normalize_stem(question.stem)
    yield "as it is", stem
    yield "full width", stem.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    yield "half width", stem.translate(str.maketrans("，。：；？！（）", ",.:;?!()"))
    yield "no marks", re.sub("[，。；？！“”]", "", stem)
    yield "spaces", re.sub("([，。（）])", r" \1 ", stem)
    for number in (
        "12.",
        "3、",
        "（5）",
        "第3题 ",
        "第8题：",
        "Q5.",
        "5)",
        "一、",
        "三．",
        "（二）",
        "【7】",
        "题目：",
        "①",
    ):
        if (
            stem[0].isdigit() and number[-1] in ".、" and "kV" not in stem[:8]
        ):  # 12.10 m is a number of its own
            continue
        yield f"numbered {number}", number + stem
    if not stem.startswith(("按", "依", "根据")) and question.profession in ("变电", "线路", "配电"):
        yield "lead-in", f"依据{question.profession}安规，{stem}"
        yield "lead-in", f"根据《电力安全工作规程（{question.profession}部分）》规定，{stem}"
        yield "lead-in", f"3. 按照《安规》要求，{stem}"
    if question.options:
        yield (
            "options",
            stem
            + "\n"
            + "\n".join(f"{label}. {text}" for label, text in zip("ABCDEFG", question.options, strict=False)),
        )
        shuffled = source.sample(question.options, len(question.options))
        yield (
            "shuffled",
            stem
            + " "
            + " ".join(f"（{label}）{text}" for label, text in zip("ABCDEFG", shuffled, strict=False)),
        )
        yield (
            "relabelled",
            stem
            + "\n"
            + "\n".join(f"{label}）{text}" for label, text in zip("1234567", shuffled, strict=False)),
        )
    if question.question_type is QuestionType.JUDGE:
        for form in ("（{}）", "({})。", "。（{}）", "。{}"):
            yield "verdict", plain + form.format(question.answer[0])
        yield "verdict", plain + ("（√）" if question.answer == ("正确",) else "（×）")
        yield "判断题", f"判断题：{stem}A.正确 B.错误"
        yield "asked", f"{plain}。对吗？"
        yield "asked", f"{plain}，是否正确？"
        yield "asked", f"判断对错：{plain}（对/错）"
    elif plain.count(BLANK) == 1:
        yield from _rightly_filled(question, plain, source)
        for blank in (
            "( )",
            "____",
            "（　　）",
            "【 】",
            "（____）",
            "（？）",
            "________",
            "______（1）______",
            "（  )",
        ):
            yield f"blank {blank}", plain.replace(BLANK, blank)


def _rightly_filled(question: Question, plain: str, source: random.Random) -> Iterator[tuple[str, str]]:
    answers = source.sample(question.answer, len(question.answer))
    labels = "".join("ABCDEFGH"[question.options.index(text)] for text in question.answer)
    filled = "、".join(answers)
    yield "filled", plain.replace(BLANK, filled)
    yield "filled", plain.replace(BLANK, f"（{filled}）")
    yield "filled", plain.replace(BLANK, f"__{filled}__")
    yield (
        "filled with label",
        plain.replace(
            BLANK,
            "（"
            + "；".join(f"{'ABCDEFGH'[question.options.index(text)]}. {text}" for text in answers)
            + "）",
        ),
    )
    listed = " ".join(f"{label}. {text}" for label, text in zip("ABCDEFGH", question.options, strict=False))
    yield "filled with letters", plain.replace(BLANK, f"（{labels}）") + "\n" + listed


def slips_of(question: Question) -> Iterator[tuple[str, str]]:
    """Yield the slip and the text for every neutral word of a stem, once each."""
    for meant, typed in NEUTRAL_SLIPS:
        place = question.stem.find(meant)
        inside = any(
            found.start() <= place < found.end() and found[0] != meant
            for found in _INSIDE_WORDS.finditer(question.stem)
        )
        if place >= 0 and not inside:
            yield f"{meant}→{typed}", question.stem[:place] + typed + question.stem[place + len(meant) :]
