"""Finds what in activations tells which sentences of a text people would summarise.

The base reads each text once, as it would to summarise it. What it makes of a sentence is the mean
direction of its tokens' activations after one layer; what the sentence is worth is how much of it
stands in people's summaries. Ridge regression ties the two, over all texts, each about its own
mean. A text's worth is foretold from those before it first, which says how good the readout is.

Shape suffixes: N sentences, D model width.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.atomic import write_atomically
from infini_cli.errors import UsageError
from infini_cli.evaluation.items import SummaryItem, open_text
from infini_cli.grounding.book_sentences import sentences_of
from infini_cli.progress import BatchStep, Progress, ReadingClock
from infini_cli.reading.book import Book
from infini_cli.tasks.frame import frame
from infini_cli.tasks.model import Model
from infini_cli.tasks.reading_run import SEGMENTS_TO_GIVE_BACK
from infini_cli.tasks.sentence_tokens import sentence_tokens
from infini_cli.tokens.segments import plan_segments
from infini_cli.training.log import SalienceStep, cut_log, write_step
from infini_cli.training.salience_recipe import SalienceRecipe
from infini_cli.training.state import STATE, State, has_begun, read_state, write_state
from infini_cli.training.worth import worth

if TYPE_CHECKING:
    from infini_models.readout import Readout
    from torch import Tensor

SALIENCE = "salience.safetensors"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a text's sentences are to the model and to people, each about its mean.

    Attributes:
        vectors_ND: float64.
        worths_N: float64.
        num_tokens: that were read.
    """

    vectors_ND: Tensor
    worths_N: Tensor
    num_tokens: int


