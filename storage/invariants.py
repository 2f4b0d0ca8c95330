# SPDX-License-Identifier: EUPL-1.2
"""What must be true of the whole database at any time, as sentences, each with the query that finds what breaks it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
)

from storage.club_invariants import CLUBS
from storage.erasures import ERASED, GONE, NOBODY, RECEIPT, WORDS, is_left
from storage.looking import SWEPT, Invariant, Present, about
from storage.messages import IN_FLIGHT, UNFINISHED, UNSENT
from storage.tables import (
    attachments,
    attendances,
    audit,
    bookings,
    cases,
    consents,
    dialogues,
    erasures,
    feedback,
    identities,
    merges,
    messages,
    people,
    receipts,
    series,
    stops,
    workshops,
)
from storage.transaction import Transaction
from storage.workshops import ACTIVE

ARRIVED = ("sent", "delivered", "read")
MAY_HAVE_ARRIVED = (*ARRIVED, "uncertain")
GIVEN_UP = ("failed", "uncertain", "suppressed", "missed", "superseded")
INCOMING = ("handled", *UNFINISHED, "given_up")
OUTGOING = (*UNSENT, *MAY_HAVE_ARRIVED, *(state for state in GIVEN_UP if state != "uncertain"))
BOOKING_ENDS = ("cancelled_by_person", "lapsed", "called_off")

LAST_OFFER = timedelta(hours=3)  # before the start
# A message leaves with its person's row in hand, so it left before a stop or after it; two machines' clocks may differ.
CLOCKS_DIFFER = timedelta(seconds=2)
AT_ONCE = timedelta(minutes=1)  # what answers a message by itself is written in the turn of that message
WAITED = timedelta(minutes=10)
LEASE_OVER = timedelta(minutes=5)
ASKED_WITHIN = timedelta(hours=1)
DELETED_WITHIN = timedelta(days=4)


@dataclass(frozen=True)
class Finding:
    """An invariant, how many were looked at, and the ids of those that break it."""

    invariant: Invariant
    looked_at: int
    ids: list[int]


def look(store: Transaction, present: Present) -> list[Finding]:
    """Every invariant over the whole database; nothing is changed."""
    return [_look(store, present, one) for one in INVARIANTS]


def _look(store: Transaction, present: Present, one: Invariant) -> Finding:
    counted = select(func.count()).select_from(one.of)
    looked_at = store.read(counted if one.only is None else counted.where(one.only))[0][0]
    found = [row[0] for row in store.read(one.query(present)) if one.is_broken(row, present)]
    return Finding(one, looked_at, sorted(set(found)))


# ---- places


def too_many_places(present: Present) -> Select[Any]:
    """A workshop may hold more people than places only if it was made smaller when they had theirs already."""
    taken = _taken().where(~_walked_in()).subquery("taken")
    newest = (
        select(func.max(audit.c.id))
        .where(audit.c.action == "capacity_lowered", audit.c.subject == about("workshop", workshops.c.id))
        .scalar_subquery()
    )
    lowered = audit.alias("lowered")
    had_theirs = func.coalesce(lowered.c.details["taken"].as_integer(), 0)
    newcomer = exists().where(
        bookings.c.workshop_id == workshops.c.id,
        bookings.c.state == "booked",
        bookings.c.ticket.is_(None),
        bookings.c.booked_at > lowered.c.at,
        ~_walked_in(),
    )
    return (
        select(workshops.c.id)
        .join(series, series.c.id == workshops.c.series_id)
        .join(taken, taken.c.workshop_id == workshops.c.id)
        .outerjoin(lowered, lowered.c.id == newest)
        .where(
            series.c.kind != "job_club",  # whose places are those of the club
            taken.c.places > workshops.c.capacity,
            or_(taken.c.places > had_theirs, newcomer),
        )
    )


def _taken() -> Select[Any]:
    """How many places of each workshop somebody has or has been offered."""
    return (
        select(bookings.c.workshop_id, func.count().label("places"))
        .where(bookings.c.state.in_(("booked", "offered")))
        .group_by(bookings.c.workshop_id)
    )


def _walked_in() -> ColumnElement[bool]:
    """Somebody of the desk let them in at the door, as the room allowed: their place and the word came in one."""
    return exists().where(
        attendances.c.booking_id == bookings.c.id,
        attendances.c.at == bookings.c.booked_at,
        attendances.c.by.like("staff:%"),
    )


def said_otherwise(present: Present) -> Select[Any]:
    """Places that say something else than the newest word about them."""
    newest = select(func.max(attendances.c.id)).group_by(attendances.c.booking_id)
    return (
        select(bookings.c.id)
        .join(attendances, attendances.c.booking_id == bookings.c.id)
        .where(attendances.c.id.in_(newest), attendances.c.said.is_distinct_from(bookings.c.attendance))
    )


def twice_in_one_workshop(present: Present) -> Select[Any]:
    return (
        select(func.max(bookings.c.id))
        .where(bookings.c.state.in_(ACTIVE))
        .group_by(bookings.c.workshop_id, bookings.c.person_id)
        .having(func.count() > 1)
    )


def numbers_with_gaps(present: Present) -> Select[Any]:
    given, highest = func.count(bookings.c.ticket), func.coalesce(func.max(bookings.c.ticket), 0)
    different, lowest = func.count(bookings.c.ticket.distinct()), func.coalesce(func.min(bookings.c.ticket), 1)
    return (
        select(workshops.c.id)
        .outerjoin(bookings, bookings.c.workshop_id == workshops.c.id)
        .group_by(workshops.c.id, workshops.c.line)
        .having(or_(given != workshops.c.line, highest != workshops.c.line, different != workshops.c.line, lowest != 1))
    )


# ---- offers


def offers_half_made(present: Present) -> Select[Any]:
    told = exists().where(
        messages.c.subject == about("booking", bookings.c.id),
        messages.c.person_id == bookings.c.person_id,
        messages.c.direction == "out",
        messages.c.kind == "moment",
    )
    return _offers().where(
        or_(
            bookings.c.offered_until.is_(None),
            workshops.c.cancelled_at.is_not(None),
            bookings.c.ticket.is_(None),
            ~told,
        )
    )


def offers_with_an_end(present: Present) -> Select[Any]:
    return _offers().where(bookings.c.offered_until.is_not(None))


def _offers() -> Select[Any]:
    return (
        select(bookings.c.id, bookings.c.offered_until, workshops.c.starts_at)
        .join(workshops, workshops.c.id == bookings.c.workshop_id)
        .where(bookings.c.state == "offered")
    )


def holds_too_long(row: Any, present: Present) -> bool:
    return bool(row.offered_until > row.starts_at - LAST_OFFER)


def is_past_its_end(row: Any, present: Present) -> bool:
    return bool(row.offered_until < present.now - SWEPT)


def passed_over(present: Present) -> Select[Any]:
    """
    Those who wait while a later number has an offer, and no case says why.

    Who is passed over cannot be written to, and stands on the call list from that moment on. What newcomers were
    given is not looked at: whether a place was left over for them depends on a line that may have gone since.
    """
    later = bookings.alias("later")
    came_later = exists().where(
        later.c.workshop_id == bookings.c.workshop_id,
        later.c.ticket > bookings.c.ticket,
        later.c.state == "offered",
    )
    return select(bookings.c.id).where(bookings.c.state == "waiting", came_later, ~_on_the_call_list())


def booked_before(present: Present) -> Select[Any]:
    """
    Those who wait while a later number has a place, and when it was taken.

    Only where the time never changed: of what was moved nobody knows any more when its last three hours were.
    """
    later = bookings.alias("later")
    return (
        select(bookings.c.id, later.c.booked_at, workshops.c.starts_at)
        .join(later, later.c.workshop_id == bookings.c.workshop_id)
        .join(workshops, workshops.c.id == bookings.c.workshop_id)
        .where(
            bookings.c.state == "waiting",
            later.c.state == "booked",
            later.c.ticket > bookings.c.ticket,
            workshops.c.revision == 0,
            ~_on_the_call_list(),
        )
    )


def was_not_first_come(row: Any, present: Present) -> bool:
    return row.booked_at is None or row.booked_at < row.starts_at - LAST_OFFER


def _on_the_call_list() -> ColumnElement[bool]:
    subjects = ("", about("workshop", bookings.c.workshop_id))  # earlier releases did not say which workshop
    return exists().where(
        cases.c.person_id == bookings.c.person_id, cases.c.reason == "place_free", cases.c.subject.in_(subjects)
    )


def free_beside_a_line(present: Present) -> Select[Any]:
    """
    Those who wait, can be written to, and are not on the call list, where a place is free; with the last change there.

    A place is free for so long as nothing has changed since: nobody's booking, no consent, not the workshop.
    """
    taken, touched = _taken().subquery("taken"), bookings.alias("touched")
    changed = select(func.max(touched.c.changed_at)).where(touched.c.workshop_id == workshops.c.id).scalar_subquery()
    noted = select(func.max(audit.c.at)).where(audit.c.subject == about("workshop", workshops.c.id)).scalar_subquery()
    agreed = consents.alias("agreed")
    newest = (
        select(func.max(consents.c.id))
        .where(
            consents.c.person_id == bookings.c.person_id, consents.c.purpose == present.purposes.get("place_offered")
        )
        .scalar_subquery()
    )
    return (
        select(bookings.c.id, changed, noted, agreed.c.at, workshops.c.starts_at)
        .join(workshops, workshops.c.id == bookings.c.workshop_id)
        .join(people, people.c.id == bookings.c.person_id)
        .join(agreed, agreed.c.id == newest)
        .outerjoin(taken, taken.c.workshop_id == workshops.c.id)
        .where(
            bookings.c.state == "waiting",
            func.coalesce(taken.c.places, 0) < workshops.c.capacity,
            workshops.c.cancelled_at.is_(None),
            agreed.c.given.is_(True),
            agreed.c.withdrawn_at.is_(None),
            people.c.stopped_at.is_(None),
            exists().where(identities.c.person_id == people.c.id, identities.c.blocked_at.is_(None)),
            ~_on_the_call_list(),
        )
    )


def has_long_been_free(row: Any, present: Present) -> bool:
    _id, *changes, starts_at = row
    last = max(at for at in changes if at is not None)
    return bool(last < present.now - SWEPT and present.now < starts_at - LAST_OFFER)


# ---- stops


def sent_after_stop(present: Present) -> Select[Any]:
    """
    What may have reached somebody between a stop and its end, but for answers.

    Answers are what replies to the stop itself or to something written since, and what says at once what became of it;
    and the receipt of a deletion that somebody of the desk asked for.
    """
    answered, wrote, said = messages.alias("answered"), messages.alias("wrote"), messages.alias("said")
    wrote_last = (
        select(func.max(wrote.c.at))
        .where(
            wrote.c.person_id == messages.c.person_id,
            wrote.c.direction == "in",
            wrote.c.at >= stops.c.at,
            wrote.c.at <= messages.c.at,
        )
        .scalar_subquery()
    )
    # A stop that was heard late was said earlier; so was what they wrote after it.
    is_since = or_(answered.c.at >= stops.c.at, and_(answered.c.id > said.c.id, answered.c.at >= said.c.at))
    is_answer = func.coalesce(or_(is_since, answered.c.id == stops.c.message_id), False)
    return (
        select(
            messages.c.id,
            messages.c.at,
            messages.c.sent_at,
            messages.c.state,
            messages.c.priority,
            stops.c.at.label("stopped_at"),
            stops.c.message_id,
            answered.c.at.label("answered_at"),
            wrote_last.label("wrote_last"),
        )
        .select_from(messages)
        .join(stops, stops.c.person_id == messages.c.person_id)
        .outerjoin(answered, answered.c.id == messages.c.reply_to)
        .outerjoin(said, said.c.id == stops.c.message_id)
        .where(
            _within_a_stop(),
            _since_the_last_merge(),
            stops.c.identity_id.is_(None),
            or_(stops.c.topic == "all", stops.c.topic == present.purpose),
            not_(is_answer),
            messages.c.subject.is_distinct_from(RECEIPT),
        )
    )


def _within_a_stop() -> ColumnElement[bool]:
    return and_(
        messages.c.direction == "out",
        messages.c.state.in_(MAY_HAVE_ARRIVED),
        messages.c.sent_at > stops.c.at,
        or_(stops.c.ended_at.is_(None), messages.c.sent_at < stops.c.ended_at),
    )


def _since_the_last_merge() -> ColumnElement[bool]:
    """What was written while two were taken for one, or one for two, is not held against what the other had said."""
    either = or_(merges.c.person_id == messages.c.person_id, merges.c.other_id == messages.c.person_id)
    return ~exists().where(either, messages.c.sent_at < func.coalesce(merges.c.undone_at, merges.c.at))


def was_no_answer(row: Any, present: Present) -> bool:
    was_on_its_way = left_before(row, row.stopped_at)
    # Stops of earlier releases do not name the message that said stop: what answers it is as old as they are.
    names_no_message = row.message_id is None and row.answered_at is not None
    answers_it = names_no_message and row.answered_at >= row.stopped_at - AT_ONCE
    says_what_became_of_it = row.priority == 0 and row.wrote_last is not None and row.at - row.wrote_last <= AT_ONCE
    return not (was_on_its_way or answers_it or says_what_became_of_it)


def sent_to_a_shut_chat(present: Present) -> Select[Any]:
    return (
        select(messages.c.id, messages.c.at, messages.c.sent_at, messages.c.state, stops.c.at.label("stopped_at"))
        .select_from(messages)
        .join(stops, stops.c.identity_id == messages.c.identity_id)
        .where(_within_a_stop())
    )


def was_not_on_its_way(row: Any, present: Present) -> bool:
    return not left_before(row, row.stopped_at)


def left_before(row: Any, end: datetime) -> bool:
    """Had this message left by then?"""
    return bool(row.at < end and row.sent_at <= end + CLOCKS_DIFFER)


# ---- messages


def without_number(present: Present) -> Select[Any]:
    """Of those who are deleted no number is left either."""
    is_erased = exists().where(people.c.id == messages.c.person_id, people.c.erased_at.is_not(None))
    return select(messages.c.id).where(messages.c.state.in_(ARRIVED), messages.c.provider_id.is_(None), ~is_erased)


def without_reason(present: Present) -> Select[Any]:
    gave_up = messages.c.state.in_((*GIVEN_UP, "given_up"))
    return select(messages.c.id).where(gave_up, func.coalesce(messages.c.reason, "") == "")


def left_behind(present: Present) -> Select[Any]:
    over = func.coalesce(messages.c.lease_until < present.real - LEASE_OVER, True)
    return select(messages.c.id).where(messages.c.state.in_(IN_FLIGHT), over)


def said_twice(present: Present) -> Select[Any]:
    keys = select(func.max(messages.c.id)).where(messages.c.dedupe_key.is_not(None))
    return keys.group_by(messages.c.dedupe_key).having(func.count() > 1)


def out_of_order(present: Present) -> Select[Any]:
    """
    What was sent before an earlier message of its chat and class that was due by then.

    A message that was tried again is left out: while it waited for its next try, others may have gone past it.
    """
    latest_before = func.max(messages.c.sent_at).over(
        partition_by=(messages.c.identity_id, messages.c.priority), order_by=messages.c.id, rows=(None, -1)
    )
    kept = (messages.c.identity_id, messages.c.priority, messages.c.sent_at, messages.c.kind)
    rows = (
        select(messages.c.id, *kept, latest_before.label("latest_before"))
        .where(messages.c.direction == "out", messages.c.sent_at.is_not(None), _tried_once())
        .subquery("rows")
    )
    return (
        select(rows.c.id, rows.c.sent_at, rows.c.kind, messages.c.kind.label("earlier_kind"), messages.c.at)
        .join(messages, and_(messages.c.identity_id == rows.c.identity_id, messages.c.priority == rows.c.priority))
        .where(
            rows.c.latest_before > rows.c.sent_at,
            messages.c.id < rows.c.id,
            messages.c.sent_at > rows.c.sent_at,
            messages.c.due_at <= rows.c.sent_at,
            messages.c.direction == "out",
            _tried_once(),
        )
    )


def _tried_once() -> ColumnElement[bool]:
    return and_(messages.c.attempts == 0, messages.c.retry_at.is_(None))


def was_there_already(row: Any, present: Present) -> bool:
    # Replies are written one turn at a time; of two pushes written at once, the later number may be there first.
    return bool(row.kind == row.earlier_kind == "reply" or row.at < row.sent_at - AT_ONCE)


def in_the_wrong_world(present: Present) -> Select[Any]:
    """The number of a message shows where it went: on paper for who is simulated, on the network for all others."""
    is_paper = messages.c.provider_id.like("paper:%")
    return (
        select(messages.c.id)
        .join(identities, identities.c.id == messages.c.identity_id)
        .where(
            messages.c.direction == "out",
            messages.c.provider_id.is_not(None),
            or_(and_(identities.c.simulated, ~is_paper), and_(~identities.c.simulated, is_paper)),
        )
    )


def left_waiting(present: Present) -> Select[Any]:
    return select(messages.c.id).where(
        messages.c.direction == "in", messages.c.state.in_(UNFINISHED), messages.c.at < present.now - WAITED
    )


def receipts_of_nothing(present: Present) -> Select[Any]:
    is_theirs = or_(messages.c.direction != "out", messages.c.channel != receipts.c.channel)
    return select(receipts.c.id).join(messages, messages.c.id == receipts.c.message_id).where(is_theirs)


def said_in_two_chats(present: Present) -> Select[Any]:
    """What went to another chat of somebody's, though it may have arrived in the first."""
    first = messages.alias("first")
    fell_from = messages.c.payload["fell_from"].as_integer()
    return (
        select(messages.c.id)
        .join(first, first.c.id == fell_from)
        .where(
            messages.c.dedupe_key.contains(":on:"),
            messages.c.state.in_(MAY_HAVE_ARRIVED),
            first.c.state.in_((*MAY_HAVE_ARRIVED, *UNSENT)),
        )
    )


