"""Small model files and book memories for the fuzzer, and what reads them as infini does.

Files of the safetensors layout are altered in their header as well, its length and, of book
memories, its hash made to fit again: an attacker would do so, and nothing behind them would be met
otherwise.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

KINDS = ("gguf", "safetensors", "infmem")
HEADER_SHARE = 0.6
"""Of mutants: those in which only the header is altered."""
GGUF_HEADER_BYTES = 9000
VALUES: tuple[Any, ...] = (
    None,
    -1,
    0,
    2**63,
    1e300,
    "",
    "../x",
    [],
    {},
    [[]],
    True,
    "F32",
    [2**40],
)


class WeightsFiles:
    """Makes the files, alters them and reads them.

    Args:
        folder: for files and what is converted; `INFINI_HOME` should lie in it too.
    """

    def __init__(self, folder: Path) -> None:
        from infini_cli.store.memory_file import save_book_memory
        from infini_cli.tasks.book_reader import read_through
        from tests.store.tiny_gguf import weights as tiny_weights
        from tests.store.tiny_gguf import write_gguf
        from tests.tasks.tiny import build_model, open_tiny, tiny_book

        self._folder = folder
        self._model_folder = build_model(folder / "model")
        self._model = open_tiny(self._model_folder)
        memory = read_through(
            tiny_book(2), self._model, lambda _: None, notes=False, use_cache=False
        ).book_memory
        save_book_memory(folder / "whole.infmem", memory)
        self.base = {
            "gguf": write_gguf(folder / "whole.gguf", tiny_weights()).read_bytes(),
            "safetensors": (self._model_folder / "model.safetensors").read_bytes(),
            "infmem": (folder / "whole.infmem").read_bytes(),
        }

    def read(self, kind: str, data: bytes) -> None:
        """Read a file as a user would have it read.

        Raises:
            InfiniError: it cannot be used.
        """
        from infini_cli.store.memory_file import load_book_memory
        from infini_cli.store.resolve import resolve
        from infini_cli.tasks.model import load_model

        if kind == "infmem":
            path = self._folder / "book.infmem"
            path.write_bytes(data)
            load_book_memory(path, self._model)
            return
        if kind == "gguf":
            named = self._folder / "mutant.gguf"
            named.write_bytes(data)
        else:
            named = self._folder / "mutant"
            shutil.copytree(self._model_folder, named, dirs_exist_ok=True)
            (named / "model.safetensors").write_bytes(data)
        load_model(resolve(str(named), form="float32"), "float32", lambda _: None)
        shutil.rmtree(self._folder / "home", ignore_errors=True)


def mutate_header(
    kind: str, data: bytes, chance: random.Random, mutate: Callable[[bytes], bytes]
) -> bytes:
    """Alter what a file says of itself.

    Args:
        kind: of file.
        data: the whole one.
        chance: decides.
        mutate: alters bytes.
    """
    if kind == "gguf":
        return mutate(data[:GGUF_HEADER_BYTES]) + data[GGUF_HEADER_BYTES:]
    length = int.from_bytes(data[:8], "little")
    header, rest = data[8 : 8 + length], data[8 + length :]
    if kind == "infmem" and chance.random() < 0.7:
        header = _altered_memory(header, chance)
    elif chance.random() < 0.5:
        values = json.loads(header)
        _alter(values, chance)
        header = json.dumps(values).encode()
    else:
        header = mutate(header)
    return len(header).to_bytes(8, "little") + header + rest


def _altered_memory(header: bytes, chance: random.Random) -> bytes:
    outer = json.loads(header)
    signed = json.loads(outer["__metadata__"]["infini"])
    values = json.loads(signed["infini"])
    _alter(values, chance)
    text = json.dumps(values)
    signed = {"infini": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    outer["__metadata__"]["infini"] = json.dumps(signed)
    return json.dumps(outer).encode()


def _alter(values: Any, chance: random.Random) -> None:
    """Change, take away or add one thing, at any depth."""
    while True:
        keys = list(values) if isinstance(values, dict) else list(range(len(values)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = values[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.6:
            values = inner
            continue
        deed = chance.randrange(3)
        if deed == 0:
            del values[key]
        elif deed == 1 and isinstance(values, dict):
            values[chance.choice(("x", "dtype", "schema", str(key) + "2"))] = chance.choice(VALUES)
        else:
            values[key] = chance.choice(VALUES)
        return
