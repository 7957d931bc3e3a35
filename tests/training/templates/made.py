"""Small templates for the tests of this room, written to a file and read."""

from pathlib import Path

from xiaoan.training.templates.template import Template
from xiaoan.training.templates.template_file import read_template

ROLL_CALL = r"""
title = "点名"

[[slot]]
name = "应到"
from = 3
to = 6

[[slot]]
name = "实到"
from = 2
to = 7
digits = "都有"

[[task]]
step = '步骤#点名\*语音#%s'
say = ["今天应到{应到}人，实到{实到}人，报告完毕"]
[[task.case]]
when = "实到 == 应到"
answer = "无人缺勤"
[[task.case]]
when = "实到 < 应到"
answer = "有人缺勤：{应到-实到}人"
[[task.case]]
when = "实到 > 应到"
answer = "人数异常"
"""

MASKS = """
[masks]
share = 1
rate = 0.3
"""


def read(folder: Path, text: str, name: str = "模板.toml") -> Template:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_template(path)


def task(body: str, slots: str = "") -> str:
    """One task with the usual step, after `slots`."""
    return f"{slots}\n[[task]]\nstep = '步骤#报告\\*语音#%s'\n{body}\n"


def slot(name: str, body: str) -> str:
    return f'[[slot]]\nname = "{name}"\n{body}\n'
