"""ChatGLM-6B's tokenizer: a SentencePiece model plus the marks of the GLM objective.

Every special id is looked up by its piece name in the SentencePiece model, so the published `ice_text.model`
and a small vocabulary of our own, with the same special pieces under other ids, work alike. Text in, ids out:

    你好  →  ▁ 你好 [gMASK] <sop>          question alone; the answer follows <sop>
    你好, 你好！  →  ▁ 你好 [gMASK] <sop> ▁ 你好 ! <eop>          question and answer

Newline, tab and runs of 2 to 80 blanks have pieces of their own. The names `<sop> <eop> <unk> <pad> [MASK]`
become special ids wherever they stand in a text, all other special names are plain text. That is the
published behaviour; a caller who does not trust its text passes `split_special_tokens=True`.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from transformers import AddedToken, AutoTokenizer, BatchEncoding, PreTrainedTokenizer
from transformers.utils.generic import PaddingStrategy

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.errors import CheckpointError

VOCAB_FILE_NAME = "ice_text.model"
NEWLINE_PIECE = "<n>"
TAB_PIECE = "<|tab|>"
LONGEST_BLANK_RUN = 80
SPLIT_TOKENS = {
    "bos_token": "<sop>",
    "eos_token": "<eop>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "[MASK]",
}
"""The special tokens that are cut out of a text before SentencePiece sees it."""
SILENT_TOKENS = {"gmask_token": "[gMASK]", "end_token": "</s>"}
"""The special tokens that a text can never produce."""

_BLANK_PIECE = re.compile(r"<\|blank_(\d{1,2})\|>")


def blank_piece(length: int) -> str:
    """Return the name of the piece that stands for `length` blanks in a row (2 to 80)."""
    return f"<|blank_{length}|>"


class ChatGLMTokenizer(PreTrainedTokenizer):
    """Tokenizer of ChatGLM-6B v1 and of any SentencePiece model with the same special pieces.

    Padding is on the left. When a length is given (padding or truncation), the encoding also carries, per row
    of s ids:
        attention_mask: bool [1, s, s], True = blocked. The context (all before `<sop>`) is seen by every row,
            from `<sop>` on a row sees what is before it; rows and columns of padding are blocked.
        position_ids: int64 [2, s]. First row: place in the context, then the place of `[MASK]` (else
            `[gMASK]`); second row: 0 in the context, 1, 2, … from `<sop>`. Zero on padding.

    Args:
        vocab_file: the SentencePiece model file.
        num_image_tokens: how many ids stand before the pieces (20000 in checkpoints older than v1.1, else 0).
        settings: what transformers stores in `tokenizer_config.json`; it may rename the special tokens.

    Raises:
        CheckpointError: the file is no SentencePiece model, or lacks special pieces (all are listed).
    """

    vocab_files_names = {"vocab_file": VOCAB_FILE_NAME}  # noqa: RUF012 - the base class declares it so
    model_input_names = ["input_ids", "attention_mask", "position_ids"]  # noqa: RUF012
    padding_side = "left"

    def __init__(self, vocab_file: str | None = None, *, num_image_tokens: int = 0, **settings: Any) -> None:
        if vocab_file is None:
            raise CheckpointError(f"没有分词模型：模型文件夹里应当有 {VOCAB_FILE_NAME}。\n请补下载这个文件。")
        named = dict(settings.pop("model_specific_special_tokens", None) or {})
        silent = {key: str(settings.pop(key, named.pop(key, name))) for key, name in SILENT_TOKENS.items()}
        for key in ("auto_map", "remove_space", "do_lower_case", "is_local", "local_files_only"):
            settings.pop(key, None)  # remote code we never run, and switches no published checkpoint turns on
        split = {key: str(settings.pop(key, None) or name) for key, name in SPLIT_TOKENS.items()}
        self.sp_model = _read_pieces(Path(vocab_file))
        self.num_image_tokens = num_image_tokens
        self._vocab = self._list_vocab()
        self._check_pieces([*split.values(), *silent.values()], Path(vocab_file))
        self.gmask_token = silent["gmask_token"]
        self.end_token = silent["end_token"]
        self._longest_blank = self._find_longest_blank()
        self._blank_run = re.compile(f" {{2,{max(self._longest_blank, 2)}}}")
        stored = settings.pop("added_tokens_decoder", {})
        super().__init__(  # type: ignore[no-untyped-call]
            **split,
            added_tokens_decoder={
                # Blanks beside a special token belong to nobody: they are dropped on both sides.
                **{
                    self._vocab[t]: AddedToken(t, lstrip=True, rstrip=True, special=True)
                    for t in split.values()
                },
                # Stored ids of pieces are not believed: another vocabulary has other ids.
                **{index: token for index, token in stored.items() if token.content not in self._vocab},
            },
            clean_up_tokenization_spaces=settings.pop("clean_up_tokenization_spaces", True),
            **({"model_specific_special_tokens": named} if named else {}),
            **settings,
        )
        self.init_kwargs.update(num_image_tokens=num_image_tokens, **silent)

    def _list_vocab(self) -> dict[str, int]:
        first = self.num_image_tokens
        vocab = {f"<image_{index}>": index for index in range(first)}
        pieces = self.sp_model.id_to_piece(list(range(self.sp_model.get_piece_size())))
        vocab.update({piece: first + index for index, piece in enumerate(pieces)})
        return vocab

    def _check_pieces(self, names: list[str], vocab_file: Path) -> None:
        missing = [name for name in [*names, NEWLINE_PIECE, TAB_PIECE] if name not in self._vocab]
        if missing:
            raise CheckpointError(
                f"分词模型 {vocab_file} 里缺少 ChatGLM 的专用符号：{' '.join(missing)}。\n"
                "这不是 ChatGLM-6B（第一代）的分词模型，请换成与权重配套的 ice_text.model。"
            )

    def _find_longest_blank(self) -> int:
        longest = 1
        while longest < LONGEST_BLANK_RUN and blank_piece(longest + 1) in self._vocab:
            longest += 1
        return longest

    @property
    def vocab_size(self) -> int:
        """Number of ids that have a piece; the model's embedding may hold more rows."""
        return len(self._vocab)

    @property
    def gmask_token_id(self) -> int:
        """Id of `[gMASK]`, the mark that the answer is to be generated."""
        return self._vocab[self.gmask_token]

    @property
    def end_token_id(self) -> int:
        """Id of `</s>`."""
        return self._vocab[self.end_token]

    def get_vocab(self) -> dict[str, int]:
        """Return every piece and added token with its id."""
        return {**self._vocab, **self.added_tokens_encoder}

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        marked = text.replace("\n", NEWLINE_PIECE).replace("\t", TAB_PIECE)
        if self._longest_blank > 1:
            marked = self._blank_run.sub(lambda run: blank_piece(len(run[0])), marked)
        pieces: list[str] = self.sp_model.encode(marked, out_type=str)
        return pieces

    def _convert_token_to_id(self, token: str) -> int:
        return self._vocab.get(token, self._vocab[str(self.unk_token)])

    def _convert_id_to_token(self, index: int) -> str:
        if index < self.num_image_tokens:
            return f"<image_{index}>"
        piece: str = self.sp_model.id_to_piece(index - self.num_image_tokens)
        return piece

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Return the text of `tokens`; bytes that are no valid UTF-8 come out as U+FFFD, one each."""
        return self.restore_whitespace(self.sp_model.decode_pieces(tokens))

    def restore_whitespace(self, text: str) -> str:
        """Return `text` with the names of newline, tab and blank pieces turned into what they stand for."""
        text = text.replace(NEWLINE_PIECE, "\n").replace(TAB_PIECE, "\t")
        return _BLANK_PIECE.sub(self._restore_blanks, text)

    def _restore_blanks(self, mark: re.Match[str]) -> str:
        length = int(mark[1])
        return (
            " " * length if mark[0] == blank_piece(length) and 2 <= length <= LONGEST_BLANK_RUN else mark[0]
        )

    def _decode(self, token_ids: int | list[int], *args: Any, **kwargs: Any) -> str:
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        silent = {self.pad_token_id, *range(self.num_image_tokens)}
        return super()._decode([index for index in ids if index not in silent], *args, **kwargs)

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """Return question ids, `[gMASK] <sop>` and, when an answer is given, its ids and `<eop>`."""
        ids = [*token_ids_0, self.gmask_token_id, self.bos_token_id]
        return ids if token_ids_1 is None else [*ids, *token_ids_1, self.eos_token_id]

    def get_special_tokens_mask(
        self,
        token_ids_0: list[int],
        token_ids_1: list[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """Return 1 for every mark that `build_inputs_with_special_tokens` adds and 0 for every other id."""
        if already_has_special_tokens:
            special = {*self.all_special_ids, self.gmask_token_id, self.end_token_id}
            return [int(index in special) for index in token_ids_0]
        mask = [0] * len(token_ids_0) + [1, 1]
        return mask if token_ids_1 is None else [*mask, *[0] * len(token_ids_1), 1]

    def _pad(
        self,
        encoded_inputs: dict[str, Any] | BatchEncoding,
        max_length: int | None = None,
        padding_strategy: PaddingStrategy = PaddingStrategy.DO_NOT_PAD,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
    ) -> dict[str, Any]:
        """Pad one row on the left; add its mask and positions when a length is known (see the class)."""
        if (padding_side or self.padding_side) != "left":
            raise ValueError("ChatGLM 的输入只能在左侧填充（padding_side='left'）。")
        ids = encoded_inputs["input_ids"]
        if padding_strategy == PaddingStrategy.LONGEST:
            max_length = len(ids)
        if max_length is None:
            return encoded_inputs  # type: ignore[return-value]  # BatchEncoding is a mapping, as in the base class
        if pad_to_multiple_of is not None:
            max_length = -(-max_length // pad_to_multiple_of) * pad_to_multiple_of
        context_length = ids.index(self.bos_token_id) if self.bos_token_id in ids else len(ids)
        padding = 0 if padding_strategy == PaddingStrategy.DO_NOT_PAD else max(max_length - len(ids), 0)
        if return_attention_mask is not False:
            mask = encoded_inputs.get("attention_mask")
            mask = self._blocked(len(ids), context_length) if mask is None else np.asarray(mask)
            encoded_inputs["attention_mask"] = np.pad(
                mask, [(0, 0), (padding, 0), (padding, 0)], constant_values=True
            )
        positions = encoded_inputs.get("position_ids")
        positions = self._positions(ids, context_length) if positions is None else np.asarray(positions)
        encoded_inputs["position_ids"] = np.pad(positions, [(0, 0), (padding, 0)])
        if "special_tokens_mask" in encoded_inputs:
            encoded_inputs["special_tokens_mask"] = [1] * padding + encoded_inputs["special_tokens_mask"]
        encoded_inputs["input_ids"] = [self.pad_token_id] * padding + ids
        return encoded_inputs  # type: ignore[return-value]

    @staticmethod
    def _blocked(length: int, context_length: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return the mask [1, length, length] of one row without padding, True = blocked."""
        visible = np.tril(np.ones((1, length, length), dtype=np.bool_))
        visible[:, :, :context_length] = True
        return ~visible

    def _positions(self, ids: list[int], context_length: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the positions [2, s] of one row without padding."""
        positions = np.zeros((2, len(ids)), dtype=np.int64)
        positions[0] = np.arange(len(ids))
        mask_id = self.mask_token_id if self.mask_token_id in ids else self.gmask_token_id
        if mask_id in ids:
            positions[0, context_length:] = ids.index(mask_id)
        positions[1, context_length:] = np.arange(1, len(ids) - context_length + 1)
        return positions

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """Write the SentencePiece model into `save_directory` and return its path."""
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        path = Path(save_directory) / (prefix + VOCAB_FILE_NAME)
        path.write_bytes(self.sp_model.serialized_model_proto())
        return (str(path),)


def _read_pieces(vocab_file: Path) -> Any:
    """Return the SentencePieceProcessor of a file.

    Python reads the file: the library's own reader fails on Windows paths with Chinese in them.
    """
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=vocab_file.read_bytes())
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"读不了分词模型 {vocab_file}。\n"
            "它应当是一个 SentencePiece 模型（ChatGLM-6B 的约 2.7 MB）。请重新下载这个文件。"
        ) from error


AutoTokenizer.register(ChatGLMConfig, ChatGLMTokenizer, exist_ok=True)