def never_asked_about(present: Present) -> Select[Any]:
    over = messages.c.retry_at < present.real - ASKED_WITHIN
    return select(messages.c.id).where(messages.c.state == "uncertain", over)


def in_no_known_state(present: Present) -> Select[Any]:
    comes_in, goes_out = messages.c.direction == "in", messages.c.direction == "out"
    return select(messages.c.id).where(
        not_(or_(and_(comes_in, messages.c.state.in_(INCOMING)), and_(goes_out, messages.c.state.in_(OUTGOING))))
    )


def bookings_in_no_known_state(present: Present) -> Select[Any]:
    return select(bookings.c.id).where(bookings.c.state.not_in((*ACTIVE, *BOOKING_ENDS)))


def files_without_an_end(present: Present) -> Select[Any]:
    stored, gone = attachments.c.state == "stored", attachments.c.state.in_(("refused", "lost"))
    return select(attachments.c.id).where(
        or_(and_(stored, attachments.c.file_id.is_(None)), and_(gone, attachments.c.reason.is_(None)))
    )


def silent_for_ever(present: Present) -> Select[Any]:
    """Those with whom somebody of the desk writes for longer than they said."""
    is_over = func.coalesce(dialogues.c.taken_until < present.now - SWEPT, True)
    return select(dialogues.c.person_id).where(dialogues.c.taken_by.is_not(None), is_over)


