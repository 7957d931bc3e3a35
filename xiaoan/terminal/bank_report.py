"""What `xiaoan bank` shows: sheets as they were read, faults by kind, contradictions, totals."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from xiaoan.terminal.screen import Fact
from xiaoan.terminal.tables import table_lines
from xiaoan.terminal.verdict import AGREES, DIFFERS, PLAIN, QUIET, UNKNOWN, Line

if TYPE_CHECKING:
    from xiaoan.question_bank.conflicts import Conflict
    from xiaoan.question_bank.rows.faults import Fault
    from xiaoan.question_bank.rows.sheet_reading import SheetReading
    from xiaoan.question_bank.search import Hit
    from xiaoan.question_bank.spreadsheet import FileReading
    from xiaoan.question_bank.statistics import BankStatistics
    from xiaoan.question_bank.store.stored_bank import StoredBank

LABEL = "xiaoan.label"
TITLE = "xiaoan.title"

_EXAMPLES = 3
_CONFLICTS = 5
_RUNS = 6
_SHOWN = 40
_COLUMN_NAMES = {
    "profession": "专业",
    "question_type": "题型",
    "stem": "题干",
    "clause": "依据",
    "options": "选项",
    "answer": "答案",
    "explanation": "解析",
    "option": "选项",
    "blank_order": "填空顺序",
}
_LAYOUT_NAMES = {
    "canonical": "标准六列",
    "grid-export": "一级纲要、二级纲要的导出表",
    "job-kinds": "作业种类、试题类型的导出表",
    "letter-columns": "每个选项一列",
    "option-columns": "每个选项一列",
    "numbered-options": "选项按数字编号",
    "type-sheets": "一种题型一张表",
    "options-in-cell": "选项在一格里",
    "stem-and-answer": "没有选项",
    "no-header": "没有表头",
}
_SEVERITIES = {"error": ("读不了", DIFFERS), "refused": ("拒收", DIFFERS), "warning": ("提醒", UNKNOWN)}


def bank_facts(bank: "StoredBank") -> list[Fact]:
    """Return the number of questions in all, by 题型 and by 专业, and what else is to be known of the rows."""
    counts = bank.counts
    facts = [Fact("题数", str(len(bank)))]
    facts += [Fact(name, str(n)) for name, n in (*bank.by_type().items(), *bank.by_profession().items())]
    others = {
        "重复的行": bank.duplicates,
        "拒收的行": counts.refused,
        "有提醒的题": counts.warned,
        "隐藏的行": counts.hidden,
    }
    return [*facts, *(Fact(name, str(n)) for name, n in others.items() if n)]


def file_lines(reading: "FileReading") -> Iterator[Line]:
    """Yield what was found in each sheet of one file."""
    yield Line(str(reading.path), LABEL)
    for sheet in reading.sheets:
        yield from _sheet_lines(sheet)


def fault_lines(faults: "Sequence[Fault]", *, everything: bool) -> Iterator[Line]:
    """Yield the faults by kind, what stops a question first; of each kind some examples, or `everything`."""
    order = list(_SEVERITIES)
    kinds = sorted(faults, key=lambda fault: (order.index(fault.severity), fault.code))
    for (severity, code), group in groupby(kinds, key=lambda fault: (fault.severity, fault.code)):
        found = list(group)
        word, style = _SEVERITIES[severity]
        yield Line(f"{word} {len(found)} 处（{code}）", style)
        shown = found if everything else found[:_EXAMPLES]
        yield from (Line(f"{fault}{_cell_text(fault)}", QUIET, "· ", 2) for fault in shown)
        if len(found) > len(shown):
            yield Line(f"还有 {len(found) - len(shown)} 处，加 --all 全部列出", QUIET, "  ", 2)


def _cell_text(fault: "Fault") -> str:
    """What stands in the cell, where the message does not say it anyway."""
    text = " ".join(fault.value.split())
    if not text or text in fault.message:
        return ""
    return f"；原文“{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}”"


def conflict_lines(conflicts: "Sequence[Conflict]", *, everything: bool) -> Iterator[Line]:
    """Yield the questions that the bank answers in two ways, with every row."""
    yield Line(f"矛盾 {len(conflicts)} 题：同一专业里题干和选项都相同，答案不同", DIFFERS)
    shown = conflicts if everything else conflicts[:_CONFLICTS]
    for conflict in shown:
        profession = f"，{conflict.profession}" if conflict.profession else ""
        yield Line(f"{conflict.stem}（{conflict.question_type}{profession}）", PLAIN, "· ", 2)
        for row in conflict.rows:
            place = f"{row.source.file} 工作表“{row.source.sheet}” 第 {row.source.row} 行"
            yield Line(f"{place}：{'；'.join(row.answer)}", QUIET, indent=6)
    if len(conflicts) > len(shown):
        yield Line(f"还有 {len(conflicts) - len(shown)} 题，加 --all 全部列出", QUIET, "  ", 2)


def verdict_line(*, unreadable: int, refused: int, conflicts: int, faults: int) -> Line:
    """Return the one line that everything comes down to."""
    if unreadable:
        return Line(f"有 {unreadable} 个文件读不了。", DIFFERS, "✗ ")
    if refused:
        return Line(f"有 {refused} 行被拒收，没有成为题目；改好后再检查一次。", DIFFERS, "✗ ")
    if conflicts:
        return Line(f"没有拒收的行；有 {conflicts} 道题答案互相矛盾，请核对。", UNKNOWN, "! ")
    if faults:
        return Line(f"没有拒收的行；有 {faults} 处提醒，请过目。", UNKNOWN, "! ")
    return Line("没有发现问题。", AGREES, "✓ ")


def statistics_lines(statistics: "BankStatistics") -> Iterator[Line]:
    """Yield the tables of a bank's statistics, each with the share of all that it counts."""
    yield Line(f"共 {statistics.questions} 题", TITLE)
    professions = {name or "没有写": n for name, n in statistics.by_profession.items()}
    chapters = dict(statistics.by_chapter)
    if statistics.without_clause:
        chapters["没有写依据"] = statistics.without_clause
    sizes = {f"{size} 个答案": n for size, n in statistics.multiple_sizes.items()}
    for title, counts in (
        ("专业", professions),
        ("题型", statistics.by_type),
        ("依据的规程和章", chapters),
        ("单选题的答案", statistics.single_letters),
        ("判断题的答案", statistics.judgements),
        ("多选题的答案个数", sizes),
    ):
        yield from _share_lines(title, counts)
    longest = statistics.longest_option
    if longest.questions:
        yield Line("")
        text = (
            f"单选题里有 {longest.questions} 题只有一项最长，其中 {longest.right} 题最长的就是答案；"
            f"若与长短无关，应约为 {longest.expected:.0f} 题"
        )
        yield Line(text, UNKNOWN if longest.right > 1.25 * longest.expected + 5 else QUIET)


