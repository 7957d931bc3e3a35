from dataclasses import replace

from tests.question_bank.factory import judge, single
from tests.question_bank.near_twins import twins_of
from tests.training.shipped import shipped_questions
from xiaoan.question_bank.question import Question
from xiaoan.training.data.near_twins import alike_texts, near_twin_groups


def grouped(*questions: Question) -> list[list[int]]:
    return near_twin_groups(questions)


def test_numbers_units_voltages_and_negations_make_no_other_group() -> None:
    stem = "10 kV 设备不停电时的安全距离不应小于（ ）m"
    twins = [stem, stem.replace("10", "220"), stem.replace("不应", "应"), stem.replace("）m", "）mm")]
    other = "雷雨天气巡视室外高压设备应穿（ ）"
    assert grouped(*map(single, [*twins, other])) == [[0, 1, 2, 3], [4]]


def test_a_statement_that_says_an_option_belongs_to_its_question() -> None:
    question = single("雷雨天气巡视室外高压设备应穿（ ）", ["绝缘靴", "长筒雨鞋"], "绝缘靴")
    right, wrong = (
        judge("雷雨天气巡视室外高压设备应穿绝缘靴"),
        judge("雷雨天气巡视室外高压设备应穿长筒雨鞋", "错误"),
    )
    assert grouped(question, judge("操作票应逐项填写"), right, wrong) == [[0, 2, 3], [1]]


def test_a_stem_that_only_asks_for_what_is_right_is_told_by_its_options() -> None:
    one = single("下列说法正确的是（ ）", ["操作票要复诵", "操作票不用复诵"], "操作票要复诵")
    same = replace(one, options=("操作票不用复诵", "操作票要复诵"))
    other = single("下列说法正确的是（ ）", ["梯子应有人扶持", "梯子可以垫高"], "梯子应有人扶持")
    assert grouped(one, other, same) == [[0, 2], [1]]


def test_twins_of_twins_are_one_group_and_order_decides_nothing() -> None:
    stems = ["电缆沟内作业应先通风检测", "电缆沟内作业应先检测通风后监护", "电缆沟作业后应先通风"]
    groups = grouped(*map(judge, stems))
    assert [len(group) for group in grouped(*map(judge, reversed(stems)))] == [len(group) for group in groups]


def test_every_near_twin_of_the_shipped_bank_is_in_the_group_of_its_original() -> None:
    questions = shipped_questions()[::3]
    wordings = [twin for twin in twins_of(questions) if twin.kind != "wrong filling"]
    every = [*questions, *(replace(twin.original, stem=twin.text) for twin in wordings)]
    group_of = {place: number for number, group in enumerate(near_twin_groups(every)) for place in group}
    place_of = {question.id: place for place, question in enumerate(questions)}
    torn = [
        twin
        for place, twin in enumerate(wordings, start=len(questions))
        if group_of[place] != group_of[place_of[twin.original.id]]
    ]
    assert len(wordings) > 900
    assert torn == []


def test_texts_of_files_are_grouped_as_well() -> None:
    assert alike_texts(["应到5人,实到5人", "今天的作业是巡线", "应到8人,实到6人"]) == [[0, 2], [1]]
