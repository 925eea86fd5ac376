"""One text in the making: its sentences are taken, replaced, left out and added.

Sentence by sentence: what is not about the book is taken off, what was said before goes, what the
book does not bear is replaced by the note it comes from, if that is borne. Then whole sentences are
left out, or others are added, of notes or of the book itself, until the length is what was asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from infini_cli.grounding.agreement import Claim
from infini_cli.grounding.book_sentences import Sentence
from infini_cli.grounding.cited import SummarySentence
from infini_cli.grounding.grounder import Grounder
from infini_cli.grounding.passages import Span
from infini_cli.grounding.quotations import quote
from infini_cli.grounding.repeats import repeated
from infini_cli.grounding.support import share
from infini_cli.language.sentences import split_sentences
from infini_cli.language.stems import stems
from infini_cli.store.book_memory import Note
from infini_cli.tasks import explain
from infini_cli.tasks.choose import Choice, tells
from infini_cli.tasks.explain import Step
from infini_cli.tasks.leaks import clean_sentence
from infini_cli.tasks.length import MAX_OVERSHOOT, MAX_SHARE, MIN_SHARE
from infini_cli.tasks.parts import Part

MAX_REPLACEMENTS = 8
"""Notes tried in place of a sentence, those nearest to it first."""
MIN_LIKENESS = 0.3
"""Of a sentence's stems in the note that replaces it; one with fewer tells something else."""
FILL_SHARE = 0.95
"""Of the words asked for: what is chosen, and not written, can be as long as it was asked to be."""
MAX_CANDIDATES = 1000
"""Sentences that are tried."""
MAX_ADDITIONS = 200
"""Notes tried where a summary is too short; more only where hardly any is borne."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence on its way into the summary."""

    sentence: SummarySentence
    claim: Claim
    step: Step

    @property
    def num_words(self) -> int:
        """Words of the sentence."""
        return len(self.sentence.text.split())

    @property
    def place(self) -> int:
        """Where in the book it is, by its first citation; -1 where it has none."""
        return self.sentence.citations[0].start if self.sentence.citations else -1

    def in_paragraph(self, paragraph: int) -> Line:
        """Give the line as one of a paragraph."""
        return replace(self, sentence=replace(self.sentence, paragraph=paragraph))


