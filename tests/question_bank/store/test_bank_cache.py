import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.question_bank.banks_in_files import CountingReader, write_lines
from xiaoan.errors import BankError
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.store.bank_cache import BankCache, reader_version
from xiaoan.question_bank.store.stored_bank import StoredBank

LINES = [f"？{part}巡视第{number}项应穿（ ）" for number in range(40) for part in ("变电", "配电")]
LINES += ["应先验电。", "应先验电。", "", "＿安全距离为（ ）", "配电作业应停电。"]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "题库.csv", LINES)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "banks.sqlite"


def opened(file: Path | None, *paths: Path, reader: str = "1") -> tuple[StoredBank, list[str]]:
    """The bank, and which files had to be read for it."""
    read = CountingReader()
    return BankCache(file, reader=reader, timeout_s=0.1).open(paths, read), read.read


def everything(bank: StoredBank) -> list[object]:
    """All that a bank says, its questions with every field."""
    questions = [(question.id, question) for question in bank]
    by_one = [bank.get(question_id) for question_id in bank.ids()]
    return [questions, by_one, bank.counts, bank.by_type(), bank.by_profession(), list(bank.faults())]


def believed(file: Path, bank: Path) -> tuple[list[object], list[str]]:
    found, read = opened(file, bank)
    index = found.shelves()[0].index.to_bytes()
    return [*everything(found), index], read


def truth(bank: Path) -> list[object]:
    found, _ = opened(None, bank)
    return [*everything(found), found.shelves()[0].index.to_bytes()]


def test_a_bank_is_read_once_and_then_comes_from_the_cache_unchanged(bank: Path, file: Path) -> None:
    first, read_first = believed(file, bank)
    second, read_second = believed(file, bank)
    assert (read_first, read_second) == (["题库.csv"], [])
    assert first == second == truth(bank)


def test_a_fetched_question_is_as_good_as_a_read_one(bank: Path, file: Path) -> None:
    opened(file, bank)
    for question in opened(file, bank)[0]:
        checked = Question(**{name: value for name, value in vars(question).items() if name != "id"})
        assert (checked, checked.id, checked.answer_letters) == (
            question,
            question.id,
            question.answer_letters,
        )


def test_a_changed_file_is_read_anew_and_one_of_old_content_is_not(bank: Path, file: Path) -> None:
    opened(file, bank)
    write_lines(bank, LINES[:5])
    changed, read = opened(file, bank)
    write_lines(bank, LINES)
    again, not_read = opened(file, bank)
    assert (len(changed), read) == (5, ["题库.csv"])
    assert (len(again), not_read) == (83, [])


def test_the_same_content_under_another_name_shows_that_name(bank: Path, file: Path) -> None:
    opened(file, bank)
    other = bank.rename(bank.with_name("新名.csv"))
    found, read = opened(file, other)
    assert read == []
    assert {source.file for question in found for source in question.sources} == {"新名.csv"}
    assert {fault.file for fault in found.faults()} == {"新名.csv"}


def test_another_version_of_the_reader_believes_nothing(bank: Path, file: Path) -> None:
    opened(file, bank)
    assert opened(file, bank, reader="2")[1] == ["题库.csv"]
    assert opened(file, bank, reader="2")[1] == []
    assert reader_version() == reader_version() != ""


def damage_journal(file: Path) -> None:
    file.with_name(file.name + "-journal").write_bytes(os.urandom(4096))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "garbage": lambda file: file.write_bytes(b"garbage" * 9999),
    "text": lambda file: file.write_text("没有题", encoding="utf-8"),
    "zeros": lambda file: file.write_bytes(b"\0" * 50_000),
    "head only": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "half": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "a byte short": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "a page short": lambda file: file.write_bytes(file.read_bytes()[:-4096]),
    "journal": damage_journal,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_never_believed_and_is_made_anew(
    bank: Path, file: Path, damage: Callable[[Path], object]
) -> None:
    expected = truth(bank)
    opened(file, bank)
    damage(file)
    assert believed(file, bank)[0] == expected
    believed(file, bank)
    assert believed(file, bank) == (expected, [])


