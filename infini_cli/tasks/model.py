"""A model ready to read and write: decoder, tokenizer and chat template together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.errors import ModelIncompatible, ModelNotFound
from infini_cli.progress import Progress
from infini_cli.store.fingerprint import fingerprint
from infini_cli.tokens.chat import ChatTemplate
from infini_cli.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from infini_models.decoder import Decoder
    from infini_models.machine import Form
    from infini_models.readout import Readout

    from infini_cli.store.resolve import ResolvedModel


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model.

    Attributes:
        name: as the user asked for it.
        checkpoint: fingerprint of configuration, weights and trained memory, hexadecimal.
        form: form of the weights (`int8`, `bfloat16` or `float32`).
        decoder: the network.
        tokenizer: text to ids and back.
        chat: how it wants a conversation written.
        segment_length: the most tokens of a segment.
        min_trust: of a sentence of its notes, see `infini_cli.grounding.trust`.
        writer: fingerprint of what it was taught to write notes with; empty: nothing.
        salience: tells how much what it reads matters; None: nothing does.
        salience_sha256: fingerprint of that; empty: there is none.
    """

    name: str
    checkpoint: str
    form: str
    decoder: Decoder
    tokenizer: Tokenizer
    chat: ChatTemplate
    segment_length: int
    min_trust: float = 0.0
    writer: str = ""
    salience: Readout | None = None
    salience_sha256: str = ""

    @property
    def remembers(self) -> bool:
        """Whether its gates let anything out of the memory: false for a plain conversion."""
        return not self.decoder.is_closed


def open_model(
    name: str,
    *,
    offline: bool,
    progress: Progress,
    adapter: Path | None = None,
    writer: Path | None = None,
    salience: Path | None = None,
) -> Model:
    """Load a model, fetching it first where it is not on this machine.

    Args:
        name: of the catalogue, a folder, or `owner/name[@revision]`.
        offline: never use the network.
        progress: told of downloads and conversions.
        adapter: a trained memory for it, see `find_adapter`.
        writer: what it writes notes with, see `find_writer`.
        salience: what tells how much a sentence matters, see `find_salience`.

    Raises:
        ModelNotFound: it, or a file for it, cannot be had.
        ModelIncompatible: its weights or its tokenizer do not fit.
    """
    from infini_models.machine import best_form

    from infini_cli.store.resolve import ensure, find_adapter, find_salience, find_writer

    form = best_form()
    resolved = ensure(name, form=form, offline=offline, progress=progress)
    model = load_model(resolved, form, progress, find_adapter(name, adapter))
    model = _with_writer(model, find_writer(name, writer))
    model = _with_salience(model, find_salience(name, salience))
    model.decoder.pack()
    return model


def _with_writer(model: Model, writer: Path | None) -> Model:
    from infini_models.errors import CheckpointError
    from infini_models.low_rank import restore_corrections

    if writer is None:
        return model
    if not writer.is_file():
        raise ModelNotFound(f"there is no writer `{writer}`", hint="check the path")
    try:
        restore_corrections(model.decoder, writer)
    except CheckpointError as error:
        raise ModelIncompatible(
            f"cannot write with `{model.name}`: {error}",
            hint="leave `--writer` out, or take one that was trained for this model",
        ) from error
    return replace(model, writer=fingerprint((writer,)))


def _with_salience(model: Model, salience: Path | None) -> Model:
    from infini_models.errors import CheckpointError
    from infini_models.readout import load_readout

    if salience is None:
        return model
    if not salience.is_file():
        raise ModelNotFound(f"there is no readout `{salience}`", hint="check the path")
    try:
        readout = load_readout(salience, model.decoder.config)
    except CheckpointError as error:
        raise ModelIncompatible(
            f"cannot rank sentences with `{model.name}`: {error}",
            hint="leave `--salience` out, or take one that was trained for this model",
        ) from error
    return replace(model, salience=readout, salience_sha256=fingerprint((salience,)))


def open_trainable_model(name: str, *, offline: bool, progress: Progress) -> Model:
    """Load a model as a base to train on: never as bytes, which cannot be copied from.

    Raises:
        ModelNotFound: it cannot be had.
        ModelIncompatible: its weights or its tokenizer do not fit.
    """
    from infini_models.machine import best_form

    from infini_cli.store.resolve import ensure

    form: Form = "bfloat16" if best_form() == "bfloat16" else "float32"
    return load_model(ensure(name, form=form, offline=offline, progress=progress), form, progress)


def load_model(
    resolved: ResolvedModel, form: Form, progress: Progress, adapter: Path | None = None
) -> Model:
    """Load a model that is on this machine.

    Args:
        resolved: where it is.
        form: what to compute with.
        progress: told of a conversion.
        adapter: a trained memory for it; None: the base as it is.

    Raises:
        ModelNotFound: there is no such adapter.
        ModelIncompatible: configuration, weights, adapter or tokenizer do not fit.
    """
    from infini_models.errors import CheckpointError
    from infini_models.load import load_decoder

    checkpoint = resolved.checkpoint
    if adapter is not None:
        if not adapter.is_file():
            raise ModelNotFound(f"there is no adapter `{adapter}`", hint="check the path")
        # A book memory is of base and adapter together.
        both = f"{checkpoint} {fingerprint((adapter,))}"
        checkpoint = hashlib.sha256(both.encode()).hexdigest()
    tokenizer = Tokenizer.from_folder(resolved.folder)
    chat = ChatTemplate.from_folder(resolved.folder, tokenizer)
    try:
        weights = [*resolved.weights(form, progress), *([adapter] if adapter else [])]
        decoder = load_decoder(resolved.config, weights, form)
    except CheckpointError as error:
        raise ModelIncompatible(
            f"cannot use `{resolved.name}`: {error}",
            hint="`infini models list` shows models that work",
        ) from error
    if decoder.config.vocab_size < tokenizer.num_tokens:
        raise ModelIncompatible(
            f"cannot use `{resolved.name}`: its tokenizer has {tokenizer.num_tokens} tokens, "
            f"its weights {decoder.config.vocab_size}",
            hint="the tokenizer belongs to another model",
        )
    return Model(
        name=resolved.name,
        checkpoint=checkpoint,
        form=form,
        decoder=decoder,
        tokenizer=tokenizer,
        chat=chat,
        segment_length=resolved.segment_length,
        min_trust=resolved.min_trust,
    )
