"""The answer's text: the published corrections, and the streaming twin that never takes a character back."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaoan.chatglm.response_text import AnswerText, process_response
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer

AWKWARD = [
    *(
        " .",
        " ?",
        " !",
        " ,",
        " ' ",
        " n't",
        " 'm",
        " 's",
        " 've",
        " 're",
        " ",
        "  ",
        "'",
        " '",
        " n",
        "n't",
        "t",
    ),
    *(
        "<n>",
        "<|tab|>",
        "<|blank_2|>",
        "<|blank_80|>",
        "<|blank_81|>",
        "<",
        "<|",
        "<|bl",
        "|>",
        "n>",
        "3|>",
        "\n",
    ),
    *("[[训练时间]]", "[[", "[[训练", "时间]]", "]]", ",", "!", ":", ";", "?", "??", ",,", "，", "。", "…"),
    *(
        "安",
        "规",
        "A",
        "12",
        "𠮷",
        "👋",
        "é",
        "カ",
        "\t",
        "\u3000",
        "<sop>",
        "<eop>",
        "[gMASK]",
        "<unk>",
        "<pad>",
    ),
]
"""What is replaced, halves of it, and neighbours that decide."""


@pytest.fixture(scope="session")
def real(golden: Path) -> ChatGLMTokenizer:
    return ChatGLMTokenizer(str(golden / "tokenizer" / "ice_text.model"))


def whole(tokenizer: ChatGLMTokenizer, ids: Sequence[int]) -> str:
    return process_response(str(tokenizer.decode(list(ids))))


def in_parts(tokenizer: ChatGLMTokenizer, ids: Sequence[int]) -> list[str]:
    answer = AnswerText(tokenizer)
    return [*(answer.feed(token_id) for token_id in ids), answer.finish()]


def byte_ids(tokenizer: ChatGLMTokenizer, data: bytes) -> list[int]:
    ids = tokenizer.convert_tokens_to_ids([f"<0x{byte:02X}>" for byte in data])
    assert isinstance(ids, list)
    return ids


def id_sequences(tokenizer: ChatGLMTokenizer) -> st.SearchStrategy[list[int]]:
    """Any ids, with awkward text (as pieces or as bare bytes) much more often than by chance."""
    encoded = [tokenizer.encode(text, add_special_tokens=False) for text in AWKWARD]
    as_bytes = [byte_ids(tokenizer, text.encode()) for text in AWKWARD]
    anything = st.integers(0, tokenizer.vocab_size - 1).map(lambda token_id: [token_id])
    single_byte = st.integers(0, 255).map(lambda byte: byte_ids(tokenizer, bytes([byte])))
    part = st.one_of(anything, single_byte, st.sampled_from(encoded), st.sampled_from(as_bytes))
    return st.lists(part, max_size=24).map(lambda parts: [token_id for ids in parts for token_id in ids])


def test_every_recorded_correction_holds(golden: Path) -> None:
    for pair in json.loads((golden / "chat" / "process_response.json").read_text(encoding="utf-8")):
        assert process_response(pair["input"]) == pair["output"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  你好,世界!\n", "你好，世界！"),
        ("真的???好", "真的？?？好"),  # one mark after a character, one before; the middle one has neither
        ("1,2,3 hello,world", "1,2,3 hello,world"),
        ("[[训练时间]],好", "2023年，好"),
        ("答案:A;选B", "答案：A；选B"),
    ],
)
def test_marks_beside_chinese_become_full_width(text: str, expected: str) -> None:
    assert process_response(text) == expected


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_parts_joined_are_the_whole_answer(small: ChatGLMTokenizer, data: st.DataObject) -> None:
    ids = data.draw(id_sequences(small))
    assert "".join(in_parts(small, ids)) == whole(small, ids)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=400, deadline=None)
def test_parts_joined_are_the_whole_answer_with_the_real_vocabulary(
    real: ChatGLMTokenizer, data: st.DataObject
) -> None:
    ids = data.draw(id_sequences(real))
    assert "".join(in_parts(real, ids)) == whole(real, ids)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_without_cleanup_parts_joined_are_the_whole_answer_too(
    small_vocab: Path, data: st.DataObject
) -> None:
    tokenizer = ChatGLMTokenizer(str(small_vocab), clean_up_tokenization_spaces=False)
    ids = data.draw(id_sequences(tokenizer))
    assert "".join(in_parts(tokenizer, ids)) == whole(tokenizer, ids)


def test_recorded_decodings_come_out_of_the_stream(golden: Path, real: ChatGLMTokenizer) -> None:
    vectors = json.loads((golden / "tokenizer" / "decode_ids.json").read_text(encoding="utf-8"))
    for vector in vectors.values():
        if isinstance(vector["decode"], str):
            assert "".join(in_parts(real, vector["ids"])) == process_response(vector["decode"])
    for vector in json.loads((golden / "tokenizer" / "decode_cumulative.json").read_text(encoding="utf-8")):
        assert "".join(in_parts(real, vector["ids"])) == process_response(vector["cumulative"][-1])


def test_half_a_character_waits_for_its_other_bytes(small: ChatGLMTokenizer) -> None:
    assert in_parts(small, byte_ids(small, "👋".encode())) == ["", "", "", "👋", ""]
    assert in_parts(small, byte_ids(small, "👋".encode()[:3])) == ["", "", "", "���"]


def test_a_mark_waits_for_the_character_after_it_only_when_that_decides(small: ChatGLMTokenizer) -> None:
    def parts(text: str) -> list[str]:
        return in_parts(small, [token_id for letter in text for token_id in byte_ids(small, letter.encode())])

    assert parts("a,b") == ["a", "", ",b", ""]
    assert parts("a,") == ["a", "", ","]
    assert [part for part in parts("a,安") if part] == ["a", "，安"]
    assert [part for part in parts("安,") if part] == ["安", "，"]
    assert [part for part in parts("??安") if part] == ["?", "？安"]


def test_ids_beyond_the_vocabulary_say_nothing(small: ChatGLMTokenizer) -> None:
    """The published embedding has more rows than the vocabulary; `decode` raises IndexError there."""
    ids = small.encode("两人", add_special_tokens=False)
    assert "".join(in_parts(small, [*ids, small.vocab_size, small.vocab_size + 7])) == "两人"


def test_the_cost_of_a_token_does_not_grow_with_the_answer(small: ChatGLMTokenizer) -> None:
    """2,000 tokens cost at most twice as much each as 100 do (the best of several timings of both)."""
    ids = small.encode("在高压设备上工作,应至少由两人进行. ", add_special_tokens=False) * 200

    def seconds_each(count: int) -> float:
        begun = time.thread_time()
        in_parts(small, ids[:count])
        return (time.thread_time() - begun) / count

    seconds_each(100)
    assert min(seconds_each(2000) for _ in range(3)) <= 2 * min(seconds_each(100) for _ in range(20))
