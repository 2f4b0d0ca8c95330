# SPDX-License-Identifier: EUPL-1.2
"""Nothing is kept for ever: each job takes what is too old and nothing else, and none stops another."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update

import storage
from handlers.desk import erasing
from handlers.desk.retaining import Retaining, slot_of
from handlers.rules.retention import BY_NAME, RULES, days_of
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME
from storage import Storage, Store
from storage.retention import BATCH, Retention
from storage.tables import (
    attachments,
    audit,
    cases,
    consents,
    dialogues,
    erasures,
    files,
    leftovers,
    messages,
    misreadings,
    people,
    rights_requests,
    unmaskings,
)
from tests.database import MONDAY

DAY = timedelta(days=1)
CATALOGUES = Catalogues()


@dataclass
class Hands:
    """A clock that a test sets."""

    at: datetime = MONDAY

    def now(self) -> datetime:
        return self.at

    def real(self) -> datetime:
        return self.at


@dataclass
class Archive:
    """A database in which things grow old."""

    storage: Storage
    clock: Hands

    def met(self, name: str, at: datetime = MONDAY, **values: Any) -> int:
        """Somebody wrote for the first time, and no more since."""
        with self.storage.writing() as store:
            chat, person = store.people.meet("telegram", name, simulated=True, language="it", release="1", now=at)
            store.people.change(person.id, source="link", **values)
            store.dialogues.change(person.id, changed_at=at, heard_at=at)
            return chat.person_id

    def said(self, person: int, text: str, at: datetime = MONDAY, many: int = 1, **values: Any) -> int:
        """They wrote, or were written to; the number of the last message."""
        with self.storage.writing() as store:
            chat = store.people.identities(person)[0]
            usual = {"person_id": person, "identity_id": chat.id, "channel": "telegram", "kind": "text", "attempts": 0}
            row = {**usual, "direction": "in", "state": "handled", "text": text, "at": at, **values}
            store.write(insert(messages), [row] * many)
            return int(store.read(select(func.max(messages.c.id)))[0][0])

    def run(self, name: str, most: int | None = None) -> int:
        return Retaining(self.storage, self.clock, CATALOGUES).run(name, most).rows

    def would(self, name: str) -> int:
        return Retaining(self.storage, self.clock, CATALOGUES).counts()[name]

    def does(self, name: str) -> int:
        """What it says it would do is what it does, and the second time there is nothing left."""
        would = self.would(name)
        assert self.run(name) == would
        assert self.would(name) == self.run(name) == 0
        return would

    def text(self, id: int) -> str:
        return str(self.column(messages.c.text, messages.c.id == id)[0])

    def column(self, column: Any, *where: Any) -> list[Any]:
        with self.storage.reading() as store:
            return [row[0] for row in store.read(select(column).where(*where).order_by(column))]

    def write(self, statement: Any) -> None:
        with self.storage.writing() as store:
            store.write(statement)

    def member(self) -> int:
        with self.storage.writing() as store:
            languages: list[str] = []
            return store.staff.add(name="T", email="t@example.org", role="tutor", languages=languages)


@pytest.fixture
def archive(storage_url: str) -> Iterator[Archive]:
    with closing(storage.open(storage_url)) as found:
        yield Archive(found, Hands())


# ---- messages


def test_old_words_are_emptied_and_that_there_was_a_message_stays(archive: Archive) -> None:
    person = archive.met("amina")
    old = archive.said(person, "cerco lavoro", payload={"tap": "1.0"}, options=[{"id": "a", "label": "mia"}])
    new = archive.said(person, "ciao", at=MONDAY + DAY)
    archive.clock.at += 90 * DAY + timedelta(hours=1)
    assert archive.does("messages") == 1
    with archive.storage.reading() as store:
        row = store.messages.get(old)
    assert row and (row.text, row.payload, row.options, row.state, row.at) == ("", None, None, "handled", MONDAY)
    assert archive.text(new) == "ciao"


def test_an_open_question_what_is_not_sent_and_what_waits_is_left_until_it_is_over(archive: Archive) -> None:
    person = archive.met("amina")
    question = archive.said(person, "Come ti chiami?", direction="out", state="sent")
    unsent = archive.said(person, "Promemoria", direction="out", state="pending", due_at=MONDAY)
    waits = archive.said(person, "aiuto", state="waiting")
    archive.write(update(dialogues).where(dialogues.c.person_id == person).values(question_id=question))
    archive.clock.at += 91 * DAY
    assert archive.would("messages") == archive.run("messages") == 0
    assert archive.column(leftovers.c.message_id) == [question, unsent, waits]
    archive.write(update(dialogues).where(dialogues.c.person_id == person).values(question_id=None))
    archive.write(update(messages).where(messages.c.id == waits).values(state="handled"))
    assert archive.does("messages") == 2
    assert archive.column(leftovers.c.message_id) == [unsent] and archive.text(unsent) == "Promemoria"


def test_words_of_somebody_who_asks_about_their_data_wait_for_the_answer(archive: Archive) -> None:
    person = archive.met("amina")
    archive.said(person, "parole mie")
    asked = {"person_id": person, "kind": "access", "came_by": "desk", "asked_at": MONDAY, "due_on": MONDAY.date()}
    archive.write(insert(rights_requests).values(**asked))
    archive.clock.at += 91 * DAY
    assert archive.run("messages") == 0
    archive.write(update(rights_requests).values(closed_at=archive.clock.at, outcome="done"))
    assert archive.does("messages") == 1


def test_a_log_that_is_done_costs_the_same_however_long_it_is(archive: Archive) -> None:
    person = archive.met("amina")
    archive.said(person, "una", many=5 * BATCH)
    archive.clock.at += 91 * DAY
    assert archive.run("messages") == 5 * BATCH
    archive.said(person, "nuova", at=archive.clock.at, many=2)
    said: list[str] = []
    for engine in {archive.storage.engine, archive.storage._writing}:
        event.listen(engine, "after_cursor_execute", lambda *given: said.append(given[2]))
    assert archive.run("messages") == 0
    assert len([one for one in said if "messages" in one]) <= 3, said


def test_a_run_that_is_broken_off_goes_on_where_it_was(archive: Archive) -> None:
    person = archive.met("amina")
    archive.said(person, "una", many=BATCH + 10)
    archive.clock.at += 91 * DAY
    assert archive.run("messages", most=1) == BATCH
    assert archive.would("messages") == 10 == archive.run("messages")


def test_what_was_sent_with_a_message_goes_with_it(archive: Archive) -> None:
    person = archive.met("amina")
    with archive.storage.writing() as store:
        file = store.files.keep(b"a form", kind="text/plain", at=MONDAY)
    archive.said(person, "", direction="out", state="sent", payload={"file": file, "name": "form.txt"})
    archive.clock.at += 91 * DAY
    assert archive.does("messages") == 1 and archive.column(files.c.id) == []


def test_words_that_are_emptied_are_found_no_more(archive: Archive) -> None:
    person = archive.met("amina")
    archive.said(person, "carrozziere")
    with archive.storage.writing() as store:
        while store.search.catch_up():
            pass
        assert len(store.search.messages("carrozziere")) == 1
    archive.clock.at += 91 * DAY
    archive.run("messages")
    with archive.storage.reading() as store:
        assert store.search.messages("carrozziere") == []


# ---- files, misreadings, proofs, the record, sign-ins


def test_files_go_unless_somebody_of_the_desk_still_looks_after_that_person(archive: Archive) -> None:
    gone, stays = archive.met("amina"), archive.met("karim")
    for person in (gone, stays):
        with archive.storage.writing() as store:
            kept = store.files.keep(f"CV {person}".encode(), kind="application/pdf", at=MONDAY)
        message = archive.said(person, "", kind="document")
        row = {"message_id": message, "person_id": person, "provider_id": "1", "state": "stored", "attempts": 1}
        archive.write(insert(attachments).values(**row, file_id=kept, at=MONDAY))
    archive.write(insert(cases).values(person_id=stays, reason="file", subject="", opened_at=MONDAY))
    archive.clock.at += 91 * DAY
    assert archive.does("files") == 1
    assert archive.column(attachments.c.person_id) == [stays] and len(archive.column(files.c.id)) == 1


def test_misread_words_grow_old_like_their_messages(archive: Archive) -> None:
    person = archive.met("amina")
    for at in (MONDAY, MONDAY + 5 * DAY):
        message = archive.said(person, "boh", at=at)
        row = {"message_id": message, "person_id": person, "words": "boh", "language": "it", "conversation": "menu"}
        archive.write(insert(misreadings).values(**row, at=at))
    archive.clock.at += 91 * DAY
    assert archive.does("misreadings") == 1 and len(archive.column(misreadings.c.id)) == 1


def test_a_proof_goes_five_years_after_the_permission_was_taken_back(archive: Archive) -> None:
    person = archive.met("amina")
    words = {"text": "?", "text_hash": "x", "version": "1", "language": "it", "channel": "telegram"}
    asked = {"person_id": person, "question_id": 1, "answer_id": 2, **words}
    for purpose, given, withdrawn in (
        ("taken_back", True, MONDAY),
        ("in_force", True, None),
        ("refused", False, None),
        ("hidden", True, None),  # an older yes, which the refusal after it puts out of force
        ("hidden", False, None),
    ):
        row = {"purpose": purpose, "given": given, "at": MONDAY - DAY, "withdrawn_at": withdrawn}
        archive.write(insert(consents).values(**asked, **row))
    archive.clock.at += 1826 * DAY
    assert archive.would("consents") == 1  # the refusal, which is a day older
    archive.clock.at += DAY
    assert archive.does("consents") == 2
    assert archive.column(consents.c.purpose) == ["hidden", "hidden", "in_force"]


def test_the_record_goes_after_two_years_but_not_what_the_places_of_a_workshop_rest_on(archive: Archive) -> None:
    person, by = archive.met("amina"), archive.member()
    with archive.storage.writing() as store:
        for action in ("person_seen", "capacity_lowered"):
            store.records.note(at=MONDAY, actor="staff:1", action=action, subject="workshop:1")
    seen = {"staff_id": by, "person_id": person, "reason": "to help", "at": MONDAY, "until": MONDAY}
    archive.write(insert(unmaskings).values(**seen))
    archive.clock.at += 731 * DAY
    assert archive.does("audit") == 2
    assert "person_seen" not in archive.column(audit.c.action) and "capacity_lowered" in archive.column(audit.c.action)
    assert archive.column(unmaskings.c.id) == []


def test_old_sign_ins_go_and_those_that_are_open_stay(archive: Archive) -> None:
    by = archive.member()
    with archive.storage.writing() as store:
        for token, ends in (("old", MONDAY), ("open", MONDAY + 40 * DAY)):
            store.staff.begin_session(
                staff_id=by, token_hash=token, form_key="k", is_whole=True, at=MONDAY, seen_at=MONDAY, expires_at=ends
            )
        store.staff.put_link(staff_id=by, kind="sign_in", token_hash="l", at=MONDAY, expires_at=MONDAY)
        store.staff.attempted("somebody", MONDAY)
    archive.clock.at += 31 * DAY
    assert archive.does("traces") == 3
    with archive.storage.reading() as store:
        assert len(store.staff.sessions_of(by, archive.clock.at)) == 1


# ---- people


def test_an_unfinished_start_is_deleted_after_a_month_by_the_erasure_everybody_has(archive: Archive) -> None:
    person = archive.met("amina", first_name="Amina")
    archive.clock.at += 30 * DAY
    assert archive.would("unfinished") == 0
    archive.clock.at += DAY
    assert archive.does("unfinished") == 1
    actors = archive.column(audit.c.actor, audit.c.action == "erasure_asked")
    assert actors == ["system"] and len(archive.column(erasures.c.receipt)) == 1
    with archive.storage.writing() as store:
        assert erasing.due(store, archive.clock.at) == [person]
        assert erasing.erase(store, person, archive.clock.at, CATALOGUES, b"key")
        assert store.people.get(person).first_name is None


def test_somebody_who_no_longer_writes_is_deleted_after_two_years(archive: Archive) -> None:
    archive.met("amina", registered_at=MONDAY)
    recent = archive.met("karim", registered_at=MONDAY)
    archive.write(update(dialogues).where(dialogues.c.person_id == recent).values(heard_at=MONDAY + 300 * DAY))
    archive.clock.at += 731 * DAY
    assert archive.does("profiles") == 1 and archive.would("unfinished") == 0


@pytest.mark.parametrize("needed", ["case", "request", "protected", "taken", "merged", "asked"])
def test_nobody_is_deleted_who_is_still_needed(archive: Archive, needed: str) -> None:
    person, by = archive.met("amina"), archive.member()
    theirs = {"person_id": person}
    match needed:
        case "case":
            archive.write(insert(cases).values(**theirs, reason="asked", subject="", opened_at=MONDAY))
        case "request":
            asked = {"kind": "access", "came_by": "desk", "asked_at": MONDAY, "due_on": MONDAY.date()}
            archive.write(insert(rights_requests).values(**theirs, **asked))
        case "protected":
            with archive.storage.writing() as store:
                store.protected.put(person, "l68", by=by, at=MONDAY, expires_on=date(2027, 3, 2))
        case "taken":
            archive.write(update(dialogues).values(taken_by=by, taken_at=MONDAY, taken_until=MONDAY))
        case "merged":
            archive.write(update(people).values(merged_into=person))
        case "asked":
            archive.write(insert(erasures).values(**theirs, receipt="S-1", asked_at=MONDAY))
    archive.clock.at += 31 * DAY
    assert archive.would("unfinished") == archive.run("unfinished") == 0


def test_two_who_run_it_at_once_ask_for_each_person_once(archive: Archive) -> None:
    for number in range(4):
        archive.met(f"p{number}")
    archive.clock.at += 31 * DAY
    both = threading.Barrier(2)
    rows: list[int] = []

    def work() -> None:
        with closing(storage.open(archive.storage.url)) as found:
            both.wait()
            rows.append(Retaining(found, archive.clock, CATALOGUES).run("unfinished").rows)

    threads = [threading.Thread(target=work) for _worker in range(2)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert sum(rows) == 4 == len(archive.column(erasures.c.id))


# ---- all of them


def test_a_job_that_fails_does_not_stop_the_others(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.met("amina")
    archive.clock.at += 31 * DAY

    def fails(*_given: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Retention, "messages", fails)
    outcomes = {one.rule.name: one for one in Retaining(archive.storage, archive.clock, CATALOGUES).run_all()}
    assert outcomes["messages"].failed == "RuntimeError" and outcomes["unfinished"].rows == 1
    assert [name for name, one in outcomes.items() if one.failed] == ["messages"]


def test_it_is_done_once_a_day_at_three_in_rome_whoever_asks_first(archive: Archive) -> None:
    retaining = Retaining(archive.storage, archive.clock, CATALOGUES)
    archive.clock.at = datetime(2027, 3, 28, 3, 30, tzinfo=ROME)  # an hour after the clocks went forward
    assert retaining.is_time() and not retaining.is_time()
    archive.clock.at = datetime(2027, 3, 29, 2, 59, tzinfo=ROME)
    assert not retaining.is_time()
    archive.clock.at += timedelta(minutes=2)
    assert retaining.is_time()
    assert slot_of(MONDAY).astimezone(ROME).hour == 3


def test_a_period_that_was_set_counts_and_stays_within_its_limits(archive: Archive) -> None:
    person = archive.met("amina")
    archive.said(person, "ciao")
    with archive.storage.writing() as store:
        store.questions.set("retention", {"messages": 30})
    archive.clock.at += 31 * DAY
    assert archive.would("messages") == 1
    assert [days_of(BY_NAME["messages"], {"messages": days}) for days in (1, 10_000, "x", None)] == [30, 730, 90, 90]
    assert all(rule.least <= rule.days <= rule.most for rule in RULES)


def test_a_dry_run_changes_nothing(archive: Archive) -> None:
    person = archive.met("amina")
    message = archive.said(person, "ciao")
    archive.clock.at += 2000 * DAY
    counts = Retaining(archive.storage, archive.clock, CATALOGUES).counts()
    assert counts["messages"] == counts["unfinished"] == 1
    assert archive.text(message) == "ciao" and archive.column(audit.c.id) == []


def test_every_rule_has_a_job_that_counts_and_one_that_deletes(archive: Archive) -> None:
    def check(store: Store) -> list[str]:
        return [rule.name for rule in RULES if not hasattr(store.retention, f"old_{rule.name}")]

    with archive.storage.reading() as store:
        assert check(store) == []
