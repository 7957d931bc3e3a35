"""A model's folder and the small things in it: found or downloaded, configuration, tokenizer."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.quantization import QUANTIZED_BITS
from xiaoan.chatglm.tokenization_chatglm import VOCAB_FILE_NAME, ChatGLMTokenizer
from xiaoan.chatglm.weight_files import file_fault, raise_faults, read_json
from xiaoan.errors import CheckpointError

MODEL_CARD_NAME = "model_card.json"
"""Written into a base that this program trained; published checkpoints have none."""

Fetch = Callable[[str], str]
"""A hub id → the local folder of its files."""

LATER_GENERATION_FIELDS = ("multi_query_attention", "padded_vocab_size", "ffn_hidden_size")
"""Found in the configurations of ChatGLM2, ChatGLM3 and GLM-4, which call themselves "chatglm" too."""
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
HUB_FILES = [
    "config.json",
    "tokenizer_config.json",
    VOCAB_FILE_NAME,
    "*.safetensors",
    "*.bin",
    "*.index.json",
]
# The HTTP library below the hub's client has changed before; its root error is a base of HfHubHTTPError.
_DOWNLOAD_ERRORS = cast("tuple[type[Exception], ...]", (OSError, ValueError, *HfHubHTTPError.__bases__))


def read_model_card(folder: Path) -> dict[str, Any]:
    """Return the card of a model folder: `demonstration`, `forms`, how it was trained; empty where there is none.

    Raises:
        CheckpointError: the card is broken.
    """
    path = folder / MODEL_CARD_NAME
    return read_json(path) if path.exists() else {}


def resolve_folder(model: str | Path, *, fetch: Fetch) -> Path:
    """Return the local folder of a folder name or hub id, downloading the latter.

    A text with one slash in it is a hub id, unless there is such a folder, or a folder as its first part.

    Raises:
        CheckpointError: there is no such folder, or the download failed.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if isinstance(model, Path) or not HUB_ID.fullmatch(model) or Path(model).parent.is_dir():
        found = "这是一个文件，不是文件夹" if folder.exists() else "找不到这个模型文件夹"
        raise CheckpointError(
            f"{found}：{folder}\n请检查 --model：写模型所在的文件夹（里面有 config.json），"
            "或模型站上的名字，例如 THUDM/chatglm-6b。"
        )
    try:
        return Path(fetch(model))
    except RepositoryNotFoundError as error:
        raise CheckpointError(
            f"模型站上没有 {model}，或者它需要登录才能下载。\n请检查名字；如果是本机的文件夹，请写完整路径。"
        ) from error
    except _DOWNLOAD_ERRORS as error:
        raise CheckpointError(
            f"下载不了 {model}：连不上模型站，本机缓存里也没有完整的一份。\n"
            "请检查网络；没有网络时，在能上网的机器上下载整个模型文件夹，拷过来后用 --model 文件夹 指定。"
        ) from error


def fetch_from_hub(hub_id: str) -> str:
    """Download the files of a hub id that loading needs, never its code; a complete cached copy is enough."""
    return snapshot_download(hub_id, allow_patterns=HUB_FILES)


def read_config(folder: Path) -> ChatGLMConfig:
    """Return the configuration of a model folder.

    Raises:
        CheckpointError: `config.json` is missing, broken or not that of a ChatGLM-6B v1, whole or with blocks in int8
            or int4.
    """
    path = folder / "config.json"
    document = read_json(path)
    later = [name for name in LATER_GENERATION_FIELDS if name in document]
    if later:
        raise CheckpointError(
            f"{folder} 是 ChatGLM2、ChatGLM3 或 GLM-4 的模型（{path.name} 里有 {'、'.join(later)}），"
            "结构和 ChatGLM-6B 第一代不同。\n小安只支持第一代，请换用 THUDM/chatglm-6b。"
        )
    model_type = document.get("model_type", "chatglm")
    if model_type != "chatglm":
        raise CheckpointError(
            f"{folder} 是 {model_type} 模型，小安只支持 ChatGLM-6B 第一代（model_type 为 chatglm）。\n"
            "请检查 --model。"
        )
    _check_quantisation(document, path)
    document.pop("auto_map", None)  # names remote code, which is never run and must not be saved on
    config = ChatGLMConfig.from_dict(document)
    _check_config(config, path)
    return config


