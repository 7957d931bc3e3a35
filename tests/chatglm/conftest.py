"""A tiny vocabulary and a tiny model folder with the structure of the real ones."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sentencepiece
import torch

from tests.conftest import GOLDEN_FOLDER
from tests.recorded import CASES, Recorded, load_recorded
from tests.tiny_models import tiny_config, tiny_model
from xiaoan.chatglm.checkpoint import save_checkpoint
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer, blank_piece

SPECIAL_PIECES = ["[MASK]", "[gMASK]", "[sMASK]", "<unused_0>", "<sop>", "<eop>", "<ENC>", "<dBLOCK>"]
TEXT_PIECES = ["<n>", "<|tab|>", *(blank_piece(length) for length in range(2, 81))]
CORPUS = [
    "在高压设备上工作，应至少由两人进行。",
    "验电时应使用相应电压等级的验电器。",
    "Is the 10 kV line dead? 220 V",
]


def train_pieces(control: list[str], text_pieces: list[str] = TEXT_PIECES) -> bytes:
    """A tiny SentencePiece model with byte fallback, its special pieces under ids of its own."""
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 5),
        model_writer=writer,
        vocab_size=len(control) + len(text_pieces) + 330,
        hard_vocab_limit=False,
        byte_fallback=True,
        character_coverage=1.0,
        pad_id=3,
        control_symbols=control,
        user_defined_symbols=text_pieces,
        minloglevel=2,
    )
    return writer.getvalue()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The values were recorded with one thread: with more, the same products round differently.

    Hidden states reach 156 (a unit in the last place is 1.5e-5 there). With one thread the eager path equals the record
    bit for bit; with two, one prompt of nine (p5, 11 tokens) differs by up to 1.9e-4, 1.2e-6 of the largest value.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_vocab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("词表") / "ice_text.model"
    path.write_bytes(train_pieces(SPECIAL_PIECES))
    return path


@pytest.fixture(scope="session")
def small(small_vocab: Path) -> ChatGLMTokenizer:
    return ChatGLMTokenizer(str(small_vocab))


@pytest.fixture(scope="session")
def _saved(small: ChatGLMTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("模型") / "tiny"
    config = tiny_config(tokenizer=small, max_sequence_length=64)
    save_checkpoint(tiny_model(config, dtype=torch.float32), small, folder)
    return folder


@pytest.fixture
def tiny_folder(_saved: Path, tmp_path: Path) -> Path:
    """A fresh copy of a tiny model folder: configuration, safetensors in float16, the tokenizer's files."""
    return Path(shutil.copytree(_saved, tmp_path / "tiny"))


@pytest.fixture(scope="session", params=CASES)
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """Each recorded case in turn; all of its values where the folder of them is at hand."""
    return load_recorded(request.param, GOLDEN_FOLDER if (GOLDEN_FOLDER / "README.md").is_file() else None)