def test_a_byte_turned_anywhere_changes_nothing_that_is_believed(bank: Path, file: Path) -> None:
    expected = truth(bank)
    opened(file, bank)
    sound = file.read_bytes()
    for place in [*range(0, 112, 3), *range(112, 4096, 45), *range(4096, len(sound), len(sound) // 120)]:
        turned = sound[place] ^ (0x5A if place % 2 else 0xDA)  # the second leaves no UTF-8
        file.write_bytes(sound[:place] + bytes([turned]) + sound[place + 1 :])
        assert believed(file, bank)[0] == expected, place


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE question SET payload = replace(CAST(payload AS TEXT), '雨靴', '凉鞋')",
        "UPDATE question SET payload = CAST(replace(CAST(payload AS TEXT), '雨靴', '凉鞋') AS BLOB)",
        "UPDATE question SET place = place + 1000",
        "UPDATE question SET (payload, seal) = (SELECT payload, seal FROM question AS o WHERE o.place = 1)",
        "UPDATE question SET seal = NULL",
        "UPDATE question SET bank = 7",
        "DELETE FROM question WHERE place = 3",
        "DELETE FROM question",
        "DELETE FROM attachment",
        "UPDATE attachment SET content = zeroblob(100)",
        "UPDATE bank SET counts = CAST(replace(CAST(counts AS TEXT), '1', '2') AS BLOB)",
        "UPDATE bank SET types = zeroblob(length(types))",
        "UPDATE bank SET ids = substr(ids, 9)",
        "UPDATE bank SET names = '[]'",
        "UPDATE bank SET number = 9",
        "UPDATE writer SET version = '0'",
        "DELETE FROM writer",
        "DROP TABLE question",
        "ALTER TABLE bank DROP COLUMN seal",
        "ALTER TABLE question RENAME COLUMN payload TO load",
    ],
)
def test_what_somebody_changed_in_the_cache_is_not_believed(bank: Path, file: Path, change: str) -> None:
    expected = truth(bank)
    opened(file, bank)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(change)
    assert believed(file, bank)[0] == expected


def test_an_answer_changed_while_the_bank_is_open_comes_from_the_file_itself(bank: Path, file: Path) -> None:
    found, _ = opened(file, bank)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE question SET payload = replace(payload, '雨靴', '凉鞋')")
    assert [question.answer for question in found] == [question.answer for question in opened(None, bank)[0]]


def test_a_cache_that_vanishes_while_the_bank_is_open_is_not_missed(bank: Path, file: Path) -> None:
    found, _ = opened(file, bank)
    file.write_bytes(b"")
    assert everything(found) == everything(opened(None, bank)[0])


def test_rows_lost_when_the_file_has_changed_too_are_said_to_be_so(bank: Path, file: Path) -> None:
    found, _ = opened(file, bank)
    file.write_bytes(b"")
    write_lines(bank, LINES[:5])
    with pytest.raises(BankError, match="打开之后变了"):
        list(found)


def test_a_file_that_changes_while_it_is_read_is_not_believed(bank: Path, file: Path) -> None:
    class Slow(CountingReader):
        def __call__(self, path: Path):  # type: ignore[no-untyped-def]
            reading = super().__call__(path)
            write_lines(path, LINES[:7])
            return reading

    with pytest.raises(BankError, match="在读的时候变了"):
        BankCache(file, reader="1").open([bank], Slow())


@pytest.mark.parametrize("place", ["file/banks.sqlite", "folder", "file"])
def test_where_no_cache_can_be_the_bank_is_read_all_the_same(tmp_path: Path, bank: Path, place: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "folder" / "x").mkdir(parents=True)
    for _ in range(2):
        assert len(opened(tmp_path / place, bank)[0]) == 83


def test_a_locked_cache_is_done_without(bank: Path, file: Path) -> None:
    opened(file, bank)
    other = write_lines(bank.with_name("b.csv"), LINES[:3])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        found, read = opened(file, bank, other)
        assert (len(found), read) == (83, ["题库.csv", "b.csv"])
        connection.rollback()
    assert opened(file, bank)[1] == []


