import io
import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from xiaoan.cli.services import Services
from xiaoan.cli.tuning_flags import PtuningFlags
from xiaoan.cli.tuning_material import read_material
from xiaoan.config import Settings
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair


def written(path: Path, *records: Mapping[str, object]) -> str:
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in records), encoding="utf-8")
    return str(path)


def quiet() -> Services:
    return Services(stdout=io.StringIO(), stderr=io.StringIO())


def test_a_file_mixed_in_may_have_the_usual_columns_beside_data_with_its_own(tmp_path: Path) -> None:
    own = written(tmp_path / "own.jsonl", *({"q": f"第{i}条线路", "a": f"{i}号"} for i in range(4)))
    usual = written(tmp_path / "usual.jsonl", {"content": "你好", "summary": "您好"})
    flags = PtuningFlags(
        output="x",
        train_file=own,
        prompt_column="q",
        response_column="a",
        mix=[f"{usual}:0.2"],
        general=usual,
    )
    data = read_material(flags, Settings(), quiet(), seed=0).data
    assert Pair("你好", "您好") in data.train(random.Random(0))
    assert data.general == (Pair("你好", "您好"),)


def test_a_file_mixed_in_with_neither_columns_is_refused(tmp_path: Path) -> None:
    own = written(tmp_path / "own.jsonl", {"q": "第1条线路", "a": "1号"})
    other = written(tmp_path / "other.jsonl", {"问": "你好", "答": "您好"})
    flags = PtuningFlags(output="x", train_file=own, prompt_column="q", response_column="a", general=other)
    with pytest.raises(UsageError, match="content"):
        read_material(flags, Settings(), quiet(), seed=0)
