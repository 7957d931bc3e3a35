"""What of the Triton kernels can be tried without a GPU: running them in its interpreter, and compiling them for GPUs."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("triton") is None,
        reason="Triton is not installed; it comes with torch for CUDA on Linux",
    ),
]


def run_python(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_kernels_in_the_interpreter() -> None:
    file = "tests/chatglm/products/test_triton_kernels.py"
    told = run_python("-m", "pytest", "-p", "no:cacheprovider", file, TRITON_INTERPRET="1")
    assert re.search(r"\d+ passed", told)
    assert "skipped" not in told


@pytest.mark.parametrize("capability", [80, 90])
def test_kernels_compile_for_gpus(capability: int, tmp_path: Path) -> None:
    told = run_python(
        "-m",
        "tests.chatglm.products.compiled_kernels",
        str(capability),
        TRITON_INTERPRET="0",
        TRITON_CACHE_DIR=str(tmp_path),
    )
    assert "wrong: []" in told, told
