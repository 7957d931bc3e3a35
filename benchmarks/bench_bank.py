"""What finding a question in a large bank costs: this project's index beside rapidfuzz over all stems and TF-IDF.

Makes its own questions (varied, with near-twins, always the same ones), asks for them as people do, prints a table and
ends with one JSON line. Run: OMP_NUM_THREADS=1 python benchmarks/bench_bank.py [--questions 217000] [--asked 300]
"""

import argparse
import importlib.util
import json
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from xiaoan.question_bank.finding.match_index import MatchIndex, Shelf
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.normalization import BLANK, match_key, normalize_stem
from xiaoan.question_bank.parsing import AskedQuestion, parse_question
from xiaoan.question_bank.question import Question, QuestionType


def _words(text: str) -> list[str]:
    return text.split()


PROFESSIONS = ("变电", "线路", "配电", "通用")
ROLES = _words(
    "工作负责人 工作许可人 工作票签发人 专责监护人 工作班成员 值班调控人员 运维人员 操作人 "
    "监护人 检修人员 试验人员 小组负责人 动火执行人 消防监护人 起重指挥"
)
PLACES = _words(
    "变电站室内 变电站室外 开关站 配电室 箱式变电站 电缆隧道 电缆工井 杆塔上 架空线路下方 "
    "高压试验区 继电保护室 蓄电池室 控制室 检修平台 跨越架 基坑旁 临近带电线路处 "
    "同杆架设线路 有限空间 升压站"
)
EQUIPMENT = _words(
    "断路器 隔离开关 电流互感器 电压互感器 主变压器 避雷器 电容器组 电抗器 高压开关柜 "
    "环网柜 柱上开关 跌落式熔断器 电力电缆 架空导线 绝缘子串 接地刀闸 母线 站用变 消弧线圈 "
    "配电变压器 直流屏 继电保护装置 SF6设备 充油设备"
)
TOOLS = _words(
    "绝缘手套 绝缘靴 验电器 绝缘操作杆 安全带 安全帽 接地线 绝缘梯 脚扣 登高板 绝缘绳 "
    "屏蔽服 护目镜 核相器 绝缘夹钳 绝缘垫 钳形电流表 绝缘电阻表 手拉葫芦 千斤顶 钢丝绳 "
    "吊带 放线架 紧线器"
)
ACTIONS = _words(
    "停电检修 带电测试 倒闸操作 装设接地线 拆除接地线 更换熔断器 清扫绝缘子 高压试验 "
    "二次回路检查 巡视检查 立杆作业 放线紧线 砍剪树木 电缆试验 动火作业 起重作业 登高作业 "
    "验电核相 更换避雷器 接户线拆装 气体检测 设备喷漆 基坑开挖 电缆敷设"
)
CONDITIONS = _words(
    "雷雨天气时 大风天气时 大雾天气时 夜间照明不足时 设备发生故障时 工作间断后 许可手续办完后 "
    "送电操作前 停电操作后 工作终结后 气温低于零下十度时 湿度超过规定时 人员变动后 "
    "临近带电部位时 多班组配合时 外来人员参加时 遇有紧急情况时 方式改变后 设备投运前 "
    "试验结束后"
)
VOLTAGES = ("0.4kV", "6kV", "10kV", "20kV", "35kV", "66kV", "110kV", "220kV", "330kV", "500kV", "750kV")
UNITS = ("m", "m", "m", "mm", "min", "h", "年", "个月", "人", "mm²", "MΩ", "kN", "级", "次", "%")
MEASURES = _words(
    "停电 验电 装设接地线 悬挂标示牌 装设遮栏 专人监护 办理工作票 现场勘察 安全交底 "
    "通风换气 检测气体 穿绝缘靴 戴绝缘手套 使用绝缘垫 断开试验电源 放电接地 核对编号 "
    "加锁并挂牌 清点人员 撤离现场"
)
DETAILS = _words(
    "的外壳 的操作机构 的二次接线 的高压侧 的低压侧 的引线接头 的接地端 的支架 的瓷套 "
    "的绝缘油 的试验接线 的保护压板 的备用间隔 的进线侧 的出线侧 的构架基础"
)
MODALS = (("应", "不应"), ("可", "不可"), ("必须", "不必"), ("允许", "禁止"), ("不得", "应"), ("宜", "不宜"))


