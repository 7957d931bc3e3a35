"""The page of a training run: whether it helped, its curves, what was forgotten, and all that it depended on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from xiaoan.figures import duration_text, interval_text, percent_text
from xiaoan.reports.environment import render
from xiaoan.reports.line_charts import line_chart
from xiaoan.reports.run_documents import Document, Metrics, Share, read_metrics

METHOD_NAMES = {"ptuning": "P-Tuning v2（只训练前缀）", "lora": "LoRA（只训练适配器）", "full": "全量微调"}
ENDING_NAMES = {
    "done": "做完了计划的步数",
    "early": "提前结束：已经学会，或不再进步",
    "stopped": "中途停下，没有训练完",
}
FORM_NAMES = {
    "plain": "只有题干",
    "options": "题干带选项",
    "spoken": "口头的问法",
    "shuffled": "选项打乱换标号",
    "marks": "换括号和标点",
    "noisy": "漏掉一成的字",
    "exact": "逐字对照标准回答",
}
SPLIT_NAMES = {"group": "按题组（近似的题在一起）", "profession": "按专业", "random": "逐题随机"}
_LEARNT = "学过的内容"
SCORE_NAMES = {"rouge_1": "ROUGE-1", "rouge_2": "ROUGE-2", "rouge_l": "ROUGE-L", "bleu_4": "BLEU-4"}
SETTING_NAMES = {
    "steps": "步数",
    "batch_size": "每批条数",
    "gradient_accumulation_steps": "梯度累积",
    "learning_rate": "学习率",
    "seed": "随机种子",
    "warmup_steps": "预热步数",
    "weight_decay": "权重衰减",
    "clip_norm": "梯度裁剪",
    "autocast": "计算精度",
    "max_source_length": "问题最长词元数",
    "max_target_length": "答案最长词元数",
    "optimizer_epsilon": "优化器 ε 的算法",
    "save_every": "每多少步保存",
    "evaluate_every": "每多少步测一次",
    "stop_at_exact": "学会就提前结束",
    "gradient_checkpointing": "梯度检查点",
    "pre_seq_len": "前缀长度",
    "prefix_projection": "前缀投影",
    "init_std": "前缀初始标准差",
    "dropout": "丢弃率",
    "labels": "哪些词元算损失",
    "patience": "几次不进步就停",
    "rank": "LoRA 秩",
    "alpha": "LoRA 缩放",
    "target": "LoRA 加在哪些层",
}


@dataclass(frozen=True)
class _ExamRow:
    name: str
    before: Share | None
    after: Share
    judgement: str


@dataclass(frozen=True)
class _Forgetting:
    before: Share | None
    after: Share
    loss_before: float | None
    loss_after: float | None


def training_page(
    card: Mapping[str, Any],
    metrics: Metrics | Iterable[object] = (),
    *,
    notices: Iterable[str] = (),
) -> str:
    """Return the whole page; what is missing or broken in card and metrics is said to be so, and raises nothing.

    Args:
        card: the document of `run.json`; with `text_scores` (`asked`, `exact`, `rouge_1`, `rouge_2`, `rouge_l`,
            `bleu_4`) if texts were generated, and `exam` (`forms`, `limit`) for how the model was examined.
        metrics: of `read_metrics`, or the lines of `metrics.jsonl`.
        notices: what the run had to say, for the person to read.
    """
    document = Document(card)
    read = metrics if isinstance(metrics, Metrics) else read_metrics(metrics)
    exam = list(_exam_rows(document))
    return render(
        "training.html",
        method=METHOD_NAMES.get(document.text("method"), document.text("method") or "没有记下"),
        verdict=_verdict(exam),
        facts=list(_facts(document)),
        exam=exam,
        exam_notes=list(_exam_notes(document, bool(exam))),
        charts=_charts(document, read),
        forgetting=_forgetting(document),
        scores=list(_scores(document.part("text_scores"))),
        generated=document.part("text_scores").whole("asked"),
        warnings=[*notices, *_warnings(document, read)],
        preset=document.text("preset"),
        reasons=document.texts("reasons"),
        settings=_settings(document),
        data=list(_data_facts(document.part("data"))),
        sources=_sources(document.part("data")),
        surroundings=list(_surroundings(document)),
        versions=document.part("versions").values(),
        interval=interval_text,
    )


def _verdict(exam: list[_ExamRow]) -> str:
    if not exam:
        return "没有考试：不知道训练有没有用"
    whole = exam[0]
    after = f"训练后答对 {percent_text(whole.after.value)}"
    if whole.before is None:
        return f"{after}（训练前没有测）"
    return f"{after}，训练前 {percent_text(whole.before.value)}"


def _facts(card: Document) -> Iterator[tuple[str, str]]:
    ending = card.text("ending")
    yield "底座", card.text("base") or "没有记下"
    yield "结束", ENDING_NAMES.get(ending, ending or "没有记下")
    step, steps, best = card.whole("step"), card.whole("steps"), card.whole("best_step")
    if step is not None:
        planned = "" if steps in (None, step) else f"（计划 {steps} 步）"
        kept = "" if best is None else f"，取第 {best} 步的结果"
        yield "步数", f"{step} 步{planned}{kept}"
    if (seconds := card.number("training_s")) is not None:
        yield "训练用时", duration_text(seconds)
    yield "开始时间", _moment(card.text("started"))
    learnt, held_out = card.number("exact_train"), card.number("exact_held_out")
    yield f"{_LEARNT}逐字答对", "没有测" if learnt is None else percent_text(learnt)
    untested = "没有测（没有留出数据）"
    yield f"{_held_out_name(card)}逐字答对", untested if held_out is None else percent_text(held_out)


def _held_out_name(card: Document) -> str:
    """What the run held out: questions, a file's pairs, or only other wordings of what was learnt."""
    data = card.part("data")
    if data.part("split"):
        return "没学过的题"
    return "学过的题换个问法" if data.part("recipe") else "没学过的数据"


