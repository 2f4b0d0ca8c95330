# SPDX-License-Identifier: EUPL-1.2
"""What people wrote, as a cell of a table that nobody's spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """A value for a CSV file; what a spreadsheet would work out begins with an apostrophe (OWASP, CSV injection)."""
    words = "" if value is None else str(value)
    return f"'{words}" if words.lstrip(" ").startswith(FORMULAS) else words


def row(values: Iterable[object]) -> str:
    """A line of a CSV file, with its end."""
    out = io.StringIO()
    csv.writer(out).writerow([cell(value) for value in values])
    return out.getvalue()