@dataclass
class Result:
    """What one way to find questions did: costs, and by kind of input how many it found and how quickly."""

    build_s: float
    megabytes: float
    ms: dict[str, list[float]] = field(default_factory=dict)
    found: dict[str, list[bool]] = field(default_factory=dict)
    false_matches: int = 0

    def row(self) -> dict[str, Any]:
        """Return the figures: seconds, megabytes, milliseconds, and shares found (0 to 1)."""
        return {
            "build_s": round(self.build_s, 2),
            "megabytes": round(self.megabytes, 1),
            "median_ms": {kind: round(statistics.median(times), 2) for kind, times in self.ms.items()},
            "p95_ms": {
                kind: round(statistics.quantiles(times, n=20)[-1], 2) for kind, times in self.ms.items()
            },
            "recall": {kind: round(statistics.mean(found), 4) for kind, found in self.found.items() if found},
            "false_matches": self.false_matches,
        }


def make_questions(count: int) -> list[Question]:
    """Return `count` made-up questions, always the same: about 45 characters, one in eight a twin of the one before."""
    source = random.Random(217)
    questions: list[Question] = []
    while len(questions) < count:
        question, twin = _pair(source, len(questions))
        questions.append(question)
        if source.random() < 0.14:
            questions.append(twin)
    return questions[:count]


def _pair(source: random.Random, number: int) -> tuple[Question, Question]:
    """A question and one that differs in a voltage, a modal, a number or a role, and in its answer."""
    pick = source.choice
    profession, voltage, other_voltage = pick(PROFESSIONS), *source.sample(VOLTAGES, 2)
    setting = f"{pick(CONDITIONS)}，在{pick(PLACES)}对{{voltage}}{pick(EQUIPMENT)}{pick(DETAILS)}进行{pick(ACTIONS)}"
    tail = f"（{pick(TOOLS)}编号{number % 977}）" if source.random() < 0.2 else ""
    form = source.random()
    if form < 0.4:
        modal = pick(MODALS)
        stem = (
            f"{setting}，{pick(ROLES)}{{modal}}使用{pick(TOOLS)}，并由{pick(ROLES)}{pick(MEASURES)}{tail}。"
        )
        return (
            _question(
                stem.format(voltage=voltage, modal=modal[0]), (), ("正确",), QuestionType.JUDGE, profession
            ),
            _question(
                stem.format(voltage=voltage, modal=modal[1]), (), ("错误",), QuestionType.JUDGE, profession
            ),
        )
    if form < 0.75:
        unit = pick(UNITS)
        values = [f"{value}{unit}" for value in source.sample(range(1, 60), 4)]
        stem = f"{setting}，{pick(ROLES)}与{pick(EQUIPMENT)}的{pick(('安全距离', '间隔', '允许时间', '最小数值'))}不得{pick(('小于', '大于'))}（　　）{tail}。"
        return tuple(  # type: ignore[return-value]
            _question(stem.format(voltage=level), values, (value,), QuestionType.SINGLE, profession)
            for level, value in ((voltage, values[0]), (other_voltage, values[1]))
        )
    measures = source.sample(MEASURES, 5)
    stem = f"{setting}，{pick(ROLES)}应采取的{pick(('安全', '技术', '组织', '防护'))}措施{{kind}}（　　）{tail}。"
    return (
        _question(
            stem.format(voltage=voltage, kind="有"), measures, measures[:3], QuestionType.MULTIPLE, profession
        ),
        _question(
            stem.format(voltage=voltage, kind="不包括"),
            measures,
            measures[3:],
            QuestionType.MULTIPLE,
            profession,
        ),
    )


def _question(
    stem: str, options: Sequence[str], answer: Sequence[str], question_type: QuestionType, profession: str
) -> Question:
    return Question(stem, tuple(options), tuple(answer), "", profession, question_type)


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


MUST_BE_FOUND = frozenset(["exact", "format", "slip", "filled"])


def measure(
    find: Callable[[AskedQuestion], Question | None], asked: Sequence[Question], result: Result
) -> None:
    """Ask for each of `asked` in every way and note time, success and false matches in `result`."""
    source = random.Random(0)
    for question in asked:
        for kind, text in ask_as_people_do(question, source):
            typed = parse_question(text)
            started = time.perf_counter()
            found = find(typed)
            result.ms.setdefault(kind, []).append(1000 * (time.perf_counter() - started))
            same = found is not None and normalize_stem(found.stem) == normalize_stem(question.stem)
            if kind in MUST_BE_FOUND:
                result.found.setdefault(kind, []).append(same)
            result.false_matches += found is not None and (kind not in MUST_BE_FOUND or not same)


