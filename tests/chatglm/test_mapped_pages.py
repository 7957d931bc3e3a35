"""What was mapped and copied is given back, what has no other home never is."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from xiaoan.chatglm.mapped_pages import MappedFiles
from xiaoan.chatglm.weight_files import read_weights

WEIGHTS = {name: torch.full((1024, 1024), float(i)) for i, name in enumerate("abcd", start=1)}
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's mappings")


@pytest.fixture(params=["safetensors", "bin"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"权重 文件.{request.param}"
    save_file(WEIGHTS, path) if request.param == "safetensors" else torch.save(WEIGHTS, path)
    return path


def resident_kib(path: Path) -> int:
    """How much of a file is in this process's memory."""
    found, counting = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if "-" in line.split()[0] and ":" not in line.split()[0]:
            counting = line.endswith(path.name)
        elif counting and line.startswith("Rss:"):
            found += int(line.split()[1])
    return found


@linux_only
def test_pages_of_a_mapped_tensor_are_given_back_and_come_again_from_the_file(file: Path) -> None:
    weights = read_weights([file])
    mapped = MappedFiles.of([file])
    copies = {name: tensor.clone() for name, tensor in weights.items()}
    assert resident_kib(file) > 16_000
    for tensor in weights.values():
        mapped.give_back(tensor)
    assert resident_kib(file) < 200
    for name, tensor in WEIGHTS.items():
        assert torch.equal(weights[name], tensor)
        assert torch.equal(copies[name], tensor)


@linux_only
def test_what_is_mapped_from_no_file_stays(file: Path) -> None:
    mapped = MappedFiles.of([file])
    own = torch.ones(2**20)
    mapped.give_back(own)
    assert bool((own == 1).all())
    assert mapped.range_of(own) is None


def test_ranges_are_whole_pages_within_the_file(tmp_path: Path) -> None:
    tensor = torch.ones(3000)
    first, end = tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes
    start = first // 4096 * 4096
    maps = tmp_path / "maps"
    line = f"{start:x}-{end:x} r--p 00000000 fe:00 12 {tmp_path}/w.bin\n"
    maps.write_text(
        f"1000-2000 r-xp 00000000 fe:00 9 /bin/sh\n{line}3000-4000 rw-p 0 00:00 0 \n", encoding="utf-8"
    )
    mapped = MappedFiles.of([tmp_path / "w.bin"], maps=maps)
    assert mapped.range_of(tensor) == (start, end)
    assert mapped.range_of(tensor[1:]) == ((first + 4) // 4096 * 4096, end)
    assert mapped.range_of(tensor[:0]) is None
    assert mapped.range_of(tensor[::2]) is None
    assert MappedFiles.of([tmp_path / "other.bin"], maps=maps).range_of(tensor) is None


def test_without_a_list_of_mappings_nothing_is_done(tmp_path: Path) -> None:
    mapped = MappedFiles.of([tmp_path / "w.bin"], maps=tmp_path / "none")
    mapped.give_back(torch.ones(2000))
