# SPDX-License-Identifier: EUPL-1.2
"""One message, one transaction, one turn."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from handlers.desk import Desk
from handlers.engine.frames import incoming_of, payload_of
from handlers.engine.listening import Listening
from handlers.engine.masking import without_health
from handlers.engine.recognising import Recognising, touched
from handlers.engine.turn import Play, Turn
from handlers.rules.cries import cry_in
from handlers.rules.looping import FLOOD, Heard, is_loop, is_time_to_look
from handlers.talk import Incoming, _, anytime
from handlers.talk.limits import LIMITS
from storage import Contested, Storage, Store, Unavailable
from storage.dialogues import Dialogue, Opened
from storage.messages import Message
from storage.people import Person

log = structlog.get_logger()

RETRIES = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=15))


class Clock(Protocol):
    """What the engine needs to know of time; both aware, in UTC."""

    def now(self) -> datetime: ...

    def real(self) -> datetime: ...


class Engine:
    """Hears people out, one message after another."""

    def __init__(self, storage: Storage, play: Play, clock: Clock) -> None:
        self.storage, self.play, self.clock = storage, play, clock

    def hear(self, messages: Iterable[Incoming]) -> None:
        """Take in what arrived, each message in a transaction of its own. Raises Unavailable if it cannot be kept."""
        for message in messages:
            self._hear(message, patience=3)

    def _hear(self, message: Incoming, patience: int) -> None:
        try:
            with self.storage.writing() as store:
                self.turn(store, message)
        except Contested:
            if not patience:
                raise
            self._hear(message, patience - 1)

    def turn(self, store: Store, message: Incoming) -> None:
        """Everything that follows from one message happens, or none of it does. Does not commit: the caller does."""
        if self._is_heard(store, message):
            return
        message = touched(store, self._recognising(store).known(message))
        opened = self._lock(store, message)
        message = without_health(message, opened.options)
        is_taken = opened.dialogue.taken_by is not None
        must_wait = opened.is_busy and not is_taken and not self.play.is_urgent(message)
        row = self._keep(store, message, opened, state="waiting" if must_wait else "handled")
        if row is None:
            return
        if LIMITS[opened.identity.channel].window:  # what waited for a word of theirs may leave now
            store.messages.window_opened(opened.identity.id, self.clock.now())
        is_news = message.kind in ("blocked", "unblocked")
        if is_news or opened.identity.blocked_at:  # who writes has opened the chat again, told or not
            desk = self._desk(store, opened.person, row)
            desk.people.blocked(opened.identity, message.kind == "blocked")
        if is_news:
            return
        if must_wait or self._is_loop(store, row, message, opened):
            store.dialogues.heard(opened.person.id, row, self.clock.now())
            return
        trouble = self._try(store, row, message, opened)
        if trouble:
            self._fail(store, row, attempts=1, trouble=trouble)
            store.dialogues.heard(opened.person.id, row, self.clock.now())

    def retry(self) -> int:
        """Give failed turns, and those that wait behind them, another try where it is due. Returns how many people."""
        with self.storage.reading() as store:
            due = store.messages.due_turns(self.clock.real())
        for person_id in due:
            try:
                with self.storage.writing() as store:
                    self._retry(store, person_id)
            except Exception as trouble:  # somebody else's turn must not wait for this one
                log.error("retry_failed", error=type(trouble).__name__, at=where(trouble))
        return len(due)

    @staticmethod
    def _is_heard(store: Store, message: Incoming) -> bool:
        """What comes once more gives no chat an old name back, which may be somebody else's by now."""
        channel, id = message.sender.channel, message.message_id
        return bool(LIMITS[channel].has_aliases and id and store.messages.known(channel, [id]))

    def _lock(self, store: Store, message: Incoming) -> Opened:
        sender = message.sender
        found = store.dialogues.lock(sender.channel, sender.id)
        if found is None:
            chat, _person = store.people.meet(
                sender.channel,
                sender.id,
                simulated=sender.simulated,
                language=self.play.first_language(message),
                release=self.play.release,
                now=self.clock.now(),
            )
            self._recognising(store).learn(chat, message)
            found = store.dialogues.lock(sender.channel, sender.id)
        assert found is not None, "a person we have just met has a dialogue"
        return found

    def _keep(self, store: Store, message: Incoming, opened: Opened, state: str) -> int | None:
        return store.messages.take_in(
            person_id=opened.person.id,
            identity_id=opened.identity.id,
            channel=opened.identity.channel,
            kind=message.kind,
            text=message.text,
            state=state,
            at=message.at if message.late else self.clock.now(),
            update_key=message.update_id,
            message_key=message.message_id,
            payload=payload_of(message),
            dialogue_version=opened.dialogue.version,
        )

    def _is_loop(self, store: Store, row: int, message: Incoming, opened: Opened) -> bool:
        """Is it another program that answers us? Then its message is kept, and nobody answers it."""
        if opened.dialogue.taken_by is not None or not is_time_to_look(opened.dialogue.version):
            return False
        heard = [
            Heard(at, text, is_written=kind == "text", is_unanswered=reason == "looping")
            for at, kind, text, reason in store.messages.heard(opened.person.id, opened.identity.id, FLOOD)
        ]
        if not is_loop(heard, self.clock.now()) or self._always_works(store, message, opened.person):
            return False
        store.messages.change(row, reason="looping")
        if not heard[1].is_unanswered:
            self._fall_silent(store, row, opened)
        return True

    def _always_works(self, store: Store, message: Incoming, person: Person) -> bool:
        """Stopping does, asking for a person, crying for help; once, or two programs could do it for ever."""
        if cry_in(message.text):
            return "urgent" not in store.cases.open_reasons(person.id)
        match anytime.find(message.text, self.play.catalogues):
            case "stop":
                return person.stopped_at is None
            case "person":
                return "asked" not in store.cases.open_reasons(person.id)
            case _:
                return False

    def _fall_silent(self, store: Store, row: int, opened: Opened) -> None:
        """Say so once, and let a person of the desk have a look."""
        desk = self._desk(store, opened.person, row)
        desk.cases.open("looping")
        words = _("Too many messages at once: I stop for a few minutes. To talk to a person, write PERSON.")
        reader = self.play.catalogues.reader(desk.person.language)
        desk.outbox.reply(opened.identity, words.render(reader), reply_to=row)

    def _try(self, store: Store, row: int, message: Incoming, opened: Opened) -> str | None:
        """Listen, and play the turn; what went wrong, or None. A database that is down is not the turn's fault."""
        now = self.clock.now()
        try:
            with store.savepoint():
                if not Listening(self.play, store, row, message, opened, now).is_enough():
                    Turn(self.play, store, row, message, opened, now).run()
        except Unavailable:
            raise
        except Exception as trouble:
            # Only names and places are logged: the words of a person, which an exception may quote, are not.
            log.error("turn_failed", message=row, error=type(trouble).__name__, at=where(trouble))
            return type(trouble).__name__
        return None

    def _fail(self, store: Store, row: int, *, attempts: int, trouble: str) -> None:
        retry_at = self.clock.real() + RETRIES[attempts - 1]
        store.messages.change(row, state="failed", reason=trouble, attempts=attempts, retry_at=retry_at)

    def _retry(self, store: Store, person_id: int) -> None:
        """What this person wrote and we did not manage, in the order they wrote it, until one fails again."""
        dialogue = store.dialogues.lock_person(person_id)
        for message in store.messages.unfinished(person_id):
            if dialogue.taken_by is not None and not self._is_urgent(store, message):
                self._try_again(store, message)  # a file that it carries is kept for whoever writes now
                store.messages.change(message.id, state="given_up", reason="taken_over", retry_at=None)
                continue
            if message.retry_at and message.retry_at > self.clock.real():
                return  # another worker has just tried
            if was_before_stop(message, store.people.get(person_id)):
                self._give_up(store, message, "person_stopped")
            elif message.state == "failed" and message.dialogue_version != dialogue.version:
                self._give_up(store, message, "dialogue_moved_on")
            elif not self._again(store, message, dialogue):
                return
            dialogue = store.dialogues.get(person_id)

    def _again(self, store: Store, message: Message, dialogue: Dialogue) -> bool:
        """Another try at one message; False if the ones behind it must wait on."""
        trouble = self._try_again(store, message)
        if trouble is None:
            store.messages.change(message.id, state="handled", reason=None, retry_at=None)
        elif message.attempts >= len(RETRIES):
            self._give_up(store, message, trouble)
        else:
            attempts = message.attempts + 1
            self._fail(store, message.id, attempts=attempts, trouble=trouble)
            store.messages.change(message.id, dialogue_version=dialogue.version)
            return False
        return True

    def _try_again(self, store: Store, message: Message) -> str | None:
        identity = store.people.identity(message.identity_id)
        opened = store.dialogues.lock(identity.channel, identity.address)
        assert opened is not None, "who wrote to us has a dialogue"
        return self._try(store, message.id, incoming_of(message, identity), opened)

    def _is_urgent(self, store: Store, message: Message) -> bool:
        return self.play.is_urgent(incoming_of(message, store.people.identity(message.identity_id)))

    def _give_up(self, store: Store, message: Message, reason: str) -> None:
        """A person takes over, and the one who wrote is told, unless they have said stop since."""
        store.messages.change(message.id, state="given_up", reason=reason, retry_at=None)
        desk = self._desk(store, store.people.get(message.person_id))
        desk.cases.open("failed_turn", message_id=message.id)
        if was_before_stop(message, desk.person):
            return
        words = _("I am sorry: something did not work with your last message. A person of the desk will look at it.")
        reader = self.play.catalogues.reader(desk.person.language)
        desk.outbox.reply(store.people.identity(message.identity_id), words.render(reader), reply_to=message.id)

    def _recognising(self, store: Store) -> Recognising:
        return Recognising(store, self.play.catalogues, self.clock.now())

    def _desk(self, store: Store, person: Person, row: int | None = None) -> Desk:
        return Desk(store, person, self.clock.now(), self.play.catalogues, message_id=row)


def was_before_stop(message: Message, person: Person) -> bool:
    return person.stopped_at is not None and message.at < person.stopped_at


def where(trouble: BaseException) -> str:
    """The file and line an exception comes from."""
    trace = trouble.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"
