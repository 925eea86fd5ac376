"""What can be wrong with a checkpoint. The program around this library words it for users."""

from __future__ import annotations


class CheckpointError(ValueError):
    """A checkpoint cannot be used."""


class ConfigError(CheckpointError):
    """The configuration is not one that the decoder implements."""


class WeightsError(CheckpointError):
    """Tensors are missing, unexpected or of another shape; each is named."""


class SnapshotError(ValueError):
    """A saved memory is damaged or belongs to another model."""