def our_index(questions: Sequence[Question], asked: Sequence[Question]) -> tuple[Result, dict[str, float]]:
    """Return what the index does, and the cost to write and load it (seconds, megabytes)."""
    started = time.perf_counter()
    index = MatchIndex.build(questions)
    result = Result(time.perf_counter() - started, 0.0)
    data = index.to_bytes()
    started = time.perf_counter()
    matcher = Matcher([Shelf(questions.__getitem__, MatchIndex.from_bytes(data))])
    load_s = time.perf_counter() - started
    result.megabytes = len(data) / 1e6

    def find(typed: AskedQuestion) -> Question | None:
        match = matcher.match(typed)
        return match.questions[0] if match.kind is MatchKind.EQUIVALENT else None

    measure(find, asked, result)
    return result, {"load_s": round(load_s, 3), "index_mb": round(len(data) / 1e6, 1)}


def rapidfuzz_over_all(questions: Sequence[Question], asked: Sequence[Question], least: float) -> Result:
    """Return what taking the nearest stem does, where a likeness of `least` (0 to 100) counts as found."""
    from rapidfuzz import fuzz, process

    started = time.perf_counter()
    keys = [match_key(question.stem) for question in questions]
    result = Result(time.perf_counter() - started, sum(len(key.encode("utf-16")) for key in keys) / 1e6)

    def find(typed: AskedQuestion) -> Question | None:
        nearest = process.extractOne(match_key(typed.stem), keys, scorer=fuzz.ratio, score_cutoff=least)
        return questions[nearest[2]] if nearest else None

    measure(find, asked, result)
    return result


def tf_idf(questions: Sequence[Question], asked: Sequence[Question], least: float) -> Result | None:
    """Return what the nearest vector of character 2- and 3-grams does, or None without scikit-learn."""
    if not importlib.util.find_spec("sklearn"):
        return None
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    started = time.perf_counter()
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), dtype=np.float32)
    vectors = vectorizer.fit_transform([match_key(question.stem) for question in questions])
    size = vectors.data.nbytes + vectors.indices.nbytes + vectors.indptr.nbytes
    result = Result(time.perf_counter() - started, size / 1e6)

    def find(typed: AskedQuestion) -> Question | None:
        likeness = (vectors @ vectorizer.transform([match_key(typed.stem)]).T).toarray().ravel()
        best = int(likeness.argmax())
        return questions[best] if likeness[best] >= least else None

    measure(find, asked, result)
    return result


def show(name: str, result: Result) -> None:
    """Print one table's rows: a line for each kind of input."""
    row = result.row()
    print(
        f"\n{name}: built in {row['build_s']} s, {row['megabytes']} MB, false matches {row['false_matches']}"
    )
    print(f"  {'input':14} {'median ms':>10} {'p95 ms':>10} {'recall':>8}")
    for kind, median in row["median_ms"].items():
        recall = row["recall"].get(kind)
        print(
            f"  {kind:14} {median:10.2f} {row['p95_ms'][kind]:10.2f} {'' if recall is None else f'{recall:8.2%}'}"
        )


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=217_000)
    parser.add_argument("--asked", type=int, default=300, help="questions asked for, each in several ways")
    parser.add_argument("--asked-of-others", type=int, default=30, help="as --asked, for the slow ways")
    arguments = parser.parse_args()
    questions = make_questions(arguments.questions)
    asked = random.Random(1).sample(questions, min(arguments.asked, len(questions)))
    few = asked[: arguments.asked_of_others]
    length = statistics.mean(len(question.stem) for question in questions)
    print(
        f"{len(questions)} questions of {length:.0f} characters, {len(asked)} asked for ({len(few)} of the others)"
    )
    ours, more = our_index(questions, asked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    results = {"index": ours, "rapidfuzz 95": rapidfuzz_over_all(questions, few, 95.0)}
    vectors = tf_idf(questions, few, 0.95)
    if vectors is None:
        print("scikit-learn is not installed: TF-IDF is left out")
    else:
        results["tf-idf 0.95"] = vectors
    for name, result in results.items():
        show(name, result)
    rows = {name: result.row() for name, result in results.items()}
    print(
        json.dumps(
            {"questions": len(questions), "peak_mb": round(peak), **more, "results": rows}, ensure_ascii=False
        )
    )


if __name__ == "__main__":
    main()
