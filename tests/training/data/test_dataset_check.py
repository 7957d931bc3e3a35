from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.training.shipped import shipped_questions
from xiaoan.training.data.bank_forms import FORMS, BankRecipe
from xiaoan.training.data.dataset_check import DatasetCheck, Lengths, check_dataset
from xiaoan.training.data.pair_files import PairFile
from xiaoan.training.data.pairs import Pair
from xiaoan.training.dataset import written_out


def file_of(pairs: Sequence[Pair], *, name: str = "训练.json", skipped: tuple[int, ...] = ()) -> PairFile:
    return PairFile(Path(name), "0", tuple(pairs), tuple(range(1, len(pairs) + 1)), skipped, by_line=True)


def checked(*pairs: Pair, source: int = 64, target: int = 64) -> DatasetCheck:
    return check_dataset([file_of(pairs)], len, max_source_length=source, max_target_length=target)


def test_what_is_cut_is_what_the_published_script_cuts() -> None:
    fits, long_source, long_target = Pair("四" * 9, "三" * 8), Pair("四" * 10, "三"), Pair("四", "三" * 9)
    (file,) = checked(fits, long_source, long_target, source=10, target=10).files
    assert [(one.record, one.source, one.target) for one in file.cut] == [(2, 10, 1), (3, 1, 9)]
    assert (file.source.limit, file.source.cut, file.target.limit, file.target.cut) == (9, 1, 8, 1)


def test_rounds_count_as_part_of_what_is_asked() -> None:
    (file,) = checked(Pair("夜里呢", "两人", (("巡线几人", "一人"),))).files
    assert file.source.longest == len("[Round 0]\n问：巡线几人\n答：一人\n[Round 1]\n问：夜里呢\n答：")


def test_a_histogram_counts_all_in_a_few_round_buckets() -> None:
    lengths = Lengths(63, tuple(sorted([5, 20, 21, 22, 30, 64, 100])))
    rows = lengths.histogram()
    assert sum(count for _, _, count in rows) == 7
    assert len(rows) <= 9
    assert rows[0] == (0, 15, 1)
    assert rows[-1] == (96, 111, 1)
    assert (lengths.share_within(0.5), lengths.longest, Lengths(63, ()).histogram()) == (22, 100, [])


def test_the_same_said_twice_and_two_answers_to_one_question_are_told_apart() -> None:
    same, other = Pair("钥匙几把？", "3"), Pair("钥匙几把？", "5")
    (file,) = checked(same, Pair("钥匙几把？", " 3 "), other, Pair("谁来保管", "值班员")).files
    assert [one.records for one in file.twice] == [(1, 2)]
    assert [one.answers for one in file.contradictions] == [(("3", (1, 2)), ("5", (3,)))]


def test_answers_in_another_order_are_no_contradiction() -> None:
    (file,) = checked(Pair("戴什么", "护目镜; 绝缘手套"), Pair("戴什么", "绝缘手套; 护目镜")).files
    assert file.contradictions == ()


SHOWN = "雷雨天应穿（ ）\nA. 绝缘鞋\nB. 绝缘靴\nC. 雨靴"


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        ("B. 绝缘靴", ""),
        ("B．绝缘靴", ""),
        ("绝缘靴", ""),
        ("B", ""),
        ("AB", ""),
        ("A. 绝缘鞋\nB. 绝缘靴", ""),
        ("绝缘靴; 雨靴", ""),
        ("题库未收录", ""),
        ("A. 绝缘靴", "A 的文字对不上选项 A"),
        ("D. 布鞋", "不在选项里"),
        ("D", "不在选项里"),
        ("布鞋", "不在选项里"),
        ("A. 绝缘鞋\nB. 雨靴", "B 的文字对不上选项 B"),
    ],
)
def test_an_answer_is_one_of_its_options(summary: str, why: str) -> None:
    (file,) = checked(Pair(SHOWN, summary)).files
    assert [one.why for one in file.no_option] == ([why] if why else [])


def test_a_judgement_may_be_said_in_another_word() -> None:
    (file,) = checked(Pair("梯子可以垫高\nA. 对\nB. 错", "错误"), Pair("梯子可以垫高吗", "错误")).files
    assert file.no_option == ()


def test_a_question_in_training_and_validation_is_found_in_whatever_widths() -> None:
    first = file_of([Pair("钥匙几把", "3"), Pair("谁来保管？", "值班员")])
    other = file_of([Pair("谁来保管?", "值班员"), Pair("放在哪里", "值班室")], name="验证.json")
    found = check_dataset([first, other], len, max_source_length=64, max_target_length=64)
    assert [(one.first, one.other) for one in found.across] == [((2,), (1,))]
    assert found.spoilt


def test_repetition_alone_spoils_nothing_and_an_empty_record_does() -> None:
    twice = Pair("钥匙几把", "3")
    assert not checked(twice, twice).spoilt
    with_gap = file_of([twice], skipped=(2,))
    assert check_dataset([with_gap], len, max_source_length=64, max_target_length=64).spoilt


def test_what_we_write_of_a_bank_has_nothing_wrong_in_it() -> None:
    recipe = BankRecipe(FORMS, unanswerable=0.1)
    questions = shipped_questions()[::4]
    pairs = written_out(questions, recipe, known=questions, copies=2, seed=0)
    found = check_dataset([file_of(pairs)], len, max_source_length=300, max_target_length=300)
    assert not found.spoilt
    assert found.files[0].twice == ()