def _moment(written: str) -> str:
    """A time of ISO 8601 as people write it."""
    try:
        return datetime.fromisoformat(written).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return written or "没有记下"


def _exam_rows(card: Document) -> Iterator[_ExamRow]:
    before, after = (card.part(when).part("accuracy") for when in ("before", "after"))
    kinds = after.part("by_type").named_parts()
    # What was held out has a row of its own and is not in the total.
    total = "学过的" if any(kind.startswith("没学过的") for kind in kinds) else "全部"
    shares = {total: (before.part("overall"), after.part("overall"))}
    shares |= {kind: (before.part("by_type").part(kind), part) for kind, part in kinds.items()}
    for name, (old, new) in shares.items():
        measured = Share.of(new)
        if measured is not None:
            earlier = Share.of(old)
            yield _ExamRow(name, earlier, measured, _judgement(earlier, measured))


def _judgement(before: Share | None, after: Share) -> str:
    """What the two intervals allow to be said."""
    if before is None:
        return "无从比较"
    if after.low > before.high:
        return "变好"
    if after.high < before.low:
        return "变差"
    return "看不出差别"


def _exam_notes(card: Document, measured: bool) -> Iterator[str]:
    if not measured:
        yield "这次训练没有让模型考试，所以这里没有训练前后的正确率。"
        return
    yield "括号里是 95% 置信区间（Wilson）。两个区间不重叠才写“变好”或“变差”；题少时区间很宽。"
    yield "考试只看模型自己的回答，没有题库在旁边核对。"
    exam = card.part("exam")
    if forms := [FORM_NAMES.get(form, form) for form in exam.texts("forms")]:
        yield f"问法：{'、'.join(forms)}。"
    limit, asked = (
        exam.whole("limit"),
        card.part("after").part("accuracy").part("overall").whole("asked") or 0,
    )
    if limit is not None and asked >= limit:
        yield f"只抽了 {limit} 题，各题型按题数分配；没有每题都考。"
    if not card.part("data").part("split"):
        yield "考的就是学过的题：这个数说明记住了多少，不说明遇到没学过的题会怎样。"


def _charts(card: Document, metrics: Metrics) -> list[tuple[str, Markup, str]]:
    """The curves: heading, picture, and what to know about it."""
    exact = [
        (_LEARNT, "exact_train" if metrics.series("", "exact_train").points else "exact"),
        (_held_out_name(card), "exact_held_out"),
    ]
    unit, minutes = _time_unit(metrics)
    shares = [metrics.series(name, key) for name, key in exact]
    over_time = [metrics.series(name, key, across="elapsed_s", unit=unit) for name, key in exact]
    loss, rate = metrics.series("损失", "loss"), metrics.series("学习率", "learning_rate")
    return [
        (
            "损失",
            line_chart("loss", "损失随步数的变化", [loss], x_label="步数", scale="log"),
            "纵轴相差十倍以上时用对数刻度。线断开的地方，损失不是一个数。",
        ),
        (
            "逐字答对的比例",
            line_chart("exact", "逐字答对的比例随步数的变化", shares, x_label="步数", scale="percent"),
            "一条算对，要每个词元都与标准答案相同。它比考试严，也比考试测得快。",
        ),
        (
            "逐字答对的比例，按时间",
            line_chart(
                "exact-time",
                "逐字答对的比例随时间的变化",
                over_time,
                x_label=f"时间（{minutes}）",
                scale="percent",
            ),
            "",
        ),
        ("学习率", line_chart("rate", "学习率随步数的变化", [rate], x_label="步数"), ""),
    ]


def _time_unit(metrics: Metrics) -> tuple[float, str]:
    longest = max((x for x, _ in metrics.series("", "loss", across="elapsed_s").points), default=0.0)
    if longest >= 2 * 3600:
        return 3600.0, "小时"
    return (60.0, "分钟") if longest >= 120 else (1.0, "秒")


def _forgetting(card: Document) -> _Forgetting | None:
    before, after = (card.part(when).part("general") for when in ("before", "after"))
    measured = Share.of(after.part("exact"))
    if measured is None:
        return None
    return _Forgetting(Share.of(before.part("exact")), measured, before.number("loss"), after.number("loss"))


