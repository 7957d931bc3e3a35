import io
from itertools import pairwise

import pytest
from rich.console import Console

from xiaoan.terminal.console import THEME, make_console
from xiaoan.terminal.screen import Check, Fact, Screen
from xiaoan.terminal.verdict import Line


def screen(width: int, *, wraps: bool = True) -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(make_console(out, width=width), wraps=wraps), out


FACTS = [Fact("模型", "xiaoan-demo（演示模型，只学过示例题库）"), Fact("题库", "安规示例题库.xlsx（440 题）")]


def test_the_banner_at_eighty_columns() -> None:
    shown, out = screen(80)
    shown.banner("0.1.0", FACTS, demo=True)
    assert out.getvalue() == (
        "🤖 小安 0.1.0（演示模型）　电力安规考试问答\n"
        "   能答单选题、多选题、判断题。直接输入题干，或连同选项一起粘贴。\n"
        "   模型  xiaoan-demo（演示模型，只学过示例题库）\n"
        "   题库  安规示例题库.xlsx（440 题）\n"
        "   clear 清屏　stop 或 exit 退出　/help 帮助\n"
        "   Ctrl-C 停止回答　Ctrl-D 退出\n"
        "\n"
    )


def test_the_banner_at_fifty_columns() -> None:
    shown, out = screen(50)
    shown.banner("0.1.0", FACTS, demo=False)
    assert out.getvalue() == (
        "🤖 小安 0.1.0　电力安规考试问答\n"
        "   能答单选题、多选题、判断题。直接输入题干，或连\n"
        "   同选项一起粘贴。\n"
        "   模型  xiaoan-demo（演示模型，只学过示例题库）\n"
        "   题库  安规示例题库.xlsx（440 题）\n"
        "   clear 清屏　stop 或 exit 退出　/help 帮助\n"
        "   Ctrl-C 停止回答　Ctrl-D 退出\n"
        "\n"
    )


LONG = "在220kV及以上电压等级的高压设备上🙋工作时，人员与带电部分的距离不应小于（ ）m，否则应停电。"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (
            50,
            "  题干：在220kV及以上电压等级的高压设备上🙋工作\n"
            "        时，人员与带电部分的距离不应小于（ ）m，否\n"
            "        则应停电。\n",
        ),
        (
            80,
            "  题干：在220kV及以上电压等级的高压设备上🙋工作时，人员与带电部分的距离不应小于\n"
            "        （ ）m，否则应停电。\n",
        ),
    ],
)
def test_further_lines_hang_under_the_text(width: int, expected: str) -> None:
    shown, out = screen(width)
    shown.lines([Line(LONG, mark="题干：", indent=2)])
    assert out.getvalue() == expected


def test_a_mark_runs_into_the_text_where_there_is_no_room_beside_it() -> None:
    shown, out = screen(14)
    shown.lines([Line("立即停下工作", mark="正确答案：")])
    shown.lines([Line("向发令人问清", mark=" " * 10, indent=2)])
    assert out.getvalue() == "正确答案：立即\n停下工作\n向发令人问清\n"


def test_a_pipe_gets_whole_lines() -> None:
    shown, out = screen(20, wraps=False)
    shown.lines([Line(LONG, mark="题干：")])
    assert out.getvalue() == f"题干：{LONG}\n"


def test_pieces_are_appended_and_never_rewritten() -> None:
    shown, out = screen(50)
    shown.begin_answer()
    seen = []
    for piece in ("绝缘", "", "靴\n和", "[b]手套[/b]", "\x1b[2J"):
        shown.piece(piece)
        seen.append(out.getvalue())
    shown.close_line()
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    assert out.getvalue() == "🤖 绝缘靴\n和[b]手套[/b]\n"


def test_names_go_above_their_values_when_there_is_no_room() -> None:
    shown, out = screen(30)
    shown.facts([Fact("很长的名字", "值")], indent=2)
    assert out.getvalue() == "  很长的名字\n      值\n"


def test_a_checklist_names_what_to_do_below_what_was_found() -> None:
    shown, out = screen(50)
    shown.checklist(
        [Check("Python", "ok", "3.11"), Check("题库", "missing", "找不到", "用 --bank 指定")], "完。"
    )
    assert out.getvalue() == "✓ Python  3.11\n✗ 题库    找不到\n          → 用 --bank 指定\n完。\n"


def test_colours_only_on_a_terminal() -> None:
    out = io.StringIO()
    Screen(Console(file=out, theme=THEME, force_terminal=True, color_system="standard", width=50)).error(
        "坏了"
    )
    assert "\x1b[" in out.getvalue()
    plain, text = screen(50)
    plain.error("坏了")
    assert text.getvalue() == "✗ 坏了\n"


LISTENED = """小安 0.1.0　电力安规考试问答
能答单选题、多选题、判断题。直接输入题干，或连同选项一起粘贴。
模型：xiaoan-demo（演示模型，只学过示例题库）
题库：安规示例题库.xlsx（440 题）
clear 清屏　stop 或 exit 退出　/help 帮助
Ctrl-C 停止回答　Ctrl-D 退出

小安：绝缘靴
注意：慢了
出错：坏了
Python，好：3.11
题库，缺：找不到
用 --bank 指定
完。
A. 停电
与题库一致
"""


def test_a_listener_gets_words_for_signs_and_nothing_in_columns() -> None:
    out = io.StringIO()
    heard = Screen(make_console(out, width=80), plain=True)
    heard.banner("0.1.0", FACTS, demo=False)
    heard.begin_answer()
    heard.piece("绝缘靴")
    heard.warning("慢了")
    heard.error("坏了")
    found = [Check("Python", "ok", "3.11"), Check("题库", "missing", "找不到", "用 --bank 指定")]
    heard.checklist(found, "完。")
    heard.lines([Line("停电", mark="A. ", indent=3), Line("与题库一致", "xiaoan.agrees", "✓ ")])
    assert out.getvalue() == LISTENED


def test_a_listener_gets_no_colours() -> None:
    out = io.StringIO()
    console = Console(file=out, theme=THEME, force_terminal=True, color_system="standard", width=50)
    Screen(console, plain=True).lines([Line("验电", "xiaoan.agrees", "✓ ", found=((0, 2),))])
    assert out.getvalue() == "验电\n"


@pytest.mark.parametrize("width", [80, 12])
def test_what_was_found_stands_out_wherever_the_line_breaks(width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, theme=THEME, force_terminal=True, color_system="standard")
    text = "应先\x1b[31m验电 后装设接地线"
    start = text.index("验电")
    Screen(console).lines([Line(text, mark="1. ", found=((start, start + 6),))])
    marked = [piece.split("\x1b[0m")[0] for piece in out.getvalue().split("\x1b[1;33m")[1:]]
    assert "".join(marked).replace("\n", "").replace(" ", "") == "验电后装设"
    assert "\x1b[31m" not in out.getvalue()
