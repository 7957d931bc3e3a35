import pytest

from tests.question_bank.factory import judge, multiple, single
from xiaoan.question_bank.finding.match_index import MatchIndex
from xiaoan.question_bank.normalization import match_key
from xiaoan.question_bank.question import Question

QUESTIONS = [
    single("10kV设备不停电时，安全距离不得小于（　　）m。", ["0.7m", "1.0m"], "0.7m"),
    multiple("保证安全的技术措施有（　　）。", ["停电", "验电", "监护", "接地"], ["停电", "验电", "接地"]),
    judge("绝缘手套应每半年试验一次。", profession="线路"),
]
INDEX = MatchIndex.build(QUESTIONS)


def places(found: object) -> list[int]:
    return list(map(int, found))  # type: ignore[call-overload]


def test_a_stem_is_found_by_its_reduced_key() -> None:
    assert places(INDEX.exact("保证安全技术措施有")) == [1]
    assert places(INDEX.exact("保证安全组织措施有")) == []


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("保证安全的技术措施有接地停电验电", 1),
        ("保证安全技术措施有停电验电接地", 1),
        ("10kv设备不停电时安全距离不得小于0.7m", 0),
    ],
)
def test_a_filled_stem_is_found_in_any_order_and_with_its_unit_once(words: str, place: int) -> None:
    assert places(INDEX.filled(words)) == [place]


def test_options_lead_to_their_question_in_any_order() -> None:
    assert places(INDEX.whole(match_key(QUESTIONS[1].stem), ["接地", "监护", "验电", "停电"])) == [1]
    assert places(INDEX.whole(match_key(QUESTIONS[1].stem), ["接地", "监护", "验电"])) == []


def test_the_nearest_come_first_and_the_unlike_not_at_all() -> None:
    assert [place for _, place in INDEX.nearest("绝缘手套应每一年试验一次", 3)] == [2]
    assert INDEX.nearest("今天天气怎么样", 3) == []
    assert INDEX.nearest("保证安全的技术措施有" + "使用全新的绝缘工器具" * 3, 3)[0][1] == 1


def test_an_index_is_the_same_after_writing_and_reading() -> None:
    read = MatchIndex.from_bytes(INDEX.to_bytes())
    assert read.to_bytes() == INDEX.to_bytes()
    assert len(read) == 3
    assert places(read.exact("保证安全技术措施有")) == [1]
    assert read.nearest("绝缘手套应每一年试验一次", 3) == INDEX.nearest("绝缘手套应每一年试验一次", 3)


def test_any_damage_is_noticed() -> None:
    data = INDEX.to_bytes()
    for place in range(0, len(data), 7):
        with pytest.raises(ValueError, match="index"):
            MatchIndex.from_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    for short in (b"", data[:10], data[:-1], data + b"\0"):
        with pytest.raises(ValueError, match="index"):
            MatchIndex.from_bytes(short)


@pytest.mark.parametrize("stem", ["（　　）", "____", "！"])
def test_a_stem_without_words_is_found_by_nothing(stem: str) -> None:
    index = MatchIndex.build([single(stem)])
    assert places(index.filled("0.7m")) == []
    assert len(MatchIndex.from_bytes(index.to_bytes())) == 1


def test_no_questions_make_an_index_too() -> None:
    empty: list[Question] = []
    index = MatchIndex.from_bytes(MatchIndex.build(empty).to_bytes())
    assert places(index.exact("停电")) == []
    assert index.nearest("停电", 3) == []


def test_very_long_stems_and_signs_beyond_the_basic_plane_are_taken() -> None:
    questions = [judge("停电😀" * 2000 + "验电"), judge("验电" * 1000)]
    index = MatchIndex.from_bytes(MatchIndex.build(questions).to_bytes())
    assert places(index.exact(match_key(questions[0].stem))) == [0]
    assert [place for _, place in index.nearest("验电" * 190, 3)] == [1]