def test_a_cache_that_is_only_read_serves_what_it_has(bank: Path, file: Path) -> None:
    opened(file, bank)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        other = write_lines(bank.with_name("b.csv"), LINES[:3])
        assert opened(file, bank)[1] == []
        assert (len(opened(file, other)[0]), opened(file, other)[1]) == (3, ["b.csv"])


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.question_bank.banks_in_files import CountingReader
from xiaoan.question_bank.store.bank_cache import BankCache
from xiaoan.question_bank.question import Question

class Deadly(Question):
    @property
    def explanation(self):
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

class Reader(CountingReader):
    def __call__(self, path):
        reading = super().__call__(path)
        questions = list(reading.sheets[0].questions)
        old = questions[60]
        questions[60] = Deadly.known(old.id, **{k: v for k, v in vars(old).items() if k != "id"})
        object.__setattr__(reading.sheets[0], "questions", tuple(questions))
        return reading

BankCache(Path(sys.argv[1]), reader="1").open([Path(sys.argv[2])], Reader())
"""


def test_a_process_killed_while_it_writes_leaves_no_half_bank(bank: Path, file: Path) -> None:
    other = write_lines(bank.with_name("b.csv"), LINES[:3])
    opened(file, other)
    done = subprocess.run([sys.executable, "-c", KILLED, file, bank], check=False, timeout=60)
    assert done.returncode in (-9, -signal.SIGTERM, signal.SIGTERM)
    assert opened(file, other)[1] == []
    assert believed(file, bank) == (truth(bank), ["题库.csv"])
    assert believed(file, bank) == (truth(bank), [])


def test_processes_that_open_the_same_bank_at_once_do_no_harm(bank: Path, file: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.question_bank.banks_in_files import CountingReader\n"
        "from xiaoan.question_bank.store.bank_cache import BankCache\n"
        "print(len(list(BankCache(Path(sys.argv[1]), reader='1').open([Path(sys.argv[2])], CountingReader()))))"
    )
    command = [sys.executable, "-c", program, str(file), str(bank)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=60)[0] for process in running] == ["83\n"] * 3
    assert believed(file, bank) == (truth(bank), [])


def test_a_bank_opened_in_one_thread_is_used_in_others(bank: Path, file: Path) -> None:
    opened(file, bank)
    found = opened(file, bank)[0]
    counted: list[int] = []
    threads = [threading.Thread(target=lambda: counted.append(len(list(found)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [83] * 4


def test_only_the_banks_used_last_are_kept_and_those_in_use(tmp_path: Path, file: Path) -> None:
    paths = [write_lines(tmp_path / f"{number}.csv", [f"应做第{number}项。"]) for number in range(6)]

    def opened_few(*chosen: Path) -> list[str]:
        read = CountingReader()
        BankCache(file, reader="1", banks_kept=3).open(chosen, read)
        return read.read

    for path in (paths[0], paths[1], paths[2], paths[0], paths[3]):
        opened_few(path)
    assert opened_few(paths[0], paths[2], paths[3]) == []
    assert opened_few(paths[1]) == ["1.csv"]
    assert len(opened_few(*paths)) > 0
    assert opened_few(*paths) == []


def test_what_was_forgotten_while_open_is_read_anew(tmp_path: Path, bank: Path, file: Path) -> None:
    found, _ = opened(file, bank)
    for number in range(2):
        path = write_lines(tmp_path / f"{number}.csv", [f"应做第{number}项。"])
        BankCache(file, reader="1", banks_kept=1).open([path], CountingReader())
    assert everything(found) == everything(opened(None, bank)[0])
    assert file.exists()


def test_what_cannot_be_read_is_said_every_time_and_never_kept(tmp_path: Path, file: Path) -> None:
    broken = write_lines(tmp_path / "坏.csv", ["!"])
    for path in (broken, broken, tmp_path / "无.csv", tmp_path):
        with pytest.raises(BankError, match="读不了"):
            opened(file, path)


def test_the_cache_is_for_its_owner_only(bank: Path, file: Path) -> None:
    opened(file, bank)
    assert os.name == "nt" or file.parent.stat().st_mode & 0o077 == 0