# ---- people and what they agreed to


def without_dialogue(present: Present) -> Select[Any]:
    has_one = exists().where(dialogues.c.person_id == identities.c.person_id)
    return select(identities.c.person_id).where(~has_one)


def sent_without_consent(present: Present) -> Select[Any]:
    """Pushes, each with the newest answer to the question of consent before it was sent, if that does not allow it."""
    answer = consents.alias("answer")
    newest = (
        select(func.max(answer.c.id))
        .where(
            answer.c.person_id == messages.c.person_id,
            answer.c.purpose == present.purpose,
            answer.c.at <= messages.c.sent_at,
        )
        .scalar_subquery()
    )
    in_force = or_(consents.c.withdrawn_at.is_(None), consents.c.withdrawn_at > messages.c.sent_at)
    return (
        select(
            messages.c.id,
            messages.c.at,
            messages.c.sent_at,
            messages.c.state,
            consents.c.given,
            consents.c.withdrawn_at,
        )
        .select_from(messages)
        .outerjoin(consents, consents.c.id == newest)
        .where(
            messages.c.direction == "out",
            messages.c.state.in_(MAY_HAVE_ARRIVED),
            messages.c.sent_at.is_not(None),
            present.purpose.is_not(None),
            _since_the_last_merge(),
            not_(func.coalesce(and_(consents.c.given, in_force), False)),
        )
    )