def _scores(scores: Document) -> Iterator[tuple[str, str]]:
    """What generated texts are worth: name and figure; nothing if none were generated."""
    asked, exact = scores.whole("asked"), scores.whole("exact")
    if asked and exact is not None:
        yield "逐字相同", percent_text(exact / asked)
    for key, name in SCORE_NAMES.items():
        if (value := scores.number(key)) is not None:
            yield name, f"{value:.2f}"
        elif asked:
            yield name, "没有算"


def _warnings(card: Document, metrics: Metrics) -> Iterator[str]:
    if not card:
        yield "没有训练记录（run.json 缺失或损坏），这一页只有曲线。"
    for key, what, setting in (
        ("targets_cut", "答案", "--max-target-length"),
        ("sources_cut", "问题", "--max-source-length"),
    ):
        if count := card.whole(key):
            yield f"有 {count} 条{what}超过长度，被截断了；加大 {setting} 再训练。"
    exact, held_out = card.number("exact_train"), card.number("exact_held_out")
    if exact is not None and exact < 1:
        yield f"{_LEARNT}还有 {percent_text(1 - exact)} 没有逐字记住。"
    if exact is not None and held_out is not None and held_out < exact - 0.1:
        yield f"{_held_out_name(card)}，比{_LEARNT}差得多：模型主要是记住了原句。"
    general = _forgetting(card)
    if general is not None and general.before is not None and general.after.high < general.before.low:
        yield "通用问答明显变差：模型忘了原来会的。可以用 --mix 混入通用数据再训练。"
    if card.text("ending") == "stopped":
        yield "训练没有做完；加 --resume 可以接着训练。"
    bad = sum(1 for _, loss in metrics.series("", "loss").points if loss != loss)
    if bad:
        yield f"有 {bad} 步的损失不是一个数。"
    if metrics.broken:
        yield f"曲线的记录里有 {metrics.broken} 行读不出，没有画上。"


def _settings(card: Document) -> list[tuple[str, str]]:
    groups = card.part("settings")
    rows = [row for part in (groups, *groups.named_parts().values()) for row in part.values()]
    return [(SETTING_NAMES.get(name, name), value) for name, value in rows]


def _data_facts(data: Document) -> Iterator[tuple[str, str]]:
    if not data:
        return
    yield "学了", f"{data.text('train') or '？'} 条"
    yield "留出", _held_out_text(data)
    yield "通用问答", f"{general} 条" if (general := data.whole("general")) else "没有，所以没有测遗忘"
    if forms := data.texts("forms"):
        yield "形式", "、".join(FORM_NAMES.get(form, form) for form in forms)
    recipe = data.part("recipe")
    if copies := recipe.number("slip_copies"):
        yield (
            "漏字的问法",
            f"每条另加 {copies:g} 份，各漏掉约 {percent_text(recipe.number('slip_rate'))} 的字",
        )
    if unanswerable := recipe.number("unanswerable"):
        yield "题库未收录", f"占 {percent_text(unanswerable)}：教模型不知道时就说不知道"
    mixed = [
        f"{mix.text('name')} 占 {percent_text(mix.number('share'))}（{mix.text('count')} 条）"
        for mix in data.parts("mix")
    ]
    yield "混入", "；".join(mixed) or "没有"
    yield "种子", data.text("seed")
    yield "数据指纹", data.text("sha256") or "没有记下"


def _held_out_text(data: Document) -> str:
    count, split = data.whole("held_out") or 0, data.part("split")
    if not count:
        return "没有"
    if not split:
        return f"{count} 条：同样的题，训练没见过的问法"
    kind = SPLIT_NAMES.get(split.text("kind"), split.text("kind"))
    names = "、".join(split.texts("professions"))
    return f"{count} 条：{kind}{'（' + names + '）' if names else ''}，这些题没有学"


def _sources(data: Document) -> list[tuple[str, str, str]]:
    return [
        (source.text("name"), source.text("count"), source.text("sha256")) for source in data.parts("sources")
    ]


def _surroundings(card: Document) -> Iterator[tuple[str, str]]:
    yield "硬件", card.text("hardware") or "没有记下"
    yield "进程", card.text("processes") or "1"
    yield "底座精度", card.text("base_dtype") or "没有记下"
    base, trained = card.whole("base_parameters"), card.whole("trained_parameters")
    if base is not None and trained is not None:
        yield "参数", f"底座 {base:,} 个，训练了 {trained:,} 个"
    tokens, seconds = card.number("tokens"), card.number("training_s")
    if tokens is not None:
        speed = f"，每秒 {tokens / seconds:,.0f} 个" if seconds else ""
        yield "训练词元", f"{tokens:,.0f} 个{speed}"
    if (total := card.number("total_s")) is not None:
        yield "总用时", f"{duration_text(total)}（连同考试；接着训练的只算最后一段）"
    yield "底座指纹", card.text("base_sha256") or "没有记下"
