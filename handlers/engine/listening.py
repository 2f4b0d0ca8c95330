# SPDX-License-Identifier: EUPL-1.2
"""Messages that no step answers: a cry for help, and what is meant for somebody of the desk who writes now."""

from datetime import datetime
from functools import cached_property
from typing import Any

from handlers.conversations.erasure import erasure
from handlers.conversations.stop import TOPICS
from handlers.desk import Desk
from handlers.desk.attendance import key_in
from handlers.engine.meaning import FILES
from handlers.engine.scene import Play
from handlers.rules.cries import Cry, cry_in
from handlers.talk import Incoming, Local, Text, _, anytime, lines, phones, reading
from handlers.talk.rendering import short
from handlers.talk.text import Words, shown
from storage import Store
from storage.dialogues import Opened

# 112: the single European number for every emergency, free from any telephone, in many languages
# (europarl.europa.eu/italy, "112: il numero unico europeo per le emergenze").
# 1522: against violence and stalking, of the Department for Equal Opportunities: free, day and night, in eleven
# languages (1522.eu; ansa.it, 9 June 2023).
HELP: dict[Cry, tuple[Text, ...]] = {
    "danger": (_("You are not alone. Call 112 now: it is free, day and night."),),
    "violence": (
        _("You are not alone. Are you in danger? Call 112 now: it is free."),
        _("Does somebody hurt or threaten you? Call 1522: free, day and night, in many languages."),
    ),
}
TOLD = _("I am a program. A person of the desk reads your message first.")  # true at night, too
HEALTH = _("Better not to write about health here. I keep no trace of it.")
MOST_QUOTED = 60  # letters
NO_MORE = {"stop_offers": _("All right: no more new offers."), "stop_reminders": _("All right: no more reminders.")}


class Listening:
    """One message, before any step is played."""

    def __init__(self, play: Play, store: Store, row: int, message: Incoming, opened: Opened, now: datetime) -> None:
        self.play, self.store, self.row, self.message, self.opened, self.now = play, store, row, message, opened, now

    @cached_property
    def desk(self) -> Desk:
        chat = self.opened.identity
        return Desk(self.store, self.opened.person, self.now, self.play.catalogues, chat=chat, message_id=self.row)

    def is_enough(self) -> bool:
        """Is this message dealt with? Else a turn follows."""
        if cry := cry_in(self.message.text):
            self._help(cry)
            return True
        taken_by = self.opened.dialogue.taken_by
        if self.message.late and taken_by is None and self._is_overtaken():
            return True
        if taken_by is None or self._ends_it() or self._is_for_the_program():
            return False
        self._keep(taken_by)
        return True

    def _help(self, cry: Cry) -> None:
        """The numbers that help, at once; whatever had been asked stays open, and is not asked now."""
        self.desk.cases.open("urgent")
        phone, opening = self.desk.setting("phone"), self.desk.settings.get("opening")
        self._say(
            lines(
                *HELP[cry],
                TOLD,
                phone and _("You can also call {phone}.", phone=phone),
                isinstance(opening, dict) and _("The desk is open: {opening}.", opening=Local(opening)),
            )
        )
        self._heard(version=self.opened.dialogue.version + 1)  # it counts: else two programs say it for ever

    def _is_overtaken(self) -> bool:
        """
        What we hear only now answers nothing that was asked since: whoever wrote it is told, once, unless they have
        said stop since. Words that always work do so, and a button answers its own message.
        """
        at, person = self.message.at, self.opened.person
        if person.stopped_at and at < self._stop_said_at(person.stopped_at):
            self._heard()
            return True
        asked = self._asked_at()
        if self.message.kind != "text" or self._word or asked is None or asked <= at:
            return False
        before = self.store.messages.heard(person.id, self.opened.identity.id, 2)[1:]
        self.store.messages.change(self.row, reason="overtaken")
        if not any(reason == "overtaken" for _at, _kind, _text, reason in before):
            words = short(" ".join(self.message.text.split()), MOST_QUOTED)
            self._say(
                lines(
                    _("I read only now what you wrote before: «{words}».", words=words),
                    _("Does it still count? Then please write it again."),
                    _("Write 0 for the menu, PERSON for a person."),
                )
            )
        self._heard()
        return True

    def _stop_said_at(self, stopped_at: datetime) -> datetime:
        """When they said stop; we may have heard it only later, and what they wrote after it counts."""
        stops = self.store.people.stops(self.opened.person.id)
        said = next((stop.message_id for stop in reversed(stops) if stop.at == stopped_at), None)
        message = self.store.messages.get(said) if said else None
        return message.at if message else stopped_at

    def _asked_at(self) -> datetime | None:
        """When this chat was asked something last, be it a question or a message with choices."""
        question_id = self.opened.dialogue.question_id
        question = self.store.messages.get(question_id) if question_id else None
        choice = self.store.messages.newest_choice(self.opened.person.id, self.opened.identity.id)
        found = [one.sent_at or one.at for one in (question, choice) if one]
        return max(found, default=None)

    def _ends_it(self) -> bool:
        """Stopping always works, and so does wanting to be deleted: the program answers that itself."""
        if self._word == "stop":
            return self.desk.handover.give_back(None, because="stopped")
        wants = erasure.words and reading.folded(self.message.text) in self.play.catalogues.phrases(erasure.words)
        return bool(wants) and self.desk.handover.give_back(None, because="erasure")

    def _is_for_the_program(self) -> bool:
        """
        The code in the room; a button of what Sportello sent by itself, or of what it said since: giving up a place
        is always possible.

        What was asked before somebody of the desk stepped in rests until they give back.
        """
        if key_in(self.message):  # who stands in the room need not wait for anybody
            return True
        tap, since = self.message.tap, self.opened.dialogue.taken_at
        shown = self.store.messages.get(tap.message) if tap else None
        if shown is None or since is None or shown.identity_id != self.opened.identity.id:
            return False
        return shown.answered_by is not None or shown.at > since

    @cached_property
    def _word(self) -> str | None:
        return anytime.find(self.message.text, self.play.catalogues) if self.message.kind == "text" else None

    def _keep(self, taken_by: int) -> None:
        """For whoever writes to them now, as is what it opens; only what must not wait is done."""
        kind, carried = self.message.kind, self.message.payload
        if kind in FILES and carried.get("file_id"):
            self.desk.files.receive(kind, carried)
            self.store.cases.take_all(self.opened.person.id, taken_by, self.now)
        number = phones.shared(carried["phone"]) if kind == "contact" and carried.get("own") else None
        if number:
            self.desk.people.call_at(number)
        if self._word in NO_MORE:
            self.desk.people.stop_topic(TOPICS[self._word.removeprefix("stop_")])
            self._say(NO_MORE[self._word])
        if self.message.masked:
            self._say(HEALTH)
        self._heard(changed_at=self.now)

    def _heard(self, **values: Any) -> None:
        """What it changes of the dialogue, and that it was heard; one that is tried again may be an older one."""
        if self.row >= (self.opened.dialogue.heard_id or 0):
            values |= {"heard_id": self.row, "heard_at": self.now}
        self.store.dialogues.change(self.opened.person.id, **values)

    def _say(self, words: Words) -> None:
        reader = self.play.catalogues.reader(self.desk.person.language)
        self.desk.outbox.reply(self.opened.identity, str(shown(words, reader)), reply_to=self.row)
