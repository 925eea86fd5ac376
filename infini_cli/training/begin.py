"""The memory that a run begins with."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from infini_cli.errors import InputNotFound, UsageError
from infini_cli.progress import Progress, silent
from infini_cli.training.binding import bind_memory
from infini_cli.training.recipe import Recipe

if TYPE_CHECKING:
    from infini_models.binding import Bound

    from infini_cli.tasks.model import Model
    from infini_cli.training.samples import Sampler


def add_memory(
    model: Model, recipe: Recipe, sampler: Sampler | None, progress: Progress = silent
) -> dict[int, Bound]:
    """Give a model the memory that a recipe begins with.

    Args:
        model: changed in place.
        recipe: what the memory is like, or which one to go on from.
        sampler: a new memory is centred on what its first step reads, and bound if the recipe asks
            for it; None: neither, as a run that goes on has what it learnt.
        progress: told of what takes long.

    Returns:
        How well each layer is bound; of a memory that is not, nothing.

    Raises:
        InputNotFound: the adapter to go on from is not there.
        UsageError: it, or the recipe's memory, does not fit the model.
    """
    from infini_models.adapter import (
        center_branches,
        grow_branches,
        reopen_branches,
        restore_branches,
    )
    from infini_models.config import BranchConfig
    from infini_models.errors import CheckpointError

    memory = recipe.memory
    config = BranchConfig(**asdict(memory))
    path = recipe.folder / recipe.start
    if recipe.start and not path.is_file():
        raise InputNotFound(f"there is no adapter `{path}`")
    try:
        if not recipe.start:
            grow_branches(model.decoder, config, recipe.seed)
            if sampler is not None:
                center_branches(model.decoder, sampler.draw(0).ids_BS)
                if recipe.binding.num_batches:
                    return bind_memory(model.decoder, recipe, sampler, progress)
            return {}
        restore_branches(model.decoder, path, memory.num_taps)
    except CheckpointError as error:
        raise UsageError(f"cannot begin with this memory: {error}") from error
    if model.decoder.memory_config != config:
        raise UsageError(
            f"the memory of `{path.name}` is not that of the recipe",
            hint="write the same `[memory]` as in the recipe that made it",
        )
    if recipe.reopen:
        reopen_branches(model.decoder)
    return {}
