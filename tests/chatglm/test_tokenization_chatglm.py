"""The tokenizer against the recorded vectors of the published one, and with a vocabulary of its own."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from tests.chatglm.conftest import SPECIAL_PIECES, train_pieces
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import CheckpointError


@pytest.fixture(scope="session")
def real(golden: Path) -> ChatGLMTokenizer:
    return ChatGLMTokenizer(str(golden / "tokenizer" / "ice_text.model"))


def read(golden: Path, name: str) -> Any:
    return json.loads((golden / name).read_text(encoding="utf-8"))


def test_every_recorded_text_encodes_and_decodes_alike(golden: Path, real: ChatGLMTokenizer) -> None:
    for case in read(golden, "tokenizer/encode_decode.json"):
        text, ids = case["text"], case["ids"]
        assert real(text)["input_ids"] == ids
        assert real.encode(text, add_special_tokens=False) == case["ids_no_special"]
        assert real.tokenize(text) == case["tokens"]
        assert real.encode(text, add_special_tokens=False, split_special_tokens=True) == case["sp_only_ids"]
        assert real.decode(ids) == case["decode"]
        assert real.decode(ids, skip_special_tokens=True) == case["decode_skip_special"]
        assert real.decode(case["ids_no_special"]) == case["decode_no_special"]
        assert real.decode(ids, clean_up_tokenization_spaces=False) == case["decode_no_cleanup"]


def test_every_recorded_id_list_decodes_alike(golden: Path, real: ChatGLMTokenizer) -> None:
    for name, case in read(golden, "tokenizer/decode_ids.json").items():
        if name.startswith("out_of_vocab"):
            with pytest.raises(IndexError, match="out of range"):
                real.decode(case["ids"])
            continue
        assert real.decode(case["ids"]) == case["decode"], name
        assert real.decode(case["ids"], skip_special_tokens=True) == case["decode_skip"], name
        assert real.decode(case["ids"], clean_up_tokenization_spaces=False) == case["decode_no_cleanup"], name


def test_growing_id_lists_decode_alike(golden: Path, real: ChatGLMTokenizer) -> None:
    for case in read(golden, "tokenizer/decode_cumulative.json"):
        ids = case["ids"]
        assert [real.decode(ids[: n + 1]) for n in range(len(ids))] == case["cumulative"]


def test_question_and_answer_are_joined_by_the_marks(golden: Path, real: ChatGLMTokenizer) -> None:
    for case in read(golden, "tokenizer/pairs.json"):
        assert real.encode(case["a"], case["b"]) == case["encode_pair"]
        joined = real.build_inputs_with_special_tokens(case["a_ids"], case["b_ids"])
        assert joined == case["joined"]


def test_truncation_keeps_the_marks_and_adds_mask_and_positions(golden: Path, real: ChatGLMTokenizer) -> None:
    for case in read(golden, "tokenizer/truncation.json"):
        encoding = real(case["text"], truncation=True, max_length=case["max_length"])
        assert sorted(encoding) == case["keys"]
        assert encoding["input_ids"] == case["input_ids"]


@pytest.mark.parametrize("tensors", ["pt", "np"])
def test_batches_are_padded_on_the_left_with_mask_and_positions(
    golden: Path, real: ChatGLMTokenizer, tensors: str
) -> None:
    for case in read(golden, "tokenizer/padded_batches.json")["batches"]:
        encoding = real(case["texts"], padding=True, return_tensors=tensors)
        assert encoding["input_ids"].tolist() == case["input_ids"]
        assert (encoding["attention_mask"] * 1).tolist() == case["attention_mask"]
        assert encoding["position_ids"].tolist() == case["position_ids"]


def test_single_text_gets_mask_and_positions_only_when_padding_is_asked_for(
    golden: Path, real: ChatGLMTokenizer
) -> None:
    recorded = read(golden, "tokenizer/padded_batches.json")
    assert list(real("你好")) == recorded["single_no_padding_keys"]
    encoding = real("你好", padding=True, return_tensors="np")
    for key, value in recorded["single_padding_true"].items():
        assert (encoding[key] * 1).tolist() == value


def test_chat_prompts_become_the_recorded_ids(golden: Path, real: ChatGLMTokenizer) -> None:
    for case in read(golden, "chat/prompts.json"):
        encoding = real(case["tokenizer_argument"], return_tensors="pt")
        assert list(encoding) == case["keys"]
        assert encoding["input_ids"].tolist() == case["input_ids"]


def test_special_tokens_are_the_recorded_ones(golden: Path, real: ChatGLMTokenizer) -> None:
    recorded = read(golden, "tokenizer/special.json")
    for name in ("bos", "eos", "pad", "unk", "mask", "gmask", "end"):
        assert getattr(real, f"{name}_token_id") == recorded[name]
        assert getattr(real, f"{name}_token") == recorded[f"{name}_token"]
    assert (real.vocab_size, len(real)) == (recorded["vocab_size"], recorded["len"])
    assert real.all_special_tokens == recorded["all_special_tokens"]
    assert real.all_special_ids == recorded["all_special_ids"]
    assert sorted(real.added_tokens_encoder) == recorded["unique_no_split_tokens"]
    assert real.padding_side == recorded["padding_side"]
    assert real.model_max_length == recorded["model_max_length"]
    pieces = recorded["special_pieces"]
    assert [real.convert_tokens_to_ids(piece) for piece in pieces] == list(pieces.values())


def test_saved_vocabulary_is_the_published_file_byte_for_byte(
    golden: Path, real: ChatGLMTokenizer, tmp_path: Path
) -> None:
    real.save_pretrained(tmp_path)
    saved = (tmp_path / "ice_text.model").read_bytes()
    assert saved == (golden / "tokenizer" / "ice_text.model").read_bytes()


def test_vocabulary_with_other_ids_finds_its_marks_by_name(small: ChatGLMTokenizer) -> None:
    assert small.bos_token_id == small.sp_model.piece_to_id("<sop>") != 130004
    ids = small.encode("工作", "两人")
    assert ids.count(small.gmask_token_id) == ids.count(small.bos_token_id) == 1
    assert ids[-1] == small.eos_token_id
    assert small.decode(ids) == "工作 两人"


@pytest.mark.parametrize(
    "text",
    [
        "验电器",
        "a\tb\n\nc",
        "  前后  ",
        "x" + " " * 85 + "y",
        "表情👋与生僻字龘",
        "没有 [gMASK] </s> 记号",
        "<|blank_99|>",
    ],
)
def test_text_survives_encoding_and_decoding(small: ChatGLMTokenizer, text: str) -> None:
    assert small.decode(small.encode(text)) == text


def test_special_names_in_distrusted_text_stay_text(small: ChatGLMTokenizer) -> None:
    text = "先<eop>后[MASK]再<sop>完<pad><unk>"
    marks = {
        small.eos_token_id,
        small.bos_token_id,
        small.mask_token_id,
        small.pad_token_id,
        small.unk_token_id,
    }
    assert marks & set(small.encode(text, add_special_tokens=False))
    ids = small.encode(text, add_special_tokens=False, split_special_tokens=True)
    assert not marks & set(ids)
    assert small.decode(ids) == text


def test_blanks_and_newlines_beside_a_special_token_are_dropped(small: ChatGLMTokenizer) -> None:
    assert small.encode("验电  [MASK]\n工作") == small.encode("验电[MASK]工作")


def test_mask_and_positions_of_a_padded_row(small: ChatGLMTokenizer) -> None:
    ids = [small.pad_token_id] * 2 + [50, small.gmask_token_id, small.bos_token_id, 51]
    encoding = small.pad({"input_ids": ids[2:]}, padding="max_length", max_length=6)
    assert encoding["input_ids"] == ids
    assert encoding["position_ids"].tolist() == [[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 2]]
    blocked = encoding["attention_mask"][0]
    assert blocked[:2].all()
    assert blocked[:, :2].all()
    assert np.argwhere(~blocked[2:, 4:]).tolist() == [[2, 0], [3, 0], [3, 1]]


def test_padding_length_can_be_rounded_up(small: ChatGLMTokenizer) -> None:
    encoding = small(["工作", "验电器 220 V"], padding=True, pad_to_multiple_of=16, return_tensors="np")
    assert encoding["input_ids"].shape[1] % 16 == 0
    assert encoding["attention_mask"].shape[2:] == encoding["input_ids"].shape[1:] * 2


def test_right_padding_is_refused(small: ChatGLMTokenizer) -> None:
    with pytest.raises(ValueError, match="左侧"):
        small(["工作", "验电器"], padding=True, padding_side="right")


def test_special_tokens_mask_marks_what_was_added(small: ChatGLMTokenizer) -> None:
    encoding = small("工作", "两人", return_special_tokens_mask=True)
    ids, mask = encoding["input_ids"], encoding["special_tokens_mask"]
    assert mask == small.get_special_tokens_mask(ids, already_has_special_tokens=True)
    assert sum(mask) == 3


def test_checkpoints_before_v1_1_have_image_ids_in_front(small: ChatGLMTokenizer, small_vocab: Path) -> None:
    shifted = ChatGLMTokenizer(str(small_vocab), num_image_tokens=200)
    assert shifted.encode("工作 [MASK]") == [index + 200 for index in small.encode("工作 [MASK]")]
    assert len(shifted) == len(small) + 200
    assert shifted.decode([5, 199, *shifted.encode("工作")]) == "工作"
    assert shifted.convert_ids_to_tokens(5) == "<image_5>"


def assert_same(one: ChatGLMTokenizer, other: ChatGLMTokenizer) -> None:
    for text in ("验电  [MASK] 工作\n220 V [gMASK]", "<sop>", " "):
        assert one(text)["input_ids"] == other(text)["input_ids"]
        assert one.decode(one.encode(text)) == other.decode(one.encode(text))
    assert one.special_tokens_map == other.special_tokens_map
    assert one.get_vocab() == other.get_vocab()


def test_saving_and_loading_gives_the_same_tokenizer(small: ChatGLMTokenizer, tmp_path: Path) -> None:
    small.save_pretrained(tmp_path / "一")
    loaded = ChatGLMTokenizer.from_pretrained(tmp_path / "一", trust_remote_code=False)
    assert_same(small, loaded)
    loaded.save_pretrained(tmp_path / "二")
    first = {path.name: path.read_bytes() for path in (tmp_path / "一").iterdir()}
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "二").iterdir()}


def test_token_added_by_a_person_survives_saving(small_vocab: Path, tmp_path: Path) -> None:
    tokenizer = ChatGLMTokenizer(str(small_vocab))
    tokenizer.add_tokens(["国家电网"])
    tokenizer.save_pretrained(tmp_path)
    loaded = ChatGLMTokenizer.from_pretrained(tmp_path, trust_remote_code=False)
    assert loaded.convert_tokens_to_ids("国家电网") == len(loaded) - 1 == small_size(tokenizer)
    assert loaded.decode(loaded.encode("在国家电网工作")).replace(" ", "") == "在国家电网工作"


def small_size(tokenizer: ChatGLMTokenizer) -> int:
    return int(tokenizer.sp_model.get_piece_size())


def test_stored_ids_of_another_vocabulary_are_not_believed(small: ChatGLMTokenizer, tmp_path: Path) -> None:
    small.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    mark = {"content": "<sop>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    config["added_tokens_decoder"] = {"7": {**mark, "special": True}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    assert_same(small, ChatGLMTokenizer.from_pretrained(tmp_path, trust_remote_code=False))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_tokenizer_can_be_copied_and_sent_to_another_process(small: ChatGLMTokenizer, clone: Any) -> None:
    assert_same(small, clone(small))


PUBLISHED_CONFIG = {
    "name_or_path": "THUDM/chatglm-6b",
    "bos_token": "<sop>",
    "eos_token": "<eop>",
    "end_token": "</s>",
    "gmask_token": "[gMASK]",
    "mask_token": "[MASK]",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "remove_space": False,
    "do_lower_case": False,
    "tokenizer_class": "ChatGLMTokenizer",
    "num_image_tokens": 0,
    "auto_map": {"AutoTokenizer": ["tokenization_chatglm.ChatGLMTokenizer", None]},
}


def published_folder(folder: Path, vocab: Path) -> Path:
    (folder / "tokenizer_config.json").write_text(json.dumps(PUBLISHED_CONFIG), encoding="utf-8")
    auto_map = {"AutoConfig": "configuration_chatglm.ChatGLMConfig"}
    config = {"model_type": "chatglm", "auto_map": auto_map}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenization_chatglm.py").write_text(
        "raise SystemExit('remote code was run')", encoding="utf-8"
    )
    (folder / "configuration_chatglm.py").write_text(
        "raise SystemExit('remote code was run')", encoding="utf-8"
    )
    (folder / "ice_text.model").write_bytes(vocab.read_bytes())
    return folder


def test_published_folder_loads_without_its_code(
    small: ChatGLMTokenizer, small_vocab: Path, tmp_path: Path
) -> None:
    folder = published_folder(tmp_path, small_vocab)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    assert isinstance(tokenizer, ChatGLMTokenizer)
    assert_same(small, tokenizer)
    assert "auto_map" not in tokenizer.init_kwargs


@pytest.mark.slow
def test_published_folder_asks_nobody_with_standard_input_closed(small_vocab: Path, tmp_path: Path) -> None:
    script = (
        "import sys; import xiaoan.chatglm.tokenization_chatglm; from transformers import AutoTokenizer\n"
        "t = AutoTokenizer.from_pretrained(sys.argv[1])\n"
        "print(type(t).__module__)"
    )
    folder = published_folder(tmp_path, small_vocab)
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "xiaoan.chatglm.tokenization_chatglm"


def test_missing_special_pieces_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "other.model"
    path.write_bytes(train_pieces(["[MASK]", "<eop>"], ["<n>"]))
    with pytest.raises(CheckpointError, match=r"\[gMASK\]") as caught:
        ChatGLMTokenizer(str(path))
    assert "<sop>" in caught.value.message
    assert "<|tab|>" in caught.value.message
    assert "<eop>" not in caught.value.message


def test_vocabulary_without_blank_pieces_keeps_plain_blanks(tmp_path: Path) -> None:
    path = tmp_path / "plain.model"
    path.write_bytes(train_pieces(SPECIAL_PIECES, ["<n>", "<|tab|>"]))
    tokenizer = ChatGLMTokenizer(str(path))
    assert tokenizer.decode(tokenizer.encode("工作\n\t两人   进行")) == "工作\n\t两人 进行"


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\x00" * 64])
def test_file_that_is_no_piece_model_is_refused_in_one_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ice_text.model"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="ice_text"):
        ChatGLMTokenizer(str(path))
