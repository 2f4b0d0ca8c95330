# SPDX-License-Identifier: EUPL-1.2
"""Draws a picture of figures over a few weeks, to be read on a small phone by whoever sees no colours, too."""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT = 900, 600
LEFT, RIGHT, MARGIN = 250, 880, 24  # the weeks stand between the first two
TOP, BOTTOM = 84, 500  # and the rows of bars between these
PAPER, INK, BAR, LINE = "#ffffff", "#17324d", "#0066cc", "#8a99a8"
TITLE, LABEL, FIGURE = 40, 32, 34  # sizes of letters
DASH = 7

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Row:
    """One kind of figure, a value a week; None is a gap."""

    name: str
    values: Sequence[int | None]


@dataclass(frozen=True)
class Chart:
    """All that is on the picture; ``gap`` says what the empty boxes mean."""

    title: str
    weeks: Sequence[str]
    rows: Sequence[Row]
    gap: str

    @property
    def can_be_drawn(self) -> bool:
        """The letters we draw with are the Latin ones; other alphabets do with the words beside the picture."""
        words = (self.title, self.gap, *self.weeks, *(row.name for row in self.rows))
        return all(plain(one).isascii() for one in words)

    def drawn(self) -> bytes:
        """The picture, as PNG. The same chart is always the same picture."""
        from PIL import Image, ImageDraw  # few people get a picture, and every start of the program would wait for it

        image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
        pen = Pen(ImageDraw.Draw(image))
        pen.words(MARGIN, MARGIN, self.title, TITLE)
        for place, row in enumerate(self.rows):
            height = (BOTTOM - TOP) / len(self.rows)
            self._row(pen, row, TOP + height * place, TOP + height * (place + 1))
        for place, week in enumerate(self.weeks):
            pen.words(self._middle(place), BOTTOM + 8, week, LABEL, centred=True)
        if any(value is None for row in self.rows for value in row.values):
            pen.gap((MARGIN, 556, MARGIN + 40, 588))
            pen.words(MARGIN + 54, 554, f"= {self.gap}", LABEL)
        out = io.BytesIO()
        image.save(out, format="PNG")
        return out.getvalue()

    def _row(self, pen: "Pen", row: Row, top: float, floor: float) -> None:
        """Bars on a line, each with its figure above it; every row has its own measure."""
        pen.words(MARGIN, floor - LABEL - 14, row.name, LABEL, widest=LEFT - MARGIN - 12)
        pen.line(LEFT, floor, RIGHT)
        room, most = floor - top - FIGURE - 16, max((value or 0 for value in row.values), default=0) or 1
        half = min((RIGHT - LEFT) / len(self.weeks) * 0.3, 40)
        for place, value in enumerate(row.values):
            middle = self._middle(place)
            if value is None:
                pen.gap((middle - half, floor - 40, middle + half, floor - 4))
                continue
            head = floor - room * value / most
            pen.bar((middle - half, head, middle + half, floor))
            pen.words(middle, head - FIGURE - 6, str(value), FIGURE, centred=True)

    def _middle(self, place: int) -> float:
        return LEFT + (RIGHT - LEFT) / len(self.weeks) * (place + 0.5)


class Pen:
    """What draws: words, lines, bars, and the dashed box of a gap."""

    def __init__(self, draw: "ImageDraw") -> None:
        self.draw = draw

    def words(
        self, x: float, y: float, words: str, size: int, *, centred: bool = False, widest: float = WIDTH - 2 * MARGIN
    ) -> None:
        """Words from a point on, or around it; smaller where they would be too wide."""
        from PIL import ImageFont

        font = ImageFont.load_default(size)
        while font.getlength(plain(words)) > widest and size > 12:
            size -= 1
            font = ImageFont.load_default(size)
        self.draw.text((x, y), plain(words), fill=INK, font=font, anchor="ma" if centred else "la")

    def line(self, left: float, y: float, right: float) -> None:
        self.draw.line((left, y, right, y), fill=LINE, width=3)

    def bar(self, box: Box) -> None:
        left, top, right, floor = box
        if floor - top >= 1:
            self.draw.rectangle((left, top, right, floor), fill=BAR)

    def gap(self, box: Box) -> None:
        """Dashes all around: nobody takes it for a bar, nor for a zero."""
        left, top, right, floor = map(int, box)
        for x in range(left, right, 2 * DASH):
            for y in (top, floor):
                self.draw.line((x, y, min(x + DASH, right), y), fill=INK, width=2)
        for y in range(top, floor, 2 * DASH):
            for x in (left, right):
                self.draw.line((x, y, x, min(y + DASH, floor)), fill=INK, width=2)


def plain(words: str) -> str:
    """Words in the letters we have: the font that comes with the library knows no accents."""
    parts = unicodedata.normalize("NFD", words)
    return "".join(sign for sign in parts if not unicodedata.combining(sign))
