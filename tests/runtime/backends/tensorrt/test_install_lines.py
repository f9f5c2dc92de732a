"""How to install what is missing: errors, pyproject.toml, docs/tensorrt.md and README.md agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runtime.backends import openvino
from runtime.backends.tensorrt import library as tensorrt_library

REPOSITORY = Path(__file__).resolve().parents[4]
DOCS = (REPOSITORY / "docs" / "tensorrt.md").read_text()
README = (REPOSITORY / "README.md").read_text()
PYPROJECT = (REPOSITORY / "pyproject.toml").read_text()


def extra(name: str) -> set[str]:
    """The requirements of an extra, without the systems they are for."""
    section = PYPROJECT.split("[project.optional-dependencies]")[1].split("\n[")[0]
    (body,) = re.findall(rf"(?ms)^{re.escape(name)} = \[(.*?)\]$", section)
    return {item.split(";")[0].strip() for item in re.findall(r'"([^"]+)"', body)}


def requirements(line: str) -> set[str]:
    return set(re.findall(r"'([^']+)'", line))


def row(start: str) -> str:
    (found,) = [line for line in DOCS.splitlines() if line.startswith(f"| {start}")]
    return found


@pytest.fixture
def install_line(monkeypatch: pytest.MonkeyPatch):
    def line(machine: str, cuda: int, jetson: bool = False) -> str:
        monkeypatch.setattr(tensorrt_library.platform, "system", lambda: "Linux")
        monkeypatch.setattr(tensorrt_library.platform, "machine", lambda: machine)
        monkeypatch.setattr(tensorrt_library, "_is_jetson", lambda: jetson)
        monkeypatch.setattr(tensorrt_library, "_cuda_major", lambda: cuda)
        return tensorrt_library.install_line()

    return line


@pytest.mark.parametrize("cuda", [12, 13])
def test_a_pc_is_told_the_same_everywhere(install_line, cuda: int) -> None:
    told = requirements(install_line("x86_64", cuda))
    assert len(told) == 2 and f"tensorrt-cu{cuda}>=10.3,<12" in told
    assert told == extra(f"tensorrt-cu{cuda}")
    assert told == requirements(row(f"x86-64 Linux, CUDA {cuda}"))


@pytest.mark.parametrize(("cuda", "start"), [(12, "Jetson, JetPack 6"), (13, "Jetson, JetPack 7")])
def test_a_jetson_gets_the_bindings_of_its_cuda(install_line, cuda: int, start: str) -> None:
    line = install_line("aarch64", cuda, jetson=True)
    assert requirements(line) == requirements(row(start)) and "python3-libnvinfer" in line
    assert requirements(line) < extra(f"tensorrt-cu{cuda}")
    assert line.endswith(f"<{cuda + 1}'")


@pytest.mark.lint
def test_the_plain_extra_is_the_one_the_readme_says_it_is() -> None:
    assert extra("tensorrt") == {"mgca[tensorrt-cu13]"}
    (line,) = [line for line in README.splitlines() if '".[tensorrt]"' in line]
    assert "CUDA 13 driver" in line
    assert "docs/tensorrt.md#install" in README and "\n## Install\n" in DOCS


def test_openvino_is_the_extras_and_comes_by_itself_on_x86() -> None:
    assert extra("openvino") == {openvino.REQUIREMENT}
    (line,) = re.findall(r'(?m)^    "(openvino.*)",$', PYPROJECT)
    requirement, marker = line.split(";")
    assert requirement == openvino.REQUIREMENT and "x86_64" in marker and "AMD64" in marker


def test_the_cuda_build_is_only_an_extra() -> None:
    """Both builds of ONNX Runtime install one module, so no install may bring both unasked."""
    assert extra("cuda") == {"onnxruntime-gpu>=1.20"}
    requirements_only = re.sub(r"(?m)#.*$", "", PYPROJECT)
    assert requirements_only.count("onnxruntime-gpu") == 1
    assert not re.search(r"mgca\[[^]]*cuda", requirements_only)