class Composing:
    """One text in the making.

    Args:
        grounder: finds what the book bears.
        strict: whether sentences that it does not bear are left out.
        within: the parts of the book the text is about, where its notes do not say; None: all.

    Attributes:
        lines: the sentences as they stand.
        left_out: what became of the others.
    """

    def __init__(self, grounder: Grounder, strict: bool, within: Sequence[Span] | None) -> None:
        self._grounder, self._strict, self._within = grounder, strict, within
        self.lines: list[Line] = []
        self.left_out: list[Step] = []

    def take(self, parts: Sequence[Part]) -> None:
        """Take what was written, sentence by sentence."""
        paragraph = 0
        for part in parts:
            for index, (text, begins) in enumerate(_sentences(part.text)):
                paragraph += begins and index > 0
                self._take_sentence(part, text, paragraph)

    def _take_sentence(self, part: Part, written: str, paragraph: int) -> None:
        text = clean_sentence(written)
        if not text:
            self.left_out.append(Step(written, explain.ECHOES, part))
            return
        claim = self._grounder.claim(text)
        if self._is_repeated(claim):
            self.left_out.append(Step(text, explain.REPEATS, part))
            return
        within = _note_spans(part.notes) or self._within
        sentence = self._grounder.ground(text, within, claim)
        line = Line(sentence, claim, Step(text, explain.WRITTEN, part))
        if not sentence.supported:
            found = self._replacement(part, line)
            if found is None and self._strict:
                self.left_out.append(Step(text, explain.UNSUPPORTED, part))
                return
            line = found or line
        self.lines.append(line.in_paragraph(paragraph))

    def _replacement(self, part: Part, line: Line) -> Line | None:
        """Find the sentence of its notes that is nearest to it, if that is borne by the book."""
        text, words = line.sentence.text, line.claim.words

        def likeness(other: str) -> float:
            return share(words, frozenset(stems(other)))

        notes = [source for source in _note_parts([part]) if source.text != text]
        notes.sort(key=lambda source: -likeness(source.text))
        found = [line for source in notes[:MAX_REPLACEMENTS] for line in self._borne(source)]
        best = max(found, key=lambda line: likeness(line.sentence.text), default=None)
        if best is None or likeness(best.sentence.text) < MIN_LIKENESS:
            return None
        step = replace(best.step, outcome=explain.REPLACED, instead_of=text)
        return replace(best, step=step)

    def _borne(self, source: Part) -> Iterator[Line]:
        """Give the sentences of a note that its segment bears, that are news and stand alone."""
        for text, _ in _sentences(source.text):
            if not tells(text):
                continue
            claim = self._grounder.claim(text)
            if self._is_repeated(claim):
                continue
            sentence = self._grounder.ground(text, _note_spans(source.notes), claim)
            if sentence.supported:
                yield Line(sentence, claim, Step(text, explain.ADDED, source))

    def _is_repeated(self, claim: Claim) -> bool:
        return repeated(claim, (line.claim for line in self.lines)) is not None

    @property
    def num_words(self) -> int:
        """Words of all sentences."""
        return sum(line.num_words for line in self.lines)

    def shorten(self, most: int) -> None:
        """Leave sentences out until the rest is short enough; at least one stays.

        First those that are not supported, then the longest; the first and the last only where
        there is no other: cutting at the end would cost the end of the book.
        """
        while self.num_words > most and len(self.lines) > 1:
            inner = range(1, len(self.lines) - 1) or range(len(self.lines))
            index = max(
                inner, key=lambda i: (not self.lines[i].sentence.supported, self.lines[i].num_words)
            )
            step = self.lines.pop(index).step
            self.left_out.append(replace(step, outcome=explain.TOO_LONG))

    def fill(self, parts: Sequence[Part], words: int) -> None:
        """Add notes while there is room, from where in the book least is told."""
        most = round(words * MAX_OVERSHOOT)
        waiting = _note_parts(parts)
        for _ in range(min(MAX_ADDITIONS, len(waiting))):
            if self.num_words >= words * MIN_SHARE:
                return
            told = sorted(line.place for line in self.lines if line.place >= 0)
            source = max(waiting, key=lambda source: _distance(_note_spans(source.notes)[0], told))
            waiting.remove(source)
            for line in self._borne(source):
                if self.num_words + line.num_words <= most:
                    self._insert(line)

    def add(self, choice: Choice, words: int) -> None:
        """Add the best of a choice while there is room, and no large part of the book."""
        most_quoted = min(words, int(choice.num_words * MAX_SHARE))
        for candidate in choice.candidates[:MAX_CANDIDATES]:
            if self.num_words >= words * FILL_SHARE:
                return
            if candidate.sentence is not None:
                self._quote(candidate.sentence, most_quoted)
            elif candidate.part is not None:
                self._tell(candidate.part, words)

    def _tell(self, part: Part, words: int) -> None:
        """Add the one sentence of a note, if it is borne, is news, and leaves so many words."""
        text, claim = part.text, self._grounder.claim(part.text)
        if self._is_repeated(claim):
            self.left_out.append(Step(text, explain.REPEATS, part))
            return
        sentence = self._grounder.ground(text, _note_spans(part.notes), claim)
        if not sentence.supported:
            self.left_out.append(Step(text, explain.UNSUPPORTED, part))
            return
        line = Line(sentence, claim, Step(text, explain.WRITTEN, part))
        if self.num_words + line.num_words <= words * MAX_OVERSHOOT:
            self._insert(line)

    def _quote(self, sentence: Sentence, words: int) -> None:
        """Add a sentence of the book, if it is news and does not make more than so many words."""
        if self.num_words >= words * FILL_SHARE:
            return
        is_too_long = self.num_words + sentence.num_words > words * MAX_OVERSHOOT
        if is_too_long or self._is_told(sentence):
            return
        claim = self._grounder.claim(sentence.text)
        if self._is_repeated(claim):
            return
        text = quote(sentence)
        self._insert(Line(sentence.cited_as(text), claim, Step(text, explain.QUOTED)))

    def _is_told(self, sentence: Sentence) -> bool:
        """Tell whether a sentence of the summary rests on one of the book."""
        start, end = sentence.place
        cited = (citation for line in self.lines for citation in line.sentence.citations)
        return any(citation.start < end and start < citation.end for citation in cited)

    def _insert(self, line: Line) -> None:
        """Put a note after what is told of earlier places."""
        before = [i for i, other in enumerate(self.lines) if 0 <= other.place <= line.place]
        index = before[-1] + 1 if before else 0
        paragraph = self.lines[max(0, index - 1)].sentence.paragraph if self.lines else 0
        self.lines.insert(index, line.in_paragraph(paragraph))


def _sentences(text: str) -> Iterator[tuple[str, bool]]:
    """Give sentences on one line each, and whether each begins a paragraph."""
    end_before = 0
    for start, end in split_sentences(text):
        begins = text[end_before:start].count("\n") > 1
        yield " ".join(text[start:end].split()), begins
        end_before = end


def _note_parts(parts: Sequence[Part]) -> list[Part]:
    """Give the notes that parts were made of, as parts, in reading order."""
    notes = {note.segment: note for part in parts for note in part.notes}
    return [Part(notes[segment].text, note=notes[segment]) for segment in sorted(notes)]


def _note_spans(notes: Iterable[Note]) -> list[Span]:
    """Give the segments that notes are on."""
    return list(dict.fromkeys((note.start, note.end) for note in notes))


def _distance(span: Span, told: Sequence[int]) -> int:
    """Give how far a part of the book is from what is told, in characters."""
    middle = sum(span) // 2
    index = bisect_left(told, middle)
    near = told[max(0, index - 1) : index + 1]
    return min((abs(middle - place) for place in near), default=0)