def was_not_allowed(row: Any, present: Present) -> bool:
    return not (row.given and left_before(row, row.withdrawn_at))


def consents_with_proof(present: Present) -> Select[Any]:
    """Every consent, with what its question and its answer are; and the words, which must be those that were hashed."""
    asked, answered = messages.alias("asked"), messages.alias("answered")
    is_proved = and_(
        func.coalesce(and_(asked.c.person_id == consents.c.person_id, asked.c.direction == "out"), False),
        func.coalesce(and_(answered.c.person_id == consents.c.person_id, answered.c.direction == "in"), False),
    )
    return (
        select(consents.c.id, is_proved.label("is_proved"), consents.c.text, consents.c.text_hash)
        .outerjoin(asked, asked.c.id == consents.c.question_id)
        .outerjoin(answered, answered.c.id == consents.c.answer_id)
    )


def is_not_proved(row: Any, present: Present) -> bool:
    return not row.is_proved or (row.text and hashlib.sha256(row.text.encode()).hexdigest() != row.text_hash)


def words_of_the_deleted(present: Present) -> Select[Any]:
    """Those who are deleted and of whom anything is left but figures."""
    wish = feedback.c.booking_id == bookings.c.id, bookings.c.person_id == people.c.id
    who = about("person", people.c.id)
    return select(people.c.id).where(
        people.c.erased_at.is_not(None),
        or_(
            is_left(people, NOBODY),
            *(exists().where(table.c.person_id == people.c.id, is_left(table, left)) for table, left in WORDS.items()),
            exists().where(identities.c.person_id == people.c.id, ~identities.c.address.startswith(ERASED)),
            *(exists().where(table.c.person_id == people.c.id) for table in GONE),
            exists().where(*wish, feedback.c.next_step.is_not(None)),
            exists().where(or_(audit.c.actor == who, audit.c.subject == who), audit.c.details.is_not(None)),
        ),
    )


