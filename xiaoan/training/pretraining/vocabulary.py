"""A small SentencePiece vocabulary of our own, with the special pieces of ChatGLM-6B.

One character is one token: exam answers hang on single characters (可/不可, 1.5/2.5), and a text with a dropped or
mistyped character then still looks like itself. Characters that no text of ours has, but that are common
(GB 2312, first level), get a piece too, so that other people's banks do not fall apart into bytes.
"""

import io
import string
from collections.abc import Iterable

import sentencepiece

CONTROL_PIECES = ("[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>")
TEXT_PIECES = ("<n>", "<|tab|>", *(f"<|blank_{n}|>" for n in range(2, 81)))
_LINE_LENGTH = 500


def common_hanzi() -> str:
    """Return the 3755 characters of GB 2312's first level."""
    last = {0xD7: 0xF9}
    return "".join(
        bytes((row, cell)).decode("gb2312")
        for row in range(0xB0, 0xD8)
        for cell in range(0xA1, last.get(row, 0xFE) + 1)
    )


def common_characters() -> str:
    """Return the common Chinese characters, ASCII, and the full-width marks of ordinary text."""
    return common_hanzi() + string.ascii_letters + string.digits + string.punctuation + "。、《》“”‘’·°Ω≥≤±×√"


def train_vocabulary(texts: Iterable[str]) -> bytes:
    """Return a serialised SentencePiece model with one piece a character, byte fallback and ChatGLM's marks."""
    common = common_characters()
    lines = [*texts, *(common[i : i + _LINE_LENGTH] for i in range(0, len(common), _LINE_LENGTH))]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="unigram",
        vocab_size=8000,
        hard_vocab_limit=False,
        max_sentencepiece_length=1,
        character_coverage=1.0,
        byte_fallback=True,
        normalization_rule_name="nfkc",
        control_symbols=list(CONTROL_PIECES),
        user_defined_symbols=list(TEXT_PIECES),
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        pad_piece="<pad>",
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()
