"""A model of any size with random weights: in files as the published checkpoints are laid out, or asked for one by one.

It answers gibberish. It is there to prove what a machine can load and to measure how fast it answers, where no
checkpoint of that size is at hand.
"""

import hashlib
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from xiaoan.chatglm.checkpoint import EMBEDDING_KEY, HEAD_KEY, fill, parameter_bytes
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.device import check_memory, dtype_name
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.quantization import quantize_
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.chatglm.weight_files import WEIGHT_FILE_NAMES, Weights
from xiaoan.chatglm.weight_shards import check_room, places_of, split_by_bytes, write_index, write_shard
from xiaoan.errors import StorageError

NORM_SPREAD = 0.02
"""Standard deviation of the layer norms' weights around 1, and of all biases around 0."""
INVERSE_FREQUENCY = "attention.rotary_emb.inv_freq"


def published_shapes(config: ChatGLMConfig) -> dict[str, torch.Size]:
    """Return shape by name of everything that a published checkpoint of this configuration stores.

    That is every parameter, the head as a second copy of the embedding, and the inverse frequencies of each block,
    which no port reads. 368 of them at 28 layers.
    """
    with torch.device("meta"):
        model = ChatGLMForConditionalGeneration(config)
    shapes: dict[str, torch.Size] = {}
    for name, tensor in model.state_dict().items():
        block, _, rest = name.rpartition("attention.query_key_value.weight")
        if block and not rest:
            shapes[block + INVERSE_FREQUENCY] = torch.Size([config.head_dim // 4])
        shapes[name] = tensor.shape
    return shapes


class RandomWeights(Mapping[str, Tensor]):
    """Random weights under the published names; each is made when it is asked for and kept by nobody.

    The same name has the same values for the same seed, whatever was asked for before, and the head has those of the
    embedding where they are tied.

    Args:
        config: without quantised blocks.
        dtype: of all tensors.
        seed: of the chance.
        device: where they are made; other devices draw other numbers.
        tokenizer: rows of the embedding that it has no text for (special tokens, and those beyond its pieces) are
            zeros, so that an answer is made of text; None leaves them random.
    """

    def __init__(
        self,
        config: ChatGLMConfig,
        *,
        dtype: torch.dtype = torch.float16,
        seed: int = 0,
        device: torch.device | str = "cpu",
        tokenizer: ChatGLMTokenizer | None = None,
    ) -> None:
        if config.quantization_bit:
            raise ValueError("random weights are in floating point; quantise them afterwards")
        self._config = config
        self._shapes = published_shapes(config)
        self._dtype = dtype
        self._seed = seed
        self._device = torch.device(device)
        self._tokenizer = tokenizer

    def __len__(self) -> int:
        return len(self._shapes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __contains__(self, name: object) -> bool:
        return name in self._shapes

    def __getitem__(self, name: str) -> Tensor:
        """Return the tensor called `name`, made anew."""
        shape = self._shapes[name]
        if name.endswith(INVERSE_FREQUENCY):
            return self._inverse_frequencies(shape[0])
        if name == HEAD_KEY and self._config.tie_word_embeddings:
            name = EMBEDDING_KEY
        made = torch.empty(shape, dtype=self._dtype, device=self._device)
        is_norm = "layernorm" in name
        spread = NORM_SPREAD if is_norm or name.endswith(".bias") else self._config.initializer_range
        made.normal_(float(is_norm and name.endswith(".weight")), spread, generator=self._chance(name))
        if name == EMBEDDING_KEY and self._tokenizer is not None:
            made[len(self._tokenizer) :] = 0
            made[_ids_without_text(self._tokenizer)] = 0
        return made

    def sizes(self) -> dict[str, int]:
        """Return bytes by name, making nothing."""
        return {name: math.prod(shape) * self._dtype.itemsize for name, shape in self._shapes.items()}

    def _inverse_frequencies(self, count: int) -> Tensor:
        exponent = torch.arange(0, count, device=self._device) / count
        return (1.0 / 10000**exponent).to(self._dtype)

    def _chance(self, name: str) -> torch.Generator:
        digest = hashlib.sha256(f"{self._seed} {name}".encode()).digest()
        return torch.Generator(self._device).manual_seed(int.from_bytes(digest[:7], "big"))


def _ids_without_text(tokenizer: ChatGLMTokenizer) -> list[int]:
    """Return the ids of the special tokens. A tied embedding of random numbers would repeat the last of the prompt."""
    return sorted({*tokenizer.all_special_ids, tokenizer.gmask_token_id, tokenizer.end_token_id})


def random_model(
    config: ChatGLMConfig,
    *,
    device: torch.device,
    dtype: torch.dtype,
    bits: int = 0,
    seed: int = 0,
    free: int | None = None,
) -> ChatGLMForConditionalGeneration:
    """Return a model with random weights in memory, in evaluation mode; nothing is written to a disk.

    Args:
        config: its shape; left as it is.
        device: where it goes; its weights are made there.
        dtype: of everything that is not quantised.
        bits: 8 or 4 for quantised blocks, 0 for none.
        seed: of the chance.
        free: bytes that can be had on `device`, None when unknown.

    Raises:
        DeviceError: it does not fit into `free`; told before anything is made.
    """
    own = ChatGLMConfig.from_dict(config.to_dict())
    own._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = ChatGLMForConditionalGeneration(own)
    weights = RandomWeights(own, dtype=dtype, seed=seed, device=device)
    if bits:
        quantize_(model, bits)
    precision = f"int{bits}" if bits else dtype_name(dtype)
    check_memory(precision, device, parameter_bytes(model, dtype), free)
    fill(model, weights, device, dtype)
    return model


def write_random_model(
    folder: Path,
    config: ChatGLMConfig,
    *,
    shards: int = 8,
    dtype: torch.dtype = torch.float16,
    seed: int = 0,
    tokenizer: ChatGLMTokenizer | None = None,
    form: str = "safetensors",
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a model folder with random weights as the published ones are laid out, one shard in memory at a time.

    Args:
        folder: appears when everything is in it.
        config: the shape, such as `ChatGLMConfig()` for 6B; special ids are the tokenizer's where one is given.
        shards: how many weight files.
        dtype: of the stored weights.
        seed: of the chance.
        tokenizer: whose files go into the folder; it may have fewer pieces than the embedding has rows, see
            `RandomWeights`. Without one `load_model` takes the folder, `load_checkpoint` does not.
        form: "safetensors", or "bin" as THUDM/chatglm-6b was published.
        on_progress: told the bytes written and the bytes of all.

    Raises:
        StorageError: the folder is there and not empty, the disk is too small, or it cannot be written.
        ValueError: the tokenizer has more pieces than the model has rows.
    """
    config = _stored_config(config, dtype, tokenizer)
    weights = RandomWeights(config, dtype=dtype, seed=seed, tokenizer=tokenizer)
    if folder.exists() and any(folder.iterdir()):
        raise StorageError(f"{folder} 里已经有文件，不会覆盖。\n请换一个文件夹，或先移走原来的。")
    sizes = weights.sizes()
    check_room(folder, sum(sizes.values()))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True
        ) as near:
            draft = Path(near) / folder.name
            draft.mkdir()
            _write_shards(draft, weights, shards, form, on_progress)
            config.save_pretrained(draft)
            if tokenizer is not None:
                tokenizer.save_pretrained(draft)
            if folder.exists():
                folder.rmdir()
            shutil.move(draft, folder)
    except OSError as error:
        raise StorageError(f"模型写不进 {folder}：{error.strerror}。\n请检查写入权限和磁盘空间。") from error


def _stored_config(
    config: ChatGLMConfig, dtype: torch.dtype, tokenizer: ChatGLMTokenizer | None
) -> ChatGLMConfig:
    """Return the configuration of a stored base, with the tokenizer's ids for the special tokens."""
    document = {**config.to_dict(), "dtype": dtype_name(dtype)}
    document["architectures"] = [ChatGLMForConditionalGeneration.__name__]
    if tokenizer is not None:
        if len(tokenizer) > config.vocab_size:
            raise ValueError(f"{len(tokenizer)} pieces, but only {config.vocab_size} rows of the embedding")
        names = ("bos_token_id", "eos_token_id", "pad_token_id", "mask_token_id", "gmask_token_id")
        document.update({name: getattr(tokenizer, name) for name in names})
    return ChatGLMConfig.from_dict(document)


def _write_shards(
    folder: Path,
    weights: RandomWeights,
    shards: int,
    form: str,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    whole = dict(zip(("safetensors", "bin"), WEIGHT_FILE_NAMES, strict=True))[form]
    sizes = weights.sizes()
    groups = split_by_bytes(sizes, shards)
    places = places_of(groups, whole)
    total, done = sum(sizes.values()), 0
    for group in groups:
        _write_one(folder / places[group[0]], {name: weights[name] for name in group})
        done += sum(sizes[name] for name in group)
        if on_progress is not None:
            on_progress(done, total)
    write_index(folder, places, total, whole)


def _write_one(path: Path, shard: Weights) -> None:
    torch.save(shard, path) if path.suffix == ".bin" else write_shard(path, shard)