class SalienceTrainer:
    """One run in a folder.

    Args:
        model: who reads.
        items: texts with summaries; those on the same text follow each other.
        recipe: the rest.
        folder: for state, log and readout; a run that began there goes on.
        progress: told of segments and texts.

    Raises:
        UsageError: another recipe was begun in the folder, or the model has no such layer.
        DamagedInput: the state there cannot be read.
    """

    def __init__(
        self,
        model: Model,
        items: Sequence[SummaryItem],
        recipe: SalienceRecipe,
        folder: Path,
        progress: Progress,
    ) -> None:
        import torch

        config = model.decoder.config
        if recipe.salience.layer > config.num_layers:
            raise UsageError(f"the model has {config.num_layers} layers")
        self.model, self.recipe, self.folder, self.progress = model, recipe, folder, progress
        self.texts = [list(group) for _, group in groupby(items, key=lambda item: item.text)]
        self.prefix = frame(model).before
        width = config.hidden_size
        self.products_DD = torch.zeros(width, width, dtype=torch.float64)
        self.worths_D = torch.zeros(width, dtype=torch.float64)
        self.num_sentences = torch.zeros(1, dtype=torch.float64)
        self.num_done = 0
        folder.mkdir(parents=True, exist_ok=True)
        if has_begun(folder):
            self._restore()
        cut_log(folder, self.num_done)

    @property
    def num_steps(self) -> int:
        """Texts in all."""
        return len(self.texts)

    def run(self, until: int | None = None) -> Iterator[SalienceStep]:
        """Read text after text, saving after each.

        Args:
            until: the last text; None: all.
        """
        last = min(self.num_steps, until or self.num_steps)
        while self.num_done < last:
            step = self._step(self.texts[self.num_done])
            write_step(self.folder, step)
            self.save()
            name = f"text {self.num_done}"
            self.progress(BatchStep(name, self.num_done, self.num_steps, "done", "text"))
            yield step

    def readout(self) -> Readout:
        """Give what was found so far."""
        import torch
        from infini_models.readout import Readout

        scale_D = (self.products_DD.diagonal() / self.num_sentences).sqrt().clamp_min(1e-12)
        scaled_DD = self.products_DD / (scale_D[:, None] * scale_D)
        scaled_DD += self.recipe.salience.ridge * torch.eye(len(scale_D), dtype=torch.float64)
        weight_D = torch.linalg.solve(scaled_DD, self.worths_D / scale_D) / scale_D
        return Readout(self.recipe.salience.layer, weight_D.float())

    def save(self) -> None:
        """Write state and readout, each whole or not at all."""
        from infini_models.readout import serialize_readout

        state = State(self.num_done, self._sums, {}, None)
        write_state(self.folder / STATE, state, self.recipe.sha256)
        write_atomically(self.folder / SALIENCE, serialize_readout(self.readout()))

    @property
    def _sums(self) -> dict[str, Tensor]:
        return {
            "products_DD": self.products_DD,
            "worths_D": self.worths_D,
            "num_sentences": self.num_sentences,
        }

    def _restore(self) -> None:
        state = read_state(self.folder / STATE, self.recipe.sha256, self._sums, ())
        self.products_DD = state.learned["products_DD"]
        self.worths_D = state.learned["worths_D"]
        self.num_sentences = state.learned["num_sentences"]
        self.num_done = state.num_done

    def _step(self, items: Sequence[SummaryItem]) -> SalienceStep:
        start = time.monotonic()
        seen = self._see(items)
        correlation = self._foretell(seen) if self.num_done else None
        self.products_DD += seen.vectors_ND.T @ seen.vectors_ND
        self.worths_D += seen.vectors_ND.T @ seen.worths_N
        self.num_sentences += len(seen.worths_N)
        self.num_done += 1
        return SalienceStep(
            step=self.num_done,
            num_tokens=seen.num_tokens,
            num_sentences=len(seen.worths_N),
            correlation=correlation,
            seconds=round(time.monotonic() - start, 3),
        )

    def _foretell(self, seen: _Seen) -> float | None:
        """Give the correlation of what was foretold with what is so; None where nothing varies."""
        foretold_N = seen.vectors_ND @ self.readout().weight_D.double()
        norm = float(foretold_N.norm() * seen.worths_N.norm())
        return round(float(foretold_N @ seen.worths_N) / norm, 4) if norm else None

    def _see(self, items: Sequence[SummaryItem]) -> _Seen:
        import torch

        book = open_text(items[0].text)
        sentences = sentences_of(book.kept_chapters)
        texts = [one.text for one in sentences]
        worths_N = torch.from_numpy(sum(worth(texts, item.references) for item in items))
        worths_N /= len(items)
        vectors, num_tokens = self._read(book, [one.place for one in sentences])
        kept = [index for index, one in enumerate(sentences) if one.place[0] in vectors]
        if not kept:
            raise UsageError(f"`{items[0].id}` is a text without sentences")
        vectors_ND = torch.stack([vectors[sentences[index].place[0]] for index in kept])
        worths_N = worths_N[kept]
        return _Seen(vectors_ND - vectors_ND.mean(0), worths_N - worths_N.mean(), num_tokens)

    def _read(self, book: Book, places: Sequence[tuple[int, int]]) -> tuple[dict[int, Tensor], int]:
        """Give the vector of each sentence by its place, float64, and the tokens read."""
        import torch
        from infini_models.machine import give_back_memory
        from infini_models.readout import directions

        plan = plan_segments(book, self.model.tokenizer, self.model.segment_length)
        clock = ReadingClock(book.title, len(plan.segments), plan.num_tokens)
        decoder, layer = self.model.decoder, self.recipe.salience.layer
        vectors: dict[int, Tensor] = {}
        num_tokens = 0
        for segment in plan.segments:
            ids_1S = torch.tensor([[*self.prefix, *segment.ids.tolist()]])
            with torch.inference_mode():
                # The base's gates are closed: a memory would change nothing.
                tapped_1SD = decoder.read_segment(
                    ids_1S, None, memory_only=True, tap=layer
                ).tapped_BSD
                assert tapped_1SD is not None
                directions_SD = directions(tapped_1SD)[0, len(self.prefix) :]
                for one in sentence_tokens(segment, places):
                    vectors[one.start] = directions_SD[one.first : one.end].mean(0).double()
            num_tokens += segment.num_tokens
            self.progress(clock.at(segment.index + 1, num_tokens, segment.chapter_title))
            if segment.index % SEGMENTS_TO_GIVE_BACK == 0:
                give_back_memory()
        return vectors, num_tokens