def not_yet_deleted(present: Present) -> Select[Any]:
    late = erasures.c.asked_at < present.now - DELETED_WITHIN
    return select(erasures.c.person_id).where(erasures.c.done_at.is_(None), late)


def places_of_the_deleted(present: Present) -> Select[Any]:
    """What those who are deleted still had ahead of them."""
    return (
        select(bookings.c.id)
        .join(people, people.c.id == bookings.c.person_id)
        .join(workshops, workshops.c.id == bookings.c.workshop_id)
        .where(
            bookings.c.state.in_(ACTIVE), workshops.c.ends_at > people.c.erased_at, workshops.c.cancelled_at.is_(None)
        )
    )


# ---- all of them

WENT_OUT, CAME_IN = messages.c.direction == "out", messages.c.direction == "in"

INVARIANTS = (
    *CLUBS,
    Invariant(
        "places",
        "No workshop has more places taken than it has, or had before it was made smaller",
        "workshops",
        workshops,
        too_many_places,
    ),
    Invariant("once", "Nobody has two places at one workshop", "bookings", bookings, twice_in_one_workshop),
    Invariant(
        "attendance",
        "The newest word about every place is what the place says",
        "bookings",
        bookings,
        said_otherwise,
        only=exists().where(attendances.c.booking_id == bookings.c.id),
    ),
    Invariant(
        "numbers",
        "Every line has the numbers 1, 2, 3 … without a gap or a repeat",
        "workshops",
        workshops,
        numbers_with_gaps,
    ),
    Invariant(
        "offers",
        "Every open offer has an end, a message that says so, and a workshop that takes place",
        "bookings",
        bookings,
        offers_half_made,
        only=bookings.c.state == "offered",
    ),
    Invariant(
        "offer_ends",
        "Every open offer ends three hours before the start or earlier",
        "bookings",
        bookings,
        offers_with_an_end,
        holds_too_long,
        only=bookings.c.state == "offered",
    ),
    Invariant(
        "offers_over",
        "No offer stays open past its end",
        "bookings",
        bookings,
        offers_with_an_end,
        is_past_its_end,
        only=bookings.c.state == "offered",
    ),
    Invariant(
        "line",
        "Nobody in line is passed over by an offer, unless they are on the call list",
        "bookings",
        bookings,
        passed_over,
        only=bookings.c.state == "waiting",
    ),
    Invariant(
        "line_booked",
        "Nobody in line is passed over by a place, but in the last three hours or on the call list",
        "bookings",
        bookings,
        booked_before,
        was_not_first_come,
        only=bookings.c.state == "waiting",
    ),
    Invariant(
        "free_places",
        "No place stays free beside somebody who waits and can be written to",
        "bookings",
        bookings,
        free_beside_a_line,
        has_long_been_free,
        only=bookings.c.state == "waiting",
    ),
    Invariant(
        "stops",
        "Nobody is written to after a stop, but to answer them",
        "messages",
        stops,
        sent_after_stop,
        was_no_answer,
    ),
    Invariant(
        "shut_chats",
        "Nothing is sent to a chat that is shut",
        "messages",
        stops,
        sent_to_a_shut_chat,
        was_not_on_its_way,
        only=stops.c.identity_id.is_not(None),
    ),
    Invariant(
        "consents_kept",
        "Every message that needs a consent had it when it was sent",
        "messages",
        messages,
        sent_without_consent,
        was_not_allowed,
        only=and_(WENT_OUT, messages.c.sent_at.is_not(None), messages.c.kind == "moment"),
    ),
    Invariant(
        "consents_proved",
        "Every consent names its question, its answer and the words that were shown",
        "consents",
        consents,
        consents_with_proof,
        is_not_proved,
    ),
    Invariant(
        "arrived",
        "Every message that counts as sent has the number that the channel gave it",
        "messages",
        messages,
        without_number,
        only=and_(WENT_OUT, messages.c.state.in_(ARRIVED)),
    ),
    Invariant(
        "reasons",
        "Every message that was not sent, or may not have arrived, says why",
        "messages",
        messages,
        without_reason,
        only=messages.c.state.in_((*GIVEN_UP, "given_up")),
    ),
    Invariant(
        "leases",
        "No message is held by a worker that has gone",
        "messages",
        messages,
        left_behind,
        only=messages.c.state.in_(IN_FLIGHT),
    ),
    Invariant(
        "dedupe",
        "Nothing that is said once is said twice",
        "messages",
        messages,
        said_twice,
        only=messages.c.dedupe_key.is_not(None),
    ),
    Invariant(
        "one_chat",
        "Nothing is said in two chats of one person, unless it could not arrive in the first",
        "messages",
        messages,
        said_in_two_chats,
        only=messages.c.dedupe_key.contains(":on:"),
    ),
    Invariant(
        "receipts",
        "Whatever a channel says later is about a message of ours on that channel",
        "receipts",
        receipts,
        receipts_of_nothing,
        only=receipts.c.message_id.is_not(None),
    ),
    Invariant(
        "asked",
        "Where a channel can be asked what became of a message, it is",
        "messages",
        messages,
        never_asked_about,
        only=and_(messages.c.state == "uncertain", messages.c.retry_at.is_not(None)),
    ),
    Invariant(
        "order",
        "In each chat, messages of one class went out in the order they were written",
        "messages",
        messages,
        out_of_order,
        was_there_already,
        only=and_(WENT_OUT, messages.c.sent_at.is_not(None)),
    ),
    Invariant(
        "worlds",
        "Nothing for a simulated chat went to a network, and nothing for a real one went to paper",
        "messages",
        messages,
        in_the_wrong_world,
        only=and_(WENT_OUT, messages.c.provider_id.is_not(None)),
    ),
    Invariant(
        "heard",
        "Nobody has waited longer than ten minutes to be heard",
        "messages",
        messages,
        left_waiting,
        only=CAME_IN,
    ),
    Invariant("message_states", "Every message is in a state we know", "messages", messages, in_no_known_state),
    Invariant(
        "booking_states", "Every booking is in a state we know", "bookings", bookings, bookings_in_no_known_state
    ),
    Invariant(
        "files",
        "Every file that was sent to us is kept, or says why not",
        "attachments",
        attachments,
        files_without_an_end,
    ),
    Invariant(
        "deleted",
        "Of those who are deleted no word, no name and no number is left",
        "people",
        people,
        words_of_the_deleted,
        only=people.c.erased_at.is_not(None),
    ),
    Invariant(
        "deleted_in_time",
        "Everybody who asked to be deleted is, within four days",
        "people",
        erasures,
        not_yet_deleted,
    ),
    Invariant(
        "deleted_places",
        "Nobody who is deleted keeps a place from somebody else",
        "bookings",
        bookings,
        places_of_the_deleted,
    ),
    Invariant(
        "given_back",
        "Nobody is left in silence: where the desk has taken over, the program answers again in time",
        "people",
        dialogues,
        silent_for_ever,
        only=dialogues.c.taken_by.is_not(None),
    ),
    Invariant("dialogues", "Everybody who has a chat has a dialogue", "people", identities, without_dialogue),
)
