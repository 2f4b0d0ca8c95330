# SPDX-License-Identifier: EUPL-1.2
"""A name as it is looked for, without capitals and accents, in the words of each database."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from storage.folding import words

MARKS = "[\u0300-\u036f]"  # the accents that stand beside a letter once it has been taken apart


def fold(text: str | None) -> str | None:
    """SQLite calls this for ``folded``: every connection is told of it when it is opened."""
    return None if text is None else " ".join(words(text))


class folded(GenericFunction[str]):
    """A text of the database, folded as storage.folding does it."""

    type = String()
    inherit_cache = True


@compiles(folded, "postgresql")
def _on_postgresql(element: folded, compiler: Any, **more: Any) -> str:
    bare = f"regexp_replace(lower(normalize({compiler.process(element.clauses, **more)}, NFKD)), '{MARKS}', '', 'g')"
    return f"trim(regexp_replace({bare}, '[^[:alnum:]]+', ' ', 'g'))"
