"""The weights in a TorchScript archive, taken out without running anything of it.

OpenAI's own releases (``ViT-B-16.pt``) are such archives: a zip of code, a pickle of nested modules
(``data.pkl``) and one record of raw numbers for each storage (``data/0``). ``torch.jit.load``
compiles and runs what it finds, and ``torch.load(weights_only=True)`` refuses it (torch 2.14). Here
the pickle is read with a list of the few names that may stand in it; a module becomes a dictionary
of its attributes, whatever its class is called.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.model.activation import Activation

__all__ = ["is_torchscript", "read_activation", "read_state"]

STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
# What TorchScript writes around lists and typed values; the value is the first argument.
WRAPPERS = ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist")
# What TorchScript's own pickler writes; no weights need more.
OPCODES = frozenset(
    "PROTO GLOBAL BINPUT LONG_BINPUT BINGET LONG_BINGET NONE NEWTRUE NEWFALSE BININT BININT1 "
    "BININT2 LONG1 BINFLOAT BINUNICODE BINPERSID MARK TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_TUPLE "
    "EMPTY_LIST EMPTY_DICT APPEND APPENDS SETITEM SETITEMS REDUCE BUILD NEWOBJ STOP".split()
)
# OpenAI's blocks hold their mask as an attribute, which is no weight.
NO_WEIGHT = "attn_mask"
# The code of a CLIP is about half a megabyte.
MOST_CODE_BYTES = 64 * 2**20


def is_torchscript(path: Path) -> bool:
    """Whether a file is a zip with the code of TorchScript in it."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def read_activation(path: Path) -> Activation | None:
    """What the archive's code computes between the two layers of an MLP, None if it cannot be told.

    The code is read as text: QuickGELU is a product with ``torch.sigmoid``, GELU is ``torch.gelu``.
    """
    with zipfile.ZipFile(path) as archive:
        files = [info for info in archive.infolist() if "/code/" in info.filename]
        files = [info for info in files if info.filename.endswith(".py")]
        if sum(info.file_size for info in files) > MOST_CODE_BYTES:
            return None
        code = "".join(archive.read(info).decode("utf-8", "replace") for info in files)
    quick, plain = "torch.sigmoid(" in code, "torch.gelu(" in code
    if quick == plain:
        return None
    return "quickgelu" if quick else "gelu"


def read_state(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers by their dotted names, as the module's ``state_dict()`` has them.

    Raises:
        ValueError: it is not what ``torch.jit.save`` writes, or names what has no business there.
    """
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("a TorchScript archive without its data.pkl (of before torch 1.4)")
        root = pickles[0].removesuffix("data.pkl")
        unpickler = _ModuleUnpickler(archive, root)
        try:
            module = unpickler.load()
        except (pickle.UnpicklingError, AttributeError, TypeError, IndexError, EOFError) as error:
            raise ValueError(f"its data.pkl is no pickle of modules ({error})") from error
    if not isinstance(module, unpickler.Module):
        raise ValueError("its data.pkl holds no module")
    return dict(_list_tensors(module, unpickler.Module))


def _list_tensors(root: Any, kind: type) -> Iterator[tuple[str, Tensor]]:
    seen: set[int] = set()  # a module that stands in two places is read once, a circle ends
    waiting = [("", root)]
    while waiting:
        prefix, module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        for name, value in vars(module).items():
            if isinstance(value, kind):
                waiting.append((f"{prefix}{name}.", value))
            elif isinstance(value, Tensor) and name != NO_WEIGHT:
                yield f"{prefix}{name}", value


class _ModuleUnpickler(pickle.Unpickler):
    """Reads nested modules of tensors; any other name in the pickle is an error.

    Args:
        archive: the zip.
        root: the folder in it, with a slash at its end.

    Attributes:
        Module: class of every module that was read.
    """

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        pickled = _read_stored(archive, archive.getinfo(f"{root}data.pkl"))
        _check_opcodes(pickled)
        super().__init__(io.BytesIO(pickled))
        self.archive, self.root = archive, root
        self.storages: dict[str, Tensor] = {}
        # Made anew for each file, so that nothing in a pickle can change what another one meets.
        self.Module = type("Module", (), {})

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the pickle stands for."""
        if module == "__torch__" or module.startswith("__torch__."):
            return self.Module
        if module == "torch" and name in STORAGES:
            return name
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return _fresh(_view)
        if module == "torch.jit._pickle" and (name in WRAPPERS or name == "restore_type_tag"):
            return _fresh(_first)
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"{module}.{name} has no business among weights")

    def persistent_load(self, pid: Any) -> Tensor:
        """The numbers of a storage, flat."""
        _, kind, key, _, count = pid
        if key not in self.storages:
            dtype = STORAGES[kind]
            content = _read_stored(self.archive, self.archive.getinfo(f"{self.root}data/{key}"))
            if len(content) != count * dtype.itemsize:
                raise pickle.UnpicklingError(f"data/{key} has not the {count} numbers it should")
            flat = torch.frombuffer(bytearray(content), dtype=dtype) if count else None
            self.storages[key] = torch.empty(0, dtype=dtype) if flat is None else flat
        return self.storages[key]


def _check_opcodes(pickled: bytes) -> None:
    puts = 0
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name not in OPCODES:
            raise ValueError(f"its data.pkl has {opcode.name} in it, which torch never writes")
        if opcode.name in ("BINPUT", "LONG_BINPUT"):
            if int(argument or 0) > puts:
                raise ValueError("its data.pkl counts its objects as torch never does")
            puts += 1


def _read_stored(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A record, which torch never compresses: it cannot be larger than the file is."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename} is compressed, which torch never does")
    return archive.read(info)


def _fresh(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: function(*arguments)


def _view(
    flat: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> Tensor:
    if math.prod(size) > flat.numel():
        raise pickle.UnpicklingError(f"a tensor of {size} is larger than what is stored of it")
    return flat.as_strided(size, stride, offset)


def _first(value: Any, *_: Any) -> Any:
    return value
