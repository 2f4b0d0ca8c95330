# SPDX-License-Identifier: EUPL-1.2
"""Everything we keep of a person, handed over to them: a page to read, and the same for a program."""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from handlers.desk.erasure import drawn
from handlers.desk.export import sections
from handlers.talk import Gone, Local, Reader, Text, _
from handlers.talk.page import page
from storage.my_data import DOWNLOAD

if TYPE_CHECKING:
    from handlers.desk import Desk

FILE = "sportello-data"
DIGITS = "123456789"
UNSEEN = ("retired",)  # it only takes the buttons off another message

BY_THE_DESK = ("notes", "read_in_full", "protected")  # in the chat only that there is something

Row = dict[str, Any]


class MyData:
    """The data of one person."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    @staticmethod
    def new_code() -> str:
        """Four digits, to be written back in the same chat: nobody deletes everything with a slip of the thumb."""
        return drawn(DIGITS, 4)

    def is_on_its_way(self) -> bool:
        """Have they asked already, and are still to get it?"""
        return self.store.my_data.is_on_its_way(self.desk.person.id)

    def send(self) -> None:
        """Two documents, in the chat they ask from. Raises Gone."""
        found, reader = self.everything(), self._reader()
        readable = page(_("Your data at Sportello"), self.desk.now, sections(found, reader), reader)
        self._put_out(f"{FILE}.html", "text/html", readable, _("This is all I know of you, to read: open the file."))
        self._put_out(f"{FILE}.json", "application/json", as_json(found), _("This is the same for a computer."))
        who = f"person:{self.desk.person.id}"
        self.store.records.note(at=self.desk.now, actor=self.desk.actor, action="downloaded", subject=who)

    def everything(self, unsealed: Callable[[Row], Row] | None = None) -> dict[str, Any]:
        """
        By noun: what they told us, and the rows that are about them, in plain words where there are any.

        What the desk has written about them is in it only where somebody hands it over who opens what is sealed: there
        may be others in it, and in a chat anybody may read it who holds the telephone.
        """
        reader = self._reader()
        found = self.store.my_data.everything(self.desk.person.id)
        rows = {noun: [self._in_words(row, reader) for row in several] for noun, several in found.items()}
        if unsealed is None:
            rows |= {noun: [{"at": row["at"]} for row in rows[noun]] for noun in BY_THE_DESK}
        else:
            rows["protected"] = [unsealed(row) for row in rows["protected"]]
        return {
            "made_at": self.desk.now,
            "about_you": self._about(),
            **rows,
            "messages": list(said(found["messages"])),
        }

    def _about(self) -> Row:
        person = self.desk.person
        place = self.store.territories.place(person.comune_istat)
        return {
            "name": person.first_name,
            "year_of_birth": person.birth_year,
            "town": place.name if place else None,
            "telephone": person.phone,
            "language": person.language,
            "italian": person.italian_level,
            "job": person.goal,
            "came_from": person.source,
            "first_wrote_at": self.store.people.since(person.id),
            "signed_up_at": person.registered_at,
            "stopped_at": person.stopped_at,
        }

    @staticmethod
    def _in_words(row: Row, reader: Reader) -> Row:
        """What was written once per language, in theirs."""
        return {name: Local(value).render(reader) if isinstance(value, dict) else value for name, value in row.items()}

    def _put_out(self, name: str, kind: str, content: str, words: Text) -> None:
        chat = self.desk.chat
        if chat is None:
            raise Gone
        kept = self.store.files.keep(content.encode(), kind=kind, at=self.desk.now)
        self.desk.outbox.reply(
            chat,
            words.render(self._reader()),
            reply_to=self.desk.message_id,
            subject=DOWNLOAD,
            carries={"file": kept, "name": name},
        )

    def _reader(self) -> Reader:
        return self.desk.catalogues.reader(self.desk.person.language)


def said(rows: Iterable[Row]) -> Iterable[Row]:
    """Both sides of the conversation; a touch says what stood on the button, a file what it was called."""
    shown: dict[int, list[dict[str, str]]] = {}
    for row in rows:
        shown[row["id"]] = row["options"] or []
        if row["kind"] in UNSEEN:
            continue
        payload = row["payload"] or {}
        known = {name: value for name, value in row.items() if name not in ("options", "payload")}
        yield {
            **known,
            "choices": [option["label"] for option in shown[row["id"]]],
            "touched": touched(str(payload.get("tap") or ""), shown),
            "file": payload.get("name") or (payload.get("media") or {}).get("name"),
        }


def touched(token: str, shown: dict[int, list[dict[str, str]]]) -> str | None:
    """What stood on the button that somebody touched."""
    message, dot, index = token.partition(".")
    choices = shown.get(int(message), []) if dot else []
    return choices[int(index)]["label"] if dot and int(index) < len(choices) else None


def as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2, default=_plain) + "\n"


def _plain(value: object) -> str:
    """Days and moments as ISO 8601 writes them; a moment with its zone."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
