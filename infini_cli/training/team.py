"""The processes that train together: each learns from some rows and holds a part of the tensors.

`torchrun --nproc-per-node 2 -m infini_cli train ...` starts two; without it there is one, which
does everything and talks to nobody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from infini_cli.errors import UsageError
from infini_cli.training.samples import Batch

if TYPE_CHECKING:
    from infini_models.decoder import Decoder
    from infini_models.memory import Memory
    from torch import Tensor


class Team:
    """One process of those that train together.

    Args:
        rank: which of them, from 0.
        size: how many.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @classmethod
    def join(cls) -> Team:
        """Meet the processes that torchrun started; alone where it did not."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        from torch import distributed

        if not distributed.is_initialized():
            distributed.init_process_group("gloo")
        return cls(distributed.get_rank(), size)

    def end(self) -> None:
        """End the process here, all being written, where it is one of several.

        On the usual way out torch's threads still run, and one process of sixteen is aborted: the
        others' work would count as failed.
        """
        if self.size == 1:
            return
        from torch import distributed

        distributed.destroy_process_group()
        os._exit(0)

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and shows progress."""
        return self.rank == 0

    def shard(self, decoder: Decoder) -> None:
        """Leave this process its part of a decoder that all have loaded."""
        if self.size > 1:
            from infini_models.sharding import shard

            shard(decoder)

    def rows(self, batch: Batch) -> Batch:
        """Give the rows that this process learns from.

        Raises:
            UsageError: they cannot be shared out evenly.
        """
        num_rows = batch.ids_BS.shape[0]
        if num_rows % self.size:
            raise UsageError(
                f"a batch of {num_rows} rows cannot be shared by {self.size} processes",
                hint="make `batch_size` a multiple of the number of processes",
            )
        own = self._own(num_rows)
        return replace(batch, ids_BS=batch.ids_BS[own], weights_BS=batch.weights_BS[own])

    def own_memory(self, memory: Memory) -> Memory:
        """Give this process's rows of a memory."""
        from infini_models.memory import LayerMemory

        return tuple(
            LayerMemory(
                layer.memory_BNKV[self._own(layer.memory_BNKV.shape[0])],
                layer.normalizer_BNK[self._own(layer.normalizer_BNK.shape[0])],
            )
            for layer in memory
        )

    def whole_memory(self, memory: Memory) -> Memory:
        """Give the rows of all processes."""
        from infini_models.memory import LayerMemory

        return tuple(
            LayerMemory(self._joined(layer.memory_BNKV), self._joined(layer.normalizer_BNK))
            for layer in memory
        )

    def sum(self, values: Mapping[str, float]) -> dict[str, float]:
        """Add up what each process has."""
        import torch

        total = torch.tensor(list(values.values()), dtype=torch.float64)
        if self.size > 1:
            torch.distributed.all_reduce(total)
        return dict(zip(values, total.tolist(), strict=True))

    def mean(self, tensor: Tensor) -> Tensor:
        """Give the mean of what each process has, element by element; the tensor stays as it is."""
        import torch

        total = tensor.detach().clone()
        if self.size > 1:
            torch.distributed.all_reduce(total)
        return total / self.size

    def maximum(self, value: float) -> float:
        """Give the largest of what each process has."""
        import torch

        largest = torch.tensor(value, dtype=torch.float64)
        if self.size > 1:
            torch.distributed.all_reduce(largest, torch.distributed.ReduceOp.MAX)
        return float(largest)

    def whole(self, tensor: Tensor) -> Tensor:
        """Put a tensor together of every process's part; all have to ask for it."""
        if self.size == 1:
            return tensor
        from torch.distributed.tensor import DTensor

        return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor

    def part(self, whole: Tensor, like: Tensor) -> Tensor:
        """Give this process's part of a whole tensor, cut as another one is."""
        if self.size == 1:
            return whole
        from torch.distributed.tensor import DTensor, distribute_tensor

        if not isinstance(like, DTensor):
            return whole
        return distribute_tensor(whole, like.device_mesh, like.placements)

    def _own(self, num_rows: int) -> slice:
        share = num_rows // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def _joined(self, rows: Tensor) -> Tensor:
        import torch

        if self.size == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.size)]
        torch.distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)
