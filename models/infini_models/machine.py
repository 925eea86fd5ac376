"""What depends on the machine: the form of weights it multiplies fast, memory it gets back."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Literal

import torch

Form = Literal["float32", "bfloat16", "int8"]

NUM_KERNELS = "24"
"""Twice those of one segment or step; each can be a megabyte, and lengths recur rarely."""


def best_form() -> Form:
    """Choose the form of the weights for reading and writing on this processor.

    With bfloat16 instructions (AMX, AVX512-BF16) products in bfloat16 are four times as fast
    as in float32. Without them torch emulates bfloat16 at a fifth of float32's speed, so the
    weights stay bytes: half the memory of bfloat16, read in float32, written straight from
    the bytes.
    """
    has_amx = torch.cpu._is_amx_tile_supported()
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if has_amx or has_bfloat16 else "int8"


def keep_few_kernels() -> None:
    """Bound the caches of compiled kernels, before the first is made; a user's setting stays.

    oneDNN compiles a kernel of up to a megabyte for every length of segment, and keeps a thousand
    in each of two caches. A long book has hundreds of lengths.
    """
    for variable in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(variable, NUM_KERNELS)


def give_back_memory() -> None:
    """Give the system the memory that freed tensors leave in holes between others.

    The C library of Linux keeps it, and tensors of other sizes do not fit into the holes, so that
    a long run would hold far more than it uses. Elsewhere this does nothing.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
