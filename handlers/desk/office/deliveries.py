# SPDX-License-Identifier: EUPL-1.2
"""What did not arrive: seen with its reason, sent again where that makes sense, or left at that."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handlers.desk.chats import OF_THE_FIRST, in_full
from handlers.desk.office.refusals import Refused
from handlers.talk import Gone, _
from storage.deliveries import Problem, Waiting
from storage.messages import Message

if TYPE_CHECKING:
    from handlers.desk.office import Office

AT_A_TIME = 50


class Deliveries:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def problems(self, *, before: int | None = None, after: int | None = None, settled: bool = False) -> list[Problem]:
        """Newest first, one more than is shown, so that the page knows whether there is another."""
        scope = self.office.scope
        return self.store.deliveries.problems(
            AT_A_TIME + 1,
            areas=scope.areas,
            programmes=scope.programmes,
            before=before,
            after=after,
            settled=settled,
        )

    def waiting(self) -> list[Waiting]:
        """What leaves only when its person writes."""
        scope = self.office.scope
        return self.store.deliveries.waiting(AT_A_TIME, areas=scope.areas, programmes=scope.programmes)

    def again(self, id: int) -> None:
        """
        Send it once more, once. Before it leaves everything is checked again, as for any message.

        Raises Gone, and Refused where it cannot arrive, or would come too late to be of use.
        """
        message = self._locked(id)
        payload = message.payload or {}
        if payload.get("again_as") or payload.get("settled_by"):
            raise Refused(_("A colleague has already seen to this message."))
        desk = self.office.desk_of(message.person_id)
        chat = self.store.people.identity(message.identity_id)
        if desk.person.stopped_at:
            raise Refused(_("The person asked for no more messages."))
        if chat.blocked_at:
            raise Refused(_("The chat is closed until the person writes. You can call them."))
        if message.not_after and message.not_after <= self.office.now:
            raise Refused(_("It is too late for this message: it would no longer be true."))
        facts = {name: value for name, value in payload.items() if name not in OF_ANOTHER_TRY}
        whole = in_full(message)
        new = self.store.messages.put_out(
            **{name: getattr(whole, name) for name in COPIED},
            payload={**facts, "again": id, "by": self.office.member.id},
            dedupe_key=f"again:{id}",
            at=self.office.now,
            due_at=self.office.now,
        )
        # Nobody asks the channel any more what became of the first one.
        self.store.messages.change(id, payload={**payload, "again_as": new}, retry_at=None)
        self.office.note("sent_again", f"message:{id}")

    def settle(self, id: int) -> None:
        """Leave it at that: somebody has told the person otherwise, or it matters no more. Raises Gone."""
        message = self._locked(id)
        facts = {**(message.payload or {}), "settled_by": self.office.member.id}
        self.store.messages.change(id, payload=facts, retry_at=None)
        self.office.note("delivery_settled", f"message:{id}")

    def _locked(self, id: int) -> Message:
        """The message, which nobody else changes until this is written. The person before it, as everywhere."""
        found = self.store.messages.get(id)
        if found is None:
            raise Gone
        self.office.desk_of(found.person_id)
        self.store.dialogues.lock_person(found.person_id)
        found = self.store.messages.get(id)
        if found is None or found.direction != "out" or found.state not in ("failed", "uncertain", "missed"):
            raise Gone
        return found


OF_ANOTHER_TRY = ("repeats", *OF_THE_FIRST)
COPIED: Sequence[str] = (
    "person_id",
    "identity_id",
    "channel",
    "kind",
    "text",
    "options",
    "answered_by",
    "subject",
    "reply_to",
    "priority",
    "not_after",
)
