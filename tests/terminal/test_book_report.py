from datetime import UTC, datetime, timedelta, timezone

from xiaoan.question_bank.progress import BookEntry
from xiaoan.terminal.book_report import book_lines, due_text

CHINA = timezone(timedelta(hours=8))
MIDNIGHT = datetime(2026, 6, 2, tzinfo=CHINA)


def entry(question_id: str, due: datetime, *, pinned: bool = False, profession: str = "变电") -> BookEntry:
    return BookEntry(question_id, profession, "单选题", due, streak=1, pinned=pinned, wrong=2)


def test_each_question_is_its_stem_and_how_it_stands() -> None:
    due_now, later = entry("a", datetime(2026, 6, 1, 15, tzinfo=CHINA)), entry("b", MIDNIGHT, pinned=True)
    stems = {"a": "户外接地点几米以内不得进入？", "b": "遮栏可以跨越吗？"}
    lines = list(book_lines([due_now, later], stems, until=MIDNIGHT, leave_after=3, plain=False))
    assert [f"{line.mark}{line.text}" for line in lines] == [
        "1. 户外接地点几米以内不得进入？",
        "变电　单选题　今天到期　答错 2 次　连对 1/3 次",
        "2. 遮栏可以跨越吗？",
        "变电　单选题　6月2日到期　答错 2 次　连对 1/3 次　已收藏",
    ]


def test_a_question_the_bank_has_no_longer_is_said_to_be_gone_and_plain_has_no_columns() -> None:
    gone = entry("c", MIDNIGHT, profession="")
    lines = list(book_lines([gone], {}, until=MIDNIGHT, leave_after=2, plain=True))
    assert lines[0].text == "（现在的题库里没有这道题了）"
    assert lines[1].text == "单选题，6月2日到期，答错 2 次，连对 1/2 次"


def test_a_day_is_the_local_one_and_names_its_year_when_that_is_another() -> None:
    assert due_text(datetime(2026, 6, 1, 15, 59, tzinfo=UTC), MIDNIGHT) == "今天到期"
    assert due_text(datetime(2026, 6, 1, 16, 0, tzinfo=UTC), MIDNIGHT) == "6月2日到期"
    assert due_text(datetime(2027, 1, 5, tzinfo=CHINA), MIDNIGHT) == "2027-01-05 到期"