def _share_lines(title: str, counts: "Mapping[str, int]") -> Iterator[Line]:
    if not counts:
        return
    total = sum(counts.values())
    rows = [[name, str(n), f"{100 * n / total:.1f}%"] for name, n in counts.items()]
    yield Line("")
    lines = table_lines([title, "题数", "占比"], rows)
    yield Line(lines[0], LABEL)
    yield from map(Line, lines[1:])


def hit_lines(hits: "Sequence[Hit]", letters: "Callable[[int], str]") -> Iterator[Line]:
    """Yield the questions found, best first; `letters` writes the label of the option at a place."""
    for number, hit in enumerate(hits, 1):
        question = hit.question
        kind = "，".join(part for part in (question.profession, str(question.question_type)) if part)
        yield Line(f"{question.stem}（{kind}）", PLAIN, f"{number}. ", found=hit.stem)
        for place, (text, spans) in enumerate(zip(question.options, hit.options, strict=True)):
            yield Line(text, PLAIN, f"{letters(place)}. ", 5, spans)
        yield _joined("答案：", question.answer_letters or question.answer, hit)
        if question.clause:
            yield Line(question.clause, QUIET, "依据：", 3, hit.clause)
        if hit.missing:
            yield Line("、".join(hit.missing), UNKNOWN, "没有：", 3)
        yield Line("；".join(map(str, question.sources)), QUIET, "出处：", 3)
        yield Line("")


def _joined(mark: str, texts: Sequence[str], hit: "Hit") -> Line:
    """The answers side by side; letters are not searched, texts are shown with what was found in them."""
    found: list[tuple[int, int]] = []
    if texts is hit.question.answer:
        start = 0
        for text, spans in zip(texts, hit.answer, strict=True):
            found += [(start + first, start + last) for first, last in spans]
            start += len(text) + 1
    return Line("；".join(texts), AGREES, mark, 3, tuple(found))


def _sheet_lines(sheet: "SheetReading") -> Iterator[Line]:
    yield Line(f"工作表“{sheet.sheet}”：{_what_became(sheet)}", PLAIN, indent=2)
    if sheet.columns:
        layout = _LAYOUT_NAMES.get(sheet.layout, sheet.layout)
        header = f"表头第 {sheet.header_row} 行" if sheet.header_row is not None else "按内容认列"
        columns = "、".join(f"{letter} {_column_name(field)}" for field, letter in sheet.columns.items())
        yield Line(f"{layout}；{header}；{columns}", QUIET, indent=4)
    for skipped in sheet.skipped:
        rows = f"第 {_runs(skipped.rows)} 行" if skipped.rows else "整张表"
        yield Line(f"跳过{rows}：{skipped.why}", QUIET, indent=4)


def _what_became(sheet: "SheetReading") -> str:
    if not sheet.rows:
        return "没有题"
    parts = [f"{sheet.rows} 行，{len(sheet.questions)} 题"]
    parts += [f"拒收 {sheet.refused} 行"] if sheet.refused else []
    parts += [f"{sheet.warned} 题有提醒"] if sheet.warned else []
    parts += [f"隐藏 {sheet.hidden} 行"] if sheet.hidden else []
    return "，".join(parts)


def _column_name(field: str) -> str:
    """`stem` as 题干, `option_A` as 选项A."""
    name, _, label = field.partition("_")
    if field in _COLUMN_NAMES:
        return _COLUMN_NAMES[field]
    return _COLUMN_NAMES.get(name, name) + label


def _runs(rows: Sequence[int]) -> str:
    """Row numbers as people write them: 2–5、9."""
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in runs[:_RUNS]]
    return "、".join(shown) + (f" 等 {len(set(rows))}" if len(runs) > _RUNS else "")
