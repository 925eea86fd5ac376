"""What is asked of the segments of a book, so that notes on them are written.

A model that was taught to write notes is asked for one on each of the sentences that matter most in
a segment, any other for one on the segment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infini_cli.grounding.book_sentences import Sentence, sentences_of
from infini_cli.reading.book import Book
from infini_cli.tasks.frame import Frame, frame
from infini_cli.tasks.instructions import Instructions
from infini_cli.tasks.model import Model
from infini_cli.tasks.narrated import narrated_chapters, narrated_places
from infini_cli.tasks.note_groups import NOTE_TOKENS, writes_as_taught
from infini_cli.tasks.pointing import NUM_POINTS, points
from infini_cli.tasks.sentence_tokens import Span, sentence_tokens
from infini_cli.tokens.segments import Segment

if TYPE_CHECKING:
    from infini_models.cache import SegmentCache
    from infini_models.generate import Branch
    from infini_models.memory import Memory
    from torch import Tensor


def question_ids(model: Model, around: Frame, question: str) -> list[int]:
    """Encode what is asked after a page, up to where the answer begins."""
    return [*model.tokenizer.encode(question), *around.after]


class NoteQuestions:
    """The questions on the segments of one book.

    Args:
        model: who reads and writes.
        book: what is read.
        instructions: what the model is told about each segment.

    Attributes:
        is_taught: whether the model writes as it was taught to.
        layer: after which activations tell what matters; None: nothing tells.
        most: questions on a segment.
        narrated: what a narrator tells of himself, by its offset in `Book.text`.
    """

    def __init__(self, model: Model, book: Book, instructions: Instructions) -> None:
        self._model, self._salience = model, model.salience
        self._frame = frame(model)
        self.is_taught = writes_as_taught(model, instructions)
        self.most = NUM_POINTS if self.is_taught else 1
        self._question = instructions.question(is_taught=self.is_taught)
        self._sentences: dict[int, Sentence] = {}
        self._narrated_chapters = narrated_chapters(book.kept_chapters)
        self.narrated: frozenset[int] = frozenset()
        if self._salience is not None:
            found = sentences_of(book.kept_chapters)
            self._sentences = {one.place[0]: one for one in found}
            self.narrated = narrated_places(found, self._narrated_chapters)
        self._places: list[Span] = [one.place for one in self._sentences.values()]
        self.layer = self._salience.layer if self._salience is not None else None

    def told(self, segment: Segment, source: str) -> str:
        """Give what a narrator tells in a segment, spaces in the place of all else.

        Args:
            segment: as planned.
            source: its text.

        Returns:
            As long as the text; empty where its chapter has no narrator.
        """
        narrated = self._narrated_chapters.get(segment.chapter_label)
        return narrated.told(source) if narrated is not None else ""

    def saliences(self, segment: Segment, tapped_BSD: Tensor | None) -> dict[int, float]:
        """Give how much each sentence that begins in a segment matters, by its place.

        Args:
            segment: as planned.
            tapped_BSD: activations after `layer`, float32, what stands before the segment included.
        """
        if self._salience is None or tapped_BSD is None:
            return {}
        import torch

        with torch.inference_mode():
            of_token_S = self._salience(tapped_BSD)[0, len(self._frame.before) :]
        return {
            one.start: round(float(of_token_S[one.first : one.end].mean()), 4)
            for one in sentence_tokens(segment, self._places)
        }

    def ask(
        self,
        segment: Segment,
        saliences: dict[int, float],
        cache: SegmentCache | None,
        before: Memory | None,
    ) -> list[Branch]:
        """Ask for notes, with the memory of all before, the segment itself being in sight.

        Args:
            segment: as planned.
            saliences: of its sentences.
            cache: its keys and values.
            before: the memory before it; None: it is off.
        """
        from infini_models.generate import Branch

        questions = [self._question]
        if self.is_taught:
            known = [self._sentences[place] for place in saliences]
            told = points(known, saliences, self.narrated)
            questions = [self._question.format(passage=passage) for passage in told]
        asked = [question_ids(self._model, self._frame, question) for question in questions]
        return [
            Branch(ids, NOTE_TOKENS, cache, before, stream=number)
            for number, ids in enumerate(asked, NUM_POINTS * segment.index)
        ]
