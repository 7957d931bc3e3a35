"""`xiaoan exam`: the bot sits the exam on a bank, with and without its prefix."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xiaoan.cli import options
from xiaoan.cli.services import Action, Services, is_terminal
from xiaoan.config import OFF, Settings
from xiaoan.figures import interval_text

if TYPE_CHECKING:
    from xiaoan.assistant.engine import ModelInfo
    from xiaoan.assistant.open_bank import OpenBank
    from xiaoan.evaluation.exam import ExamReport
    from xiaoan.figures import Share

_SHOWN_WRONG = 20


def exam(
    context: typer.Context,
    forms: Annotated[
        list[str] | None,
        typer.Option(
            "--form", metavar="问法", help="plain、options、shuffled、marks、noisy，可写多次；不写就全考"
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="数", min=1, help="只抽这么多题")] = None,
    compare: Annotated[
        bool,
        typer.Option("--compare-prefix/--no-compare-prefix", help="同一份卷子，不带前缀和适配器也考一遍"),
    ] = True,
    as_json: options.AsJson = False,
    model: options.Model = None,
    prefix: options.Prefix = None,
    lora: options.Lora = None,
    bank_files: options.Bank = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    seed: options.Seed = None,
    decode: options.Decode = None,
    config: options.Config = None,
) -> Action:
    """让小安考一遍题库，按题型和问法列出正确率。

    每道题都按人会打的样子问：只有题干、带选项、选项打乱换标号、换括号和标点、漏掉一成的字。
    """
    common = options.Common(model, prefix, bank_files, device, dtype, seed, decode, config, lora=lora)

    def action() -> int:
        settings = options.settings_for(context, common)
        return _exam(
            settings, options.services_of(context), forms or [], limit, compare=compare, as_json=as_json
        )

    return action


def _exam(
    settings: Settings,
    services: Services,
    forms: Sequence[str],
    limit: int | None,
    *,
    compare: bool,
    as_json: bool,
) -> int:
    from xiaoan.evaluation.forms import FORMS, form_named

    for name in forms:
        form_named(name)
    bank = options.open_filled_bank(settings, services, "考")
    runs = [settings]
    if compare and (settings.effective_prefix != OFF or settings.effective_lora is not None):
        runs.append(replace(settings, prefix=OFF, lora=None))
    sat = [_sit(run, services, bank, list(forms) or list(FORMS), limit) for run in runs]
    if as_json:
        runs_document = [_document(info, report) for info, report in sat]
        print(json.dumps({"runs": runs_document}, ensure_ascii=False, indent=2), file=services.stdout)
    else:
        _show(services, bank, sat)
    return 0


def _sit(
    settings: Settings, services: Services, bank: "OpenBank", forms: Sequence[str], limit: int | None
) -> tuple["ModelInfo", "ExamReport"]:
    import random

    from xiaoan.assistant.answering import Assistant
    from xiaoan.evaluation.exam import sit_exam

    screen = services.screen(services.stderr)
    engine = services.load_engine(settings, lambda _: None)
    for warning in engine.info.warnings:
        screen.warning(warning)
    assistant = Assistant(engine, bank.matcher, clock=services.clock, decode=settings.decode)
    questions = list(bank.bank)
    if limit is not None and limit < len(questions):
        questions = random.Random(settings.seed).sample(questions, limit)
    total, done = len(questions) * len(forms), 0

    def count() -> None:
        nonlocal done
        done += 1
        if done % 100 == 0 and is_terminal(services.stderr):
            screen.notice(f"{_label(engine.info)}：{done}/{total} 题")

    return engine.info, sit_exam(assistant, questions, forms, seed=settings.seed, on_question=count)


def _label(info: "ModelInfo") -> str:
    parts = [f"前缀 {info.prefix}"] if info.prefix else []
    parts += [f"适配器 {info.lora}"] if info.lora else []
    return f"带{'、'.join(parts)}" if parts else "不带前缀"


def _document(info: "ModelInfo", report: "ExamReport") -> dict[str, Any]:
    return {
        "model": {
            "name": info.name,
            "prefix": info.prefix,
            "lora": info.lora,
            "device": info.device,
            "dtype": info.dtype,
        },
        "accuracy": {
            form: {
                "overall": _score_document(report.score(form)),
                "by_type": {
                    kind: _score_document(report.score(form, kind)) for kind in report.question_types
                },
            }
            for form in report.forms
        },
        "unasked": [{"form": form, "id": question.id} for question, form in report.unasked],
        "wrongly_verified": len(report.wrongly_verified),
        "wrong": [
            {
                "form": sitting.form,
                "id": sitting.question.id,
                "asked": sitting.answer.asked.text,
                "answer": sitting.answer.answer,
                "official": list(sitting.question.answer),
                "clause": sitting.question.clause,
            }
            for sitting in report.wrong
        ],
    }


def _score_document(score: "Share") -> dict[str, Any]:
    return {
        "value": round(score.value, 4),
        "right": score.right,
        "n": score.asked,
        "low": round(score.low, 4),
        "high": round(score.high, 4),
    }


def _show(services: Services, bank: "OpenBank", sat: Sequence[tuple["ModelInfo", "ExamReport"]]) -> None:
    from xiaoan.assistant.bank_check import official_answer
    from xiaoan.terminal.tables import fitted_table
    from xiaoan.terminal.verdict import Line

    screen = services.screen(services.stdout)
    info = sat[0][0]
    notes = [f"模型 {info.name}，{info.device}，{info.dtype}", "括号里是 95% 置信区间"]
    screen.page(f"考试：{bank.title}", (), notes)
    for info, report in sat:
        header = ["问法", "全部", *report.question_types]
        rows = [
            [form, *(_percent(report.score(form, kind)) for kind in (None, *report.question_types))]
            for form in report.forms
        ]
        screen.lines([Line(_label(info), "xiaoan.title")])
        screen.lines([*fitted_table(header, rows, width=screen.width, plain=screen.plain), Line("")])
        if report.unasked:
            screen.warning(f"有 {len(report.unasked)} 次没法问（题太长，或选项太多），没有计入。")
        verified = len(report.wrongly_verified)
        screen.lines([Line(f"答错 {len(report.wrong)} 次；答错却显示为与题库一致：{verified} 次"), Line("")])
    for sitting in sat[0][1].wrong[:_SHOWN_WRONG]:
        official = official_answer(sitting.question)
        screen.lines(
            [Line(f"[{sitting.form}] {sitting.question.stem}　答：{sitting.answer.answer}　应为：{official}")]
        )


def _percent(score: "Share") -> str:
    interval = interval_text(score.low, score.high).removesuffix("%")
    return f"{100 * score.value:.1f}%（{interval}）"
