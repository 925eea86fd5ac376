"""What tying a summary to its book costs, and how well it tells true sentences from false ones.

Cost: a book of made-up words as long as a long novel, and a summary of 150 words of its own
sentences, shortened. The measure is a ratio: the time to ground all sentences over the time to
build the BM25 index, which `infini ask` builds too.

Quality: the reference summary of the example, by chapter, written by hand. Its sentences are true
of their own chapter; against another chapter, or with a name exchanged, they are false. Each is
searched in a chapter and in the whole book.

    python benchmarks/grounding.py [--words NUMBER] [--reaches NUMBER ...]
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path

from infini_cli.grounding import grounder as settings
from infini_cli.grounding.agreement import read_lexicon
from infini_cli.grounding.grounder import Grounder, chapter_spans
from infini_cli.grounding.passages import Passages, Span
from infini_cli.language.sentences import split_sentences
from infini_cli.reading.book import Block, BlockKind, Book, Chapter
from infini_cli.reading.reader import read_book

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = ("Nerrin", "Pia", "Jossamy", "Orlo", "Heddle", "Kessarine", "Vantelow", "Sabb")
Item = tuple[str, list[Span] | None]


def made_up_book(num_words: int) -> Book:
    """Make chapters of 4,000 words whose words are as frequent as those of a language (Zipf)."""
    drawn = random.Random(0)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "el")]
    words = ["".join(drawn.choices(syllables, k=1 + rank % 3)) for rank in range(20_000)]
    names = [word.capitalize() for word in words[300:400]]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    chapters, start = [], 0
    for number in range(1, num_words // 4000 + 1):
        blocks = []
        for index in range(40):
            sentences = []
            for _ in range(7):
                inside = [*drawn.choices(words, weights, k=12), drawn.choice(names)]
                sentences.append(" ".join(inside).capitalize() + f" {drawn.choice(names)}.")
            text = " ".join(sentences)
            name = f"c{number:02}.b{index + 1:04}"
            blocks.append(Block(name, BlockKind.PARAGRAPH, text, start))
            start += len(text) + 2
        start += 1
        chapters.append(Chapter(str(number), f"Chapter {number}", "toc", tuple(blocks)))
    return Book("Made up", (), None, tuple(chapters), "text", "0" * 64)


def measure_cost(num_words: int) -> None:
    """Print seconds of each step, and the ratio."""
    book = made_up_book(num_words)
    blocks = [block for chapter in book.chapters for block in chapter.blocks]
    chosen = [blocks[place].text for place in range(0, len(blocks), len(blocks) // 10)][:10]
    summary = [text[: split_sentences(text)[0][1]] for text in chosen]
    start = time.process_time()
    passages = Passages(book)
    index = time.process_time() - start
    start = time.process_time()
    read_lexicon(book, passages)
    lexicon = time.process_time() - start
    grounder = Grounder(book)
    start = time.process_time()
    supported = sum(grounder.ground(sentence).supported for sentence in summary)
    ground = time.process_time() - start
    print(f"book of {book.num_words:,} words, {len(passages):,} passages")
    print(f"summary of {sum(len(s.split()) for s in summary)} words, {len(summary)} sentences")
    print(f"index {index:.2f} s, names {lexicon:.2f} s, grounding {ground:.2f} s")
    print(f"names and grounding over index: {(lexicon + ground) / index:.2f}")
    print(f"{supported} of {len(summary)} supported")


def measure_quality(reaches: Sequence[int]) -> None:
    """Print the share that counts as supported, of true sentences and of false ones."""
    book = read_book(EXAMPLES / "the-brass-tolm.epub")
    grounder = Grounder(book)
    chapters = book.kept_chapters
    text = (EXAMPLES / "summary.md").read_text(encoding="utf-8")
    drawn = random.Random(0)
    own: list[Item] = []
    other: list[Item] = []
    exchanged: list[Item] = []
    for match in re.finditer(r"\*\*Chapter (\d+): [^*]*\*\* (.*)", text):
        number = int(match[1]) - 1
        within = chapter_spans([chapters[number]])
        for begin, end in split_sentences(match[2]):
            sentence = match[2][begin:end]
            own.append((sentence, within))
            other.append((sentence, chapter_spans([chapters[(number + 5) % len(chapters)]])))
            if has := [name for name in NAMES if name in sentence]:
                new = drawn.choice([name for name in NAMES if name not in sentence])
                exchanged.append((sentence.replace(drawn.choice(has), new), within))
    columns = {
        "true, own chapter": own,
        "true, whole book": [(sentence, None) for sentence, _ in own],
        "other chapter": other,
        "name exchanged, own chapter": exchanged,
        "name exchanged, whole book": [(sentence, None) for sentence, _ in exchanged],
    }
    print(f"\n{'reach':>6}  " + "  ".join(f"{c} ({len(items)})" for c, items in columns.items()))
    for reach in reaches:
        settings.MAX_REACH = reach
        cells = []
        for name, items in columns.items():
            supported = sum(grounder.ground(*item).supported for item in items)
            cells.append(f"{supported / len(items):>{len(name) + 5}.0%}")
        print(f"{reach:>6}  " + "  ".join(cells))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--words", type=int, default=500_000, help="of the made-up book")
    parser.add_argument("--reaches", type=int, nargs="+", default=[0, 1500, 3000, 6000, 12_000])
    options = parser.parse_args()
    measure_cost(options.words)
    measure_quality(options.reaches)


if __name__ == "__main__":
    main()
