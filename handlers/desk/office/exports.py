# SPDX-License-Identifier: EUPL-1.2
"""Conversations of a list as a file: for reports without names, and with them only where somebody says why."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from xlsxwriter import Workbook

from handlers.desk.office.conversations import tap_in, touched
from handlers.desk.office.masks import LEAST_REASON, Mask, names_in
from handlers.desk.office.refusals import Refused
from handlers.desk.office.transcripts import author, happened
from handlers.rules.cells import row as csv_row
from handlers.talk import _
from handlers.talk.text import ROME, Reader, Text, shown
from storage.messages import Message

if TYPE_CHECKING:
    from handlers.desk.office import Office

Kind = Literal["csv", "xlsx", "json"]
MIME: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
LONGEST_CELL = 32_767  # characters: a longer one is left empty
MOST = 20_000  # messages in a file: what a spreadsheet opens without trouble
TOO_MANY = _("There are more than {most} messages. Narrow the list, for example by date.", most=f"{MOST:,}")
WHY = _("Write why you need the names, in at least {count} letters.", count=LEAST_REASON)
NOT_YOURS = _("Your role does not include the names of people.")
COLUMNS: Mapping[str, Text] = {
    "person": _("Person"),
    "at": _("When"),
    "channel": _("Channel"),
    "direction": _("Direction"),
    "author": _("Written by"),
    "kind": _("Kind"),
    "text": _("Text"),
    "choices": _("Choices"),
    "state": _("State"),
    "reason": _("Reason"),
}


class Exports:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def file(
        self, asked: Mapping[str, str], kind: Kind, reader: Reader, *, with_names: bool = False, reason: str = ""
    ) -> bytes:
        """All that was said in the conversations of a list. Raises Refused."""
        reason = reason.strip()
        if with_names and not self.office.may("conversations", "unmask"):
            raise Refused(NOT_YOURS)
        if with_names and len(reason) < LEAST_REASON:
            raise Refused(WHY)
        found = self.store.reviews.many(self.office.conversations.filters(asked), MOST + 1)
        if len(found) > MOST:
            raise Refused(TOO_MANY)
        people = len({one.person_id for one in found})
        why = {"reason": reason} if with_names else {}
        self.office.note(
            "exported", "conversations", kind=kind, rows=len(found), people=people, names=with_names, **why
        )
        headings = [str(shown(words, reader)) for words in COLUMNS.values()]
        rows = list(self._rows(found, reader, with_names=with_names))
        match kind:
            case "csv":
                return as_csv(headings, rows)
            case "xlsx":
                return as_xlsx(headings, rows)
            case "json":
                return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows], ensure_ascii=False).encode()

    def _rows(self, found: Sequence[Message], reader: Reader, *, with_names: bool) -> Iterator[list[str]]:
        conversations = self.office.conversations
        names = self.store.reviews.names_of({one.person_id for one in found})
        choices = self.store.reviews.options({tap.message for one in found if (tap := tap_in(one.kind, one.payload))})
        until = self.office.real if with_names else None
        also = self.store.reviews.also_called(names)
        masks = {
            id: Mask(id, name, [*names_in(name, draft), *also.get(id, ())], until)
            for id, (name, draft) in names.items()
        }
        pseudonyms: dict[int, str] = {}
        for one in sorted(found, key=lambda one: (one.person_id, *happened(one))):
            mask = masks[one.person_id]
            # In a file without names, somebody is another number than at the desk.
            alias = pseudonyms.setdefault(one.person_id, f"P{len(pseudonyms) + 1:04}")
            is_open = conversations.masks.may_read(one.subject)
            said = touched(tap_in(one.kind, one.payload), choices) or one.text
            shorts = " | ".join(option["short"] for option in one.options or ())
            yield [
                f"{mask.first_name or ''} ({one.person_id})".strip() if with_names else alias,
                happened(one)[0].astimezone(ROME).isoformat(timespec="seconds"),
                one.channel,
                one.direction,
                str(shown(author(one, conversations.staff) or "", reader)),
                one.kind,
                mask.text(said) if is_open else "",
                mask.text(shorts) if is_open else "",
                one.state,
                one.reason or "",
            ]


def as_csv(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """With a mark at the beginning by which spreadsheets see that it is UTF-8."""
    return "".join(csv_row(one) for one in (headings, *rows)).encode("utf-8-sig")


def as_xlsx(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(out, plain) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headings, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value[:LONGEST_CELL])
    return out.getvalue()