def _check_quantisation(document: dict[str, Any], path: Path) -> None:
    bits = document.get("quantization_bit", 0)
    if bits is not None and (type(bits) is not int or bits not in (0, *QUANTIZED_BITS.values())):
        raise CheckpointError(
            f"{path} 的内容不对：quantization_bit 应当是 0、8 或 4，实际是 {bits!r}。\n请重新下载这个文件，或改正它。"
        )
    document["quantization_bit"] = bits or 0
    if document.get("quantization_embeddings"):
        raise CheckpointError(
            f"{path.parent} 的词嵌入也量化过（quantization_embeddings），小安读不了这一种。\n"
            "请换用只量化了各层的 THUDM/chatglm-6b-int4、THUDM/chatglm-6b-int8，或没有量化的 THUDM/chatglm-6b。"
        )


def _check_config(config: ChatGLMConfig, path: Path) -> None:
    sizes = ["vocab_size", "hidden_size", "num_layers", "num_attention_heads", "inner_hidden_size"]
    sizes += ["max_sequence_length", *(["pre_seq_len"] if config.pre_seq_len is not None else [])]
    faults = [
        f"{name} 应当是正整数，实际是 {getattr(config, name)!r}"
        for name in sizes
        if type(getattr(config, name)) is not int or getattr(config, name) < 1
    ]
    if not faults and config.hidden_size % (4 * config.num_attention_heads):
        faults.append(
            f"hidden_size {config.hidden_size} 应当能被 num_attention_heads "
            f"{config.num_attention_heads} 的 4 倍整除"
        )
    if config.position_encoding_2d is not True:
        faults.append("position_encoding_2d 应当是 true")
    if faults:
        raise CheckpointError(f"{path} 的内容不对：{'；'.join(faults)}。\n请重新下载这个文件，或改正它。")


def load_tokenizer(folder: Path) -> ChatGLMTokenizer:
    """Return the tokenizer of a model folder.

    Raises:
        CheckpointError: `ice_text.model` is missing, a git-LFS pointer or broken, or so is
            `tokenizer_config.json`.
    """
    vocab, settings = folder / VOCAB_FILE_NAME, folder / "tokenizer_config.json"
    if fault := file_fault(vocab):
        raise_faults([fault])
    if settings.exists():
        read_json(settings)
    loaded = ChatGLMTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return cast(ChatGLMTokenizer, loaded)


def check_special_ids(tokenizer: ChatGLMTokenizer, config: ChatGLMConfig, folder: Path) -> None:
    """Refuse a tokenizer that belongs to other weights.

    Raises:
        CheckpointError: ids of special tokens differ, or there are more pieces than embedding rows; all are
            listed.
    """
    faults = [
        f"{name}：config.json 是 {getattr(config, name)}，分词模型是 {getattr(tokenizer, name)}"
        for name in ("bos_token_id", "eos_token_id", "pad_token_id", "mask_token_id", "gmask_token_id")
        if getattr(config, name) != getattr(tokenizer, name)
    ]
    if len(tokenizer) > config.vocab_size:
        faults.append(f"分词模型有 {len(tokenizer)} 个词，模型只有 {config.vocab_size} 个")
    if faults:
        raise CheckpointError(
            f"{folder} 里的分词模型和权重不配套：\n  " + "\n  ".join(faults) + "\n"
            f"请换用与权重一起发布的 {VOCAB_FILE_NAME} 和 config.json。"
        )
