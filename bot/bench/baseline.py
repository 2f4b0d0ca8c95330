# SPDX-License-Identifier: EUPL-1.2
"""
The bot a good developer would write instead, for comparison.

python-telegram-bot's ConversationHandler, SQLAlchemy's ORM on SQLite in WAL mode with synchronous=FULL, and for each
update one commit that holds the person, where they are in the conversation, what they wrote and what was answered.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from telegram import Update
from telegram.ext import Application, ContextTypes, ConversationHandler, MessageHandler, filters
from telegram.request import BaseRequest

MENU, YEAR, NAME, COMUNE, GOAL, ITALIAN, REMINDERS, OFFERS = range(8)
COMUNI = {"bologna": "037006"}
MENU_TEXT = "Che cosa ti serve?\n1. Un aiuto\n2. Orientamento\n3. Formazione\n4. Iscriviti\n5. I miei impegni"
YES_NO = "\n1. Sì\n2. No"


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSON}


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(unique=True)
    first_name: Mapped[str | None]
    birth_year: Mapped[int | None]
    comune: Mapped[str | None]
    goal: Mapped[str | None]
    italian: Mapped[str | None]
    registered_at: Mapped[datetime | None]


class Dialogue(Base):
    __tablename__ = "dialogues"
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    state: Mapped[int]
    draft: Mapped[dict[str, Any]]


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("update_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    direction: Mapped[str]
    update_id: Mapped[int | None]
    text: Mapped[str]
    at: Mapped[datetime]


class Consent(Base):
    __tablename__ = "consents"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    purpose: Mapped[str]
    given: Mapped[bool]
    text_hash: Mapped[str]
    message_id: Mapped[int]
    at: Mapped[datetime]


class NoNetwork(BaseRequest):
    """Every call to Telegram succeeds at once and costs nothing: this bench is about what comes in."""

    read_timeout = 1.0

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_request(self, *_args: Any, **_kwargs: Any) -> tuple[int, bytes]:
        return 200, b'{"ok": true, "result": {"id": 1, "is_bot": true, "first_name": "bot", "username": "bot"}}'


class Bot:
    """The same questions, in the same order, as Sportello's registration."""

    def __init__(self, path: str, now: Callable[[], datetime]) -> None:
        self.engine = create_engine(f"sqlite:///{path}")
        self.now = now

        @event.listens_for(self.engine, "connect")
        def durable(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

        Base.metadata.create_all(self.engine)

    def application(self) -> "Application[Any, Any, Any, Any, Any, Any]":
        text = filters.TEXT
        steps = (self.menu, self.year, self.name, self.comune, self.goal, self.italian, self.reminders, self.offers)
        dialogue = ConversationHandler(
            entry_points=[MessageHandler(text, self.hello)],
            states={state: [MessageHandler(text, step)] for state, step in enumerate(steps)},
            fallbacks=[],
        )
        made = (
            Application.builder()
            .token("1:a")
            .request(NoNetwork())
            .get_updates_request(NoNetwork())
            .updater(None)
            .build()
        )
        made.add_handler(dialogue)
        return made

    async def hello(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        return self.turn(update, MENU, "Ciao. Sono un programma.", MENU_TEXT)

    async def menu(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        return self.turn(update, YEAR, "In che anno sei nata o nato? Per esempio: 1987.")

    async def year(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        words = said(update)
        if not words.isdigit():
            return self.turn(update, YEAR, "Non ho capito l’anno.")
        return self.turn(update, NAME, "Come ti chiami? Basta il nome.", birth_year=int(words))

    async def name(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        return self.turn(update, COMUNE, f"{said(update)}, in quale comune abiti?", first_name=said(update))

    async def comune(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        found = COMUNI.get(said(update).casefold())
        if found is None:
            return self.turn(update, COMUNE, "Non conosco questo comune.")
        return self.turn(update, GOAL, "Che lavoro cerchi? Scrivi una o due parole.", comune=found)

    async def goal(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        return self.turn(
            update, ITALIAN, "Quanto capisci l’italiano?\n1. Poco\n2. Così così\n3. Bene", goal=said(update)
        )

    async def italian(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        text = "Vuoi ricevere qui i promemoria dei tuoi appuntamenti?" + YES_NO
        return self.turn(update, REMINDERS, text, italian=said(update))

    async def reminders(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        text = "Vuoi ricevere qui le nuove offerte adatte a te?" + YES_NO
        return self.turn(update, OFFERS, text, consent="reminders")

    async def offers(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        return self.turn(update, MENU, "Grazie. Iscrizione fatta.", MENU_TEXT, consent="offers", finish=True)

    def turn(
        self, update: Update, state: int, *texts: str, consent: str = "", finish: bool = False, **answers: Any
    ) -> int:
        """One commit: the person, the state, what came in and what goes out."""
        with Session(self.engine) as session, session.begin():
            person = self.person(session, update)
            dialogue = session.get(Dialogue, person.id) or Dialogue(person_id=person.id, state=state, draft={})
            dialogue.state, dialogue.draft = state, {**dialogue.draft, **answers}
            session.add(dialogue)
            row = Message(
                person_id=person.id, direction="in", update_id=update.update_id, text=said(update), at=self.now()
            )
            session.add(row)
            session.flush()
            if consent:
                session.add(self.consent(person.id, consent, row.id, said(update)))
            if finish:
                for name, value in dialogue.draft.items():
                    setattr(person, name, value)
                person.registered_at = self.now()
            session.add_all([Message(person_id=person.id, direction="out", text=text, at=self.now()) for text in texts])
        return state

    def person(self, session: Session, update: Update) -> Person:
        assert update.effective_chat is not None
        found = session.scalar(select(Person).where(Person.chat_id == update.effective_chat.id))
        if found is None:
            found = Person(chat_id=update.effective_chat.id)
            session.add(found)
            session.flush()
        return found

    def consent(self, person_id: int, purpose: str, message_id: int, words: str) -> Consent:
        proof = hashlib.sha256(purpose.encode()).hexdigest()
        return Consent(
            person_id=person_id,
            purpose=purpose,
            given=words == "1",
            text_hash=proof,
            message_id=message_id,
            at=self.now(),
        )


def said(update: Update) -> str:
    return (update.message.text if update.message else None) or ""
