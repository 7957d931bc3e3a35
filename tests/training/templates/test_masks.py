import random

from xiaoan.question_bank.slips import is_neutral
from xiaoan.training.templates.masks import (
    FILLERS,
    HOMOPHONE_GROUPS,
    KINDS,
    Faults,
    Spoken,
    garbled,
    homophones,
)

ALIKE = homophones(HOMOPHONE_GROUPS)


def faults(*kinds: str, rate: float = 0.5) -> Faults:
    return Faults(1.0, rate, kinds or KINDS, ALIKE)


def spoken(text: str, kept: str = "") -> list[Spoken]:
    return [Spoken(character, character not in kept) for character in text]


def test_kept_characters_are_never_touched() -> None:
    for seed in range(200):
        heard = garbled(spoken("今天应到十二人", "应到十二"), faults(), frozenset(), random.Random(seed))
        assert "应到十二" in heard


def test_each_kind_of_fault_does_what_it_is_called() -> None:
    def heard(kind: str) -> str:
        return garbled(spoken("班"), faults(kind, rate=1.0), frozenset(), random.Random(0))

    assert heard("漏字") == "班"  # nothing would be left
    assert heard("同音字") in "斑般搬"
    assert heard("叠字") == "班班"
    assert heard("口头语").removesuffix("班") in FILLERS


def test_a_sentence_with_faults_has_at_least_one() -> None:
    said = spoken("检修班报告")
    assert all(
        garbled(said, faults(rate=0.0), frozenset(), random.Random(seed)) != "检修班报告"
        for seed in range(50)
    )


def test_telling_characters_never_come_in() -> None:
    for seed in range(50):
        heard = garbled(spoken("班"), faults("同音字"), frozenset("斑般"), random.Random(seed))
        assert heard == "搬"


def test_no_homophone_changes_what_is_said() -> None:
    assert [group for group in HOMOPHONE_GROUPS if not all(map(is_neutral, group))] == []
    assert [group for group in HOMOPHONE_GROUPS if len(set(group)) < max(2, len(group))] == []


def test_a_character_of_two_groups_has_the_homophones_of_both() -> None:
    assert homophones(["班斑", "斑般"])["斑"] == "班般"
