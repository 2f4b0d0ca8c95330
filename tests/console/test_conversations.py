# SPDX-License-Identifier: EUPL-1.2
"""Conversations are found, read, labelled and handed on; who somebody is stays hidden until there is a reason."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from httpx2 import Response
from sqlalchemy import select, text, update

from handlers.desk.office import Office
from handlers.desk.searching import keep_up
from storage.tables import cases, comuni, messages
from storage.transaction import Transaction
from tests.console.office import House, Visitor, text_of
from tests.database import MONDAY, Databases
from tests.stage import DIRECTIONS, play

LIST = "/console/conversations"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
UNKNOWN: dict[str, Any] = dict.fromkeys(("update_key", "message_key", "payload", "dialogue_version"))
REASON = "She asked me for her own number"


def wrote(house: House, who: str, words: str, channel: str = "telegram") -> int:
    """Somebody has written, and no turn has followed: quick, where only the log matters."""
    with house.store() as store:
        known = store.people.at(channel, who)
        identity, person = known or store.people.meet(
            channel, who, simulated=True, language="it", release="0", now=house.now
        )
        values = {"person_id": person.id, "identity_id": identity.id, "channel": channel, "at": house.now}
        row = store.messages.take_in(kind="text", state="handled", text=words, **{**UNKNOWN, **values})
        assert row
        store.dialogues.heard(person.id, row, house.now)
        return int(person.id)


def said(house: House, person_id: int, words: str, reason: str | None = None, **more: Any) -> int:
    """We have written to somebody."""
    with house.store() as store:
        identity = store.people.identities(person_id)[0]
        values = {"person_id": person_id, "identity_id": identity.id, "channel": identity.channel, "at": house.now}
        usual = {"kind": "reply", "state": "sent", "priority": 0, "due_at": house.now}
        id = int(store.messages.put_out(text=words, **values, **{**usual, **more}))
        store.messages.change(id, reason=reason)
        return id


def crowd(house: House, many: int) -> list[int]:
    """So many people who have written, a minute apart; the last one is the newest."""
    found = []
    for number in range(many):
        house.now = MONDAY + timedelta(minutes=number)
        found.append(wrote(house, f"crowd-{number}", f"ciao {number}"))
    return found


def listed(response: Response) -> list[int]:
    """Whose conversations a page lists, in its order."""
    assert response.status_code == 200, response.text[:2000]
    return [int(id) for id in re.findall(r'data-item href="/console/conversations/(\d+)', response.text)]


def view(house: House, name: str, role: str = "operator", **asked: str) -> list[int]:
    return listed(house.as_(role).get(LIST, view=name, **asked))


def unmask(visitor: Visitor, person_id: int, reason: str = REASON) -> Response:
    return visitor.post(f"{LIST}/{person_id}/unmask", reason=reason)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that goes to the database meanwhile."""
    found: list[str] = []
    with (
        patch.object(Transaction, "read", spied(Transaction.read, found)),
        patch.object(Transaction, "run", spied(Transaction.run, found)),
        patch.object(Transaction, "write", spied(Transaction.write, found)),
    ):
        yield found


def spied(method: Any, found: list[str]) -> Any:
    def spy(self: Transaction, statement: Any, *rest: Any) -> Any:
        found.append(str(statement)[:80])
        return method(self, statement, *rest)

    return spy


# ---- the list


def test_what_somebody_writes_stands_in_the_list_with_names_and_numbers_hidden(house: House) -> None:
    id = house.hear("amina", "mi chiamo Amina Diallo, il mio numero è 333 1234567")
    seen = text_of(house.as_("operator").get(LIST))
    assert f"Person {id}" in seen and "mi chiamo ●●● ●●●, il mio numero è ●●●" in seen
    assert "Diallo" not in seen and "1234567" not in seen


def test_an_open_list_shows_a_new_message_as_soon_as_it_asks_again(house: House) -> None:
    tutor = house.as_("tutor")
    page = tutor.get(LIST, view="unreviewed")
    part = re.search(r'data-live hx-get="([^"]+)"', page.text)
    assert part and 'hx-trigger="news"' in page.text
    id = house.hear("amina", "ci siete?")
    again = tutor.browser.get(part[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert listed(again) == [id] and "ci siete?" in again.text and "<html" not in again.text


def test_a_desk_where_nobody_has_written_says_so(house: House) -> None:
    assert "No conversation here yet." in text_of(house.as_("operator").get(LIST))
    assert "No conversation fits." in text_of(house.as_("operator").get(LIST, view="mine"))


def test_who_cried_for_help_stands_first_and_for_that_whatever_else_they_wait_for(house: House) -> None:
    crying = house.hear("amina", "person")
    waiting = house.hear("bruno", "person")
    with house.store() as store:
        store.write(update(cases).where(cases.c.person_id == waiting).values(opened_at=house.now - timedelta(days=1)))
        store.cases.open(crying, "urgent", message_id=None, now=house.now)
    page = house.as_("operator").get("/console/conversations?view=waiting").text
    assert 0 < page.index(f'id="talk-{crying}"') < page.index(f'id="talk-{waiting}"')
    assert re.search(r'<span class="late">[^<]*Read this first', page)


def test_views_show_what_waits_what_failed_and_whose_it_is(house: House) -> None:
    waits, failed, undelivered, misread, mine, plain = [wrote(house, f"p{number}", "ciao") for number in range(6)]
    me = house.as_("operator").member.id
    with house.store() as store:
        store.cases.open(waits, "asked", message_id=None, now=house.now)
        row = store.dialogues.get(failed).heard_id
        store.messages.change(row, state="failed", reason="KeyError")
        heard = store.dialogues.get(misread).heard_id
        known = {"words": "boh", "language": "it", "conversation": "menu", "step": None, "at": house.now}
        store.misreadings.add(message_id=heard, person_id=misread, **known)
        store.reviews.change(mine, assigned_to=me, follow_up_on=house.now.date())
    said(house, undelivered, "domani alle 9", state="failed", reason="blocked", kind="moment", priority=1)
    assert view(house, "waiting") == [waits]
    assert view(house, "failed_turns") == [failed]
    assert view(house, "failed_deliveries") == [undelivered]
    assert view(house, "misunderstood") == [misread]
    assert view(house, "mine") == view(house, "to_follow_up") == [mine]
    assert view(house, "mine", role="tutor") == []
    assert plain in view(house, "all") and len(view(house, "unreviewed")) == 6


def test_a_case_says_since_when_and_when_it_is_late(house: House) -> None:
    id = wrote(house, "amina", "una persona per favore")
    with house.store() as store:
        store.cases.open(id, "asked", message_id=None, now=house.now)
    assert "Late." not in text_of(house.as_("operator").get(LIST))
    house.now += timedelta(days=7)
    tutor = house.as_("tutor").member
    with house.store() as store:
        store.cases.take(1, tutor.id, house.now)
    seen = text_of(house.signed_in(house.as_("operator").member.id).get(LIST))
    assert "Late." in seen and "Wants to talk to a person." in seen
    assert f"{tutor.name} looks after it." in seen


def test_the_list_is_narrowed_by_channel_place_programme_colleague_label_and_day(house: House) -> None:
    one, two = wrote(house, "one", "ciao"), wrote(house, "two", "ciao", channel="whatsapp")
    tutor = house.as_("tutor").member.id
    with house.store() as store:
        istat = store.read(select(comuni.c.istat))[0][0]
        store.people.change(one, comune_istat=istat)
        programme = store.read(text("select id from programmes"))[0][0]
        store.people.enrol(one, programme, house.now)
        store.reviews.change(one, assigned_to=tutor)
        store.reviews.label(one, "CV", tutor, house.now)
    asked = {"comune": istat, "programme": programme, "tutor": str(tutor), "label": "CV", "channel": "telegram"}
    for name, value in asked.items():
        assert view(house, "all", **{name: value}) == [one], name
    assert view(house, "all", channel="whatsapp") == [two]
    assert len(view(house, "all", **{"from": "2027-03-01", "to": "2027-03-01"})) == 2
    assert view(house, "all", **{"from": "2027-03-02"}) == view(house, "all", to="2027-02-28") == []
    assert len(view(house, "all", tutor="x" * 99, **{"from": "soon"})) == 2  # what makes no sense is no limit


def test_a_long_list_is_read_page_by_page_both_ways(house: House) -> None:
    everybody = crowd(house, 120)[::-1]
    operator = house.as_("operator")
    first = operator.get(LIST)
    assert listed(first) == everybody[:50] and 'rel="prev"' not in first.text
    second = operator.get(to(first, "next"))
    third = operator.get(to(second, "next"))
    assert listed(second) == everybody[50:100] and listed(third) == everybody[100:]
    assert 'rel="next"' not in third.text
    back = operator.get(to(third, "prev"))
    assert listed(back) == everybody[50:100] and listed(operator.get(to(back, "prev"))) == everybody[:50]
    assert listed(operator.get(LIST, before="nonsense", after="2027-03-01~")) == everybody[:50]


def to(response: Response, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', response.text)
    assert found
    return found[1].replace("&amp;", "&")


def test_a_page_takes_as_many_statements_for_sixty_people_as_for_ten(house: House) -> None:
    def statements(path: str) -> int:
        house.as_("operator").get(LIST)  # that a session is in use is written down once a minute
        with counted() as found:
            assert house.as_("operator").get(path).status_code == 200
        return len(found)

    ids = crowd(house, 10)
    for id in ids:
        house.hear(f"crowd-{ids.index(id)}", "aiuto, una persona")
    few = statements(LIST)
    crowd(house, 50)
    assert statements(LIST) == few
    for number in range(20):
        said(house, ids[0], f"n. {number}", options=[{"id": "a", "label": "Sì", "short": "Sì"}])
    few = statements(f"{LIST}/{ids[0]}")
    for number in range(180):
        said(house, ids[0], f"n. {number}", payload={"by": house.as_("tutor").member.id})
    assert statements(f"{LIST}/{ids[0]}") == few


@pytest.mark.parametrize("name", ["house", pytest.param("big_house", marks=pytest.mark.postgres)])
def test_the_first_page_does_not_read_the_whole_log(name: str, request: pytest.FixtureRequest) -> None:
    house: House = request.getfixturevalue(name)
    with house.store() as store:
        many = {"n": 5000 if store.is_postgresql else 800}
        for statement in FILLING["postgresql" if store.is_postgresql else "sqlite"]:
            written = statement.replace("{then}", "'2027-03-01 08:00:00.000000'")
            store.connection.execute(text(written), many if ":n" in written else {})
    plans: list[str] = []

    def explained(self: Transaction, statement: Any, *rest: Any) -> Any:
        sql = str(statement.compile(self.connection, compile_kwargs={"literal_binds": True}))
        prefix = "explain " if self.is_postgresql else "explain query plan "
        plans.extend(str(row) for row in self.connection.execute(text(prefix + sql.replace(":", "\\:"))).all())
        return read(self, statement, *rest)

    read, operator = Transaction.read, house.as_("operator").member
    with house.store() as store, patch.object(Transaction, "read", explained):
        office = Office(store, operator, house.now, house.now, house.desk.engine.play.catalogues)
        for one in ("all", "waiting", "unreviewed", "misunderstood", "mine", "failed_turns", "failed_deliveries"):
            office.conversations.list({"view": one})
    assert any("heard_at" in plan for plan in plans), plans
    scans = [plan for plan in plans if re.search(r"Seq Scan on messages|SCAN (messages|heard)(?! USING)", plan)]
    assert scans == []


FILLING = {
    "sqlite": (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < :n) insert into people "
        "(id, language, created_at) select 10000 + i, 'it', {then} from n",
        "insert into identities (id, person_id, channel, address, simulated, created_at) "
        "select id, id, 'telegram', 'x' || id, 1, {then} from people where id > 10000",
        "insert into dialogues (person_id, draft, trail, paused, kept, misses, version, release, changed_at, heard_at, "
        "heard_id) select id, '{}', '[]', '[]', '{}', 0, 0, '0', {then}, {then}, id * 10 from people where id > 10000",
        "insert into messages (id, person_id, identity_id, direction, channel, kind, text, state, at, attempts) "
        "select p.id * 10 + k.i, p.id, p.id, 'in', 'telegram', 'text', 'ciao', 'handled', {then}, 0 from people p, "
        "(select 0 i union all select 1 union all select 2) k where p.id > 10000",
        "analyze",
    ),
    "postgresql": (
        "insert into people (id, language, created_at) select 10000 + i, 'it', now() from generate_series(1, :n) i",
        "insert into identities (id, person_id, channel, address, simulated, created_at) "
        "select id, id, 'telegram', 'x' || id, true, now() from people where id > 10000",
        "insert into dialogues (person_id, draft, trail, paused, kept, misses, version, release, changed_at, heard_at, "
        "heard_id) select id, '{}', '[]', '[]', '{}', 0, 0, '0', now(), now() + id * interval '1 second', id * 20 "
        "from people where id > 10000",
        "insert into messages (id, person_id, identity_id, direction, channel, kind, text, state, at, attempts) "
        "select p.id * 20 + k, p.id, p.id, 'in', 'telegram', 'text', 'ciao', 'handled', now(), 0 "
        "from people p, generate_series(0, 9) k where p.id > 10000",
        "analyze",
    ),
}


# ---- views that are kept


def test_a_view_is_kept_by_its_owner_and_nobody_else_can_delete_it(house: House) -> None:
    operator, tutor = house.as_("operator"), house.as_("tutor")
    assert operator.post(f"{LIST}/views", name="Su WhatsApp", channel="whatsapp", view="waiting").status_code == 303
    page = operator.get(LIST)
    assert "Su WhatsApp" in page.text and "view=waiting&amp;channel=whatsapp" in page.text
    assert "Su WhatsApp" not in tutor.get(LIST).text
    assert tutor.post(f"{LIST}/views/1/delete").status_code == 404
    assert operator.post(f"{LIST}/views/1/delete").status_code == 303
    assert "Su WhatsApp" not in operator.get(LIST).text
    assert operator.post(f"{LIST}/views", name="").status_code == 409


# ---- the transcript


def test_a_transcript_shows_what_was_touched_what_did_not_arrive_and_who_wrote(house: House) -> None:
    id = wrote(house, "amina", "ciao")
    choices = [{"id": "yes", "label": "Sì, grazie", "short": "Sì"}, {"id": "no", "label": "No", "short": "No"}]
    asked = said(house, id, "Vieni?\n1. Sì, grazie\n2. No", options=choices)
    with house.store() as store:
        identity = store.people.identities(id)[0].id
        known = {"person_id": id, "identity_id": identity, "channel": "telegram", "at": house.now, "text": ""}
        known = UNKNOWN | known
        store.messages.take_in(kind="tap", state="handled", **{**known, "payload": {"tap": f"{asked}.0"}})
        voice = store.messages.take_in(kind="voice", state="failed", **known)
        store.messages.change(voice, reason="KeyError")
    said(house, id, "ti rispondo io", payload={"by": house.as_("tutor").member.id})
    said(house, id, "a domani", state="suppressed", reason="person_stopped")
    page = house.as_("operator").get(f"{LIST}/{id}")
    seen = text_of(page)
    assert re.search(r'class="touched">1\. Sì <strong>\(touched\)', page.text) and "2. No" in seen
    assert "A voice message" in seen and "Something did not work in the program." in seen and "KeyError" not in seen
    assert house.as_("tutor").member.name in seen and "ti rispondo io" in seen
    assert "Held back: The person asked for no more messages." in seen
    assert text_of(house.as_("operator").get(LIST)).count("Sì") == 0  # heard last was the voice message


def test_a_long_chat_is_read_page_by_page_and_opens_at_a_message_that_was_found(house: House) -> None:
    id = wrote(house, "amina", "prima parola")
    numbers = [said(house, id, f"messaggio {number}") for number in range(130)]
    operator = house.as_("operator")

    def shown(response: Response) -> list[int]:
        return [int(one) for one in re.findall(r'id="m-(\d+)"', response.text)]

    newest = operator.get(f"{LIST}/{id}")
    assert shown(newest) == numbers[-50:] and 'rel="prev"' not in newest.text and "data-live" in newest.text
    older = operator.get(to(newest, "next"))
    assert shown(older) == numbers[-100:-50] and "data-live" not in older.text
    oldest = operator.get(to(older, "next"))
    assert shown(oldest)[1:] == numbers[:30] and 'rel="next"' not in oldest.text
    assert shown(operator.get(to(older, "prev"))) == numbers[-50:]
    around = operator.get(f"{LIST}/{id}", at=numbers[40])
    assert numbers[40] in shown(around) and len(shown(around)) == 50 and "sought" in around.text
    assert operator.get(f"{LIST}/{id}", at="1" * 30).status_code == 200


def test_an_open_transcript_is_noted_as_read_again_only_when_it_has_something_new(house: House) -> None:
    id = house.hear("amina", "ciao")
    operator = house.as_("operator")
    page = operator.get(f"{LIST}/{id}")
    part = re.search(r'hx-get="(/console/conversations/\d+)" hx-include="#seen"', page.text)
    seen = re.search(r'id="seen" name="seen" value="(\d+)"', page.text)
    assert part and seen
    again = f"{part[1]}?seen={seen[1]}"
    for _once in range(2):
        assert operator.browser.get(again, headers={"HX-Request": "true"}).status_code == 200
    assert len(house.audited("conversation_read")) == 1
    house.hear("amina", "menu")
    fragment = operator.browser.get(again, headers={"HX-Request": "true"})
    assert "menu" in fragment.text and len(house.audited("conversation_read")) == 2


def test_ten_thousand_letters_are_shown_whole_and_cut_in_the_list(house: House) -> None:
    id = wrote(house, "amina", "x" * 10_000)
    operator = house.as_("operator")
    assert "x" * 10_000 in operator.get(f"{LIST}/{id}").text
    listed = operator.get(LIST).text
    assert "x" * 120 + "…" in listed and "x" * 121 not in listed


def test_words_of_a_diary_are_for_the_counsellor_of_that_club_only(house: House) -> None:
    id = wrote(house, "amina", "questa settimana tre colloqui")
    counsellor = house.as_("counsellor").member.id
    with house.store() as store:
        club = store.job_clubs.all()[0]
        store.messages.change(store.dialogues.get(id).heard_id, subject=f"diary:{club.id}")
        store.job_clubs.change(club.id, counsellor_id=counsellor)
    hidden = "An answer for the Job Club’s counsellor."
    for path in (LIST, f"{LIST}/{id}"):
        assert "colloqui" not in (page := house.as_("operator").get(path).text) and hidden in page
        assert "colloqui" in house.as_("counsellor").get(path).text
    chat = house.as_("operator").get(f"{LIST}/{id}/chat").text
    exported = house.as_("operator").post(f"{LIST}/export", kind="csv").text
    assert "colloqui" not in chat + exported


# ---- masks


def test_reading_in_full_asks_for_a_reason_lasts_half_an_hour_and_is_for_one_member(house: House) -> None:
    id = house.hear("amina", "sono Amina, 333 1234567")
    with house.store() as store:
        store.people.change(id, first_name="Amina")
    tutor, operator = house.as_("tutor"), house.as_("operator")
    refused = unmask(tutor, id, "so")
    assert refused.status_code == 422 and 'value="so"' in refused.text and "at least 10 letters" in refused.text
    assert "1234567" not in tutor.get(f"{LIST}/{id}").text
    assert unmask(tutor, id).status_code == 303
    assert "sono Amina, 333 1234567" in tutor.get(f"{LIST}/{id}").text
    assert "1234567" not in operator.get(f"{LIST}/{id}").text
    assert "Person" in operator.get(LIST).text and "· A." in operator.get(LIST).text
    assert house.audited("unmask") == [(f"staff:{tutor.member.id}", "unmask", f"person:{id}")]
    with house.store() as store:
        reads = store.read(text("select details from audit where action = 'conversation_read' order by id"))
    assert ['"masked": false' in str(row[0]).lower().replace("'", '"') for row in reads] == [False, False, True, False]
    assert tutor.post(f"{LIST}/{id}/mask").status_code == 303
    assert "1234567" not in tutor.get(f"{LIST}/{id}").text
    unmask(tutor, id)
    house.now += timedelta(minutes=31)
    assert "1234567" not in tutor.get(f"{LIST}/{id}").text
    assert house.as_("privacy_officer").post(f"{LIST}/{id}/unmask", reason=REASON).status_code == 403


# ---- what the desk notes


def test_labels_notes_and_assignments_are_kept_and_taken_back(house: House) -> None:
    id = wrote(house, "amina", "ciao")
    operator, tutor = house.as_("operator"), house.as_("tutor")
    here = f"{LIST}/{id}"
    assert operator.post(f"{here}/labels", label="  da   richiamare ").status_code == 303
    assert "da richiamare" in operator.get(LIST).text and "da richiamare" in operator.get(here).text
    operator.post(f"{here}/labels/remove", label="da richiamare")
    assert 'class="label"' not in operator.get(here).text
    too_long = operator.post(f"{here}/labels", label="x" * 41)
    assert too_long.status_code == 422 and "x" * 41 in too_long.text
    first = tutor.member.name.split()[0]
    assert operator.post(f"{here}/notes", note=f"@{tutor.member.name} puoi chiamarla?").status_code == 303
    assert operator.post(f"{here}/notes", note=f"nobody@{first.lower()}x.it").status_code == 303
    assert operator.post(f"{here}/notes", note=" ").status_code == 422
    found = text_of(tutor.get(f"{LIST}/mentions"))
    assert "puoi chiamarla?" in found and found.count("New") == 1
    assert "1 new" in text_of(tutor.get(LIST))
    tutor.post(f"{LIST}/mentions")
    assert "1 new" not in text_of(tutor.get(LIST))
    operator.post(f"{here}/assign", to=str(tutor.member.id))
    assert view(house, "mine", role="tutor") == [id]
    assert operator.post(f"{here}/assign", to="99999").status_code == 409
    operator.post(f"{here}/assign", to="")
    assert view(house, "mine", role="tutor") == []
    assert operator.post(f"{here}/follow-up", follow_up_on="2027-03-05").status_code == 303
    past = operator.post(f"{here}/follow-up", follow_up_on="2027-02-05")
    assert past.status_code == 422 and 'value="2027-02-05"' in past.text
    expected = {"labelled", "label_removed", "noted", "assigned", "follow_up"}
    assert {action for _who, action, about in house.audited(*expected) if about == f"person:{id}"} == expected


def test_what_was_reviewed_comes_back_when_the_person_writes_again(house: House) -> None:
    older, newer = wrote(house, "one", "ciao"), wrote(house, "two", "ciao")
    operator = house.as_("operator")
    with house.store() as store:
        newest = store.dialogues.get(newer).heard_id
    assert operator.get(f"{LIST}/next").headers["Location"] == f"{LIST}/{newer}"
    answer = operator.post(f"{LIST}/{newer}/reviewed", newest=str(newest), then="next")
    assert answer.headers["Location"] == f"{LIST}/{older}"
    assert view(house, "unreviewed") == [older]
    operator.post(f"{LIST}/{older}/reviewed", newest="9" * 12)
    assert operator.get(f"{LIST}/next").headers["Location"] == LIST
    wrote(house, "one", "ancora io")
    assert view(house, "unreviewed") == [older]


# ---- what must not happen


def test_html_in_names_messages_labels_notes_and_views_is_only_text(house: House) -> None:
    id = wrote(house, "amina", f"{EVIL} ciao")
    operator = house.as_("operator")
    with house.store() as store:
        store.people.change(id, first_name=EVIL)
    said(house, id, EVIL, options=[{"id": "a", "label": EVIL, "short": EVIL}], payload={"file": 1, "name": EVIL})
    operator.post(f"{LIST}/{id}/labels", label=EVIL[:40])
    operator.post(f"{LIST}/{id}/notes", note=f"@{operator.member.name} {EVIL}")
    operator.post(f"{LIST}/views", name=EVIL[:60])
    operator.post("/console/replies", title=EVIL, text_it=EVIL)
    unmask(operator, id, EVIL)
    keep_up(house.storage)
    pages = [operator.get(path) for path in (LIST, f"{LIST}/{id}", f"{LIST}/mentions", "/console/replies")]
    pages.append(operator.get("/console/search", q="ciao", label=EVIL))
    pages.append(operator.post(f"{LIST}/{id}/reply", text=EVIL, do="canned"))
    pages.append(operator.get(LIST, label=EVIL, view=EVIL))
    for page in pages:
        assert page.status_code == 200 and "<script>alert" not in page.text and "<img src" not in page.text
    assert "&lt;script&gt;" in pages[1].text and "&lt;script&gt;" in pages[4].text


def test_people_of_another_area_are_not_found_by_guessing_their_number(house: House) -> None:
    id = wrote(house, "amina", "parola segreta")
    here, operator = f"{LIST}/{id}", house.as_("operator")
    with house.store() as store:
        rows = store.read(text("select c.istat, u.area_id from comuni c join unions u on u.id = c.union_id"))
        area = rows[0].area_id
        store.people.change(id, comune_istat=next(row.istat for row in rows if row.area_id != area))
        store.staff.change(operator.member.id, areas=[area])
    keep_up(house.storage)
    assert listed(operator.get(LIST)) == []
    assert "segreta" not in operator.get("/console/search", q="parola").text
    assert "segreta" not in operator.post(f"{LIST}/export", kind="json").text
    assert [operator.get(f"{here}{rest}").status_code for rest in ("", "/chat", "/files/1")] == [404] * 3
    forms = "unmask mask labels labels/remove notes assign follow-up reviewed take reply extend give-back to-call"
    for form in [*forms.split(), "cases/1/take", "cases/1/let-go", "cases/1/close"]:
        fields = {"text": "x", "reason": REASON, "label": "x", "note": "x", "newest": "1"}
        assert operator.post(f"{here}/{form}", **fields).status_code == 404, form
    for nobody in ("99999999", "9" * 15, "0", "x", "1" * 40):
        assert operator.get(f"{LIST}/{nobody}").status_code == 404, nobody
    with house.store() as store:
        assert store.reviews.of(id).read_to is None and store.reviews.notes(id, 9) == []


# ---- words that are looked for


def test_words_are_found_and_marked_and_the_record_does_not_say_which(house: House) -> None:
    id = wrote(house, "amina", "cerco un lavoro come saldatore a Bologna")
    wrote(house, "bruno", "cerco casa")
    keep_up(house.storage)
    page = house.as_("operator").get("/console/search", q="SALDATORE cerco")
    assert "<mark>cerco</mark> un lavoro come <mark>saldatore</mark>" in page.text
    assert re.findall(r"/console/conversations/(\d+)\?at=(\d+)#m-\2", page.text)[0][0] == str(id)
    assert "casa" not in page.text
    assert "No message with these words here." in house.as_("operator").get("/console/search", q="astronauta").text
    assert len(house.audited("searched")) == 2
    with house.store() as store:
        assert "saldatore" not in str(store.read(text("select * from audit"))).lower()


def test_what_is_hidden_cannot_be_looked_for(house: House) -> None:
    id = wrote(house, "amina", "sono Zubaida, il mio numero è 3331234567, cerco lavoro")
    with house.store() as store:
        store.people.change(id, first_name="Zubaida")
    keep_up(house.storage)
    operator = house.as_("operator")
    for words in ("zubaida", "3331234567", "zubaida lavoro"):
        assert f"/console/conversations/{id}?at" not in operator.get("/console/search", q=words).text
    found = operator.get("/console/search", q="lavoro").text
    assert "<mark>lavoro</mark>" in found and "Zubaida" not in found
    unmask(operator, id)
    assert "<mark>Zubaida</mark>" in operator.get("/console/search", q="zubaida").text


def test_what_was_found_goes_on_page_by_page_both_ways(house: House) -> None:
    id = wrote(house, "amina", "bussola 0")
    for number in range(1, 120):
        said(house, id, f"bussola {number}")
    while keep_up(house.storage):
        pass
    operator = house.as_("operator")

    def numbers(response: Response) -> list[int]:
        return [int(one) for one in re.findall(r"<mark>bussola</mark> (\d+)", response.text)]

    first = operator.get("/console/search", q="bussola")
    second = operator.get(to(first, "next"))
    third = operator.get(to(second, "next"))
    assert numbers(first) + numbers(second) + numbers(third) == list(range(119, -1, -1))
    assert numbers(operator.get(to(third, "prev"))) == numbers(second)
    assert numbers(operator.get("/console/search", q="bussola", direction="in")) == [0]


# ---- files to keep


def test_an_export_names_nobody_and_no_cell_is_a_formula(house: House) -> None:
    id = wrote(house, "amina", '=HYPERLINK("http://x") sono Amina 333 1234567')
    with house.store() as store:
        store.people.change(id, first_name="Amina")
    wrote(house, "bruno", "+39 e basta\ncome stai")
    operator = house.as_("operator")
    plain = operator.post(f"{LIST}/export", kind="csv")
    assert plain.headers["Content-Disposition"] == 'attachment; filename="conversations.csv"'
    rows = list(csv.DictReader(io.StringIO(plain.content.decode("utf-8-sig"))))
    assert [row["Person"] for row in rows] == ["P0001", "P0002"]
    assert rows[0]["Text"].startswith("'=HYPERLINK") and rows[0]["Text"].endswith("sono ●●● ●●●")
    assert rows[1]["Text"].startswith("'+39")
    found = json.loads(operator.post(f"{LIST}/export", kind="json").text)
    assert found[0]["text"].startswith("=HYPERLINK") and found[0]["direction"] == "in"
    book = zipfile.ZipFile(io.BytesIO(operator.post(f"{LIST}/export", kind="xlsx").content))
    sheets = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    assert "HYPERLINK" in sheets and "<f>" not in sheets and "Amina" not in sheets and "1234567" not in sheets
    assert operator.post(f"{LIST}/export", kind="exe").status_code == 409


def test_an_export_with_names_needs_a_reason_and_a_role_and_is_written_down(house: House) -> None:
    id = wrote(house, "amina", "sono Amina 333 1234567")
    with house.store() as store:
        store.people.change(id, first_name="Amina")
    operator, privacy = house.as_("operator"), house.as_("privacy_officer")
    assert operator.post(f"{LIST}/export", kind="csv", names="1", reason="so").status_code == 409
    assert privacy.post(f"{LIST}/export", kind="csv", names="1", reason=REASON).status_code == 409
    assert privacy.post(f"{LIST}/export", kind="csv").status_code == 200
    assert "sono Amina 333 1234567" in operator.post(f"{LIST}/export", kind="csv", names="1", reason=REASON).text
    with house.store() as store:
        noted = [str(row[0]) for row in store.read(text("select details from audit where action = 'exported'"))]
    assert [REASON in one for one in noted] == [False, True]


def test_an_export_that_is_too_long_says_so(house: House) -> None:
    crowd(house, 3)
    with patch("handlers.desk.office.exports.MOST", 2):
        answer = house.as_("operator").post(f"{LIST}/export", kind="csv")
        assert answer.status_code == 409 and "Narrow the list" in text_of(answer)
        narrowed = house.as_("operator").post(f"{LIST}/export", kind="csv", view="mine")
    assert narrowed.status_code == 200


def test_a_transcript_that_is_kept_names_nobody_and_can_be_played(
    house: House, databases: Databases, tmp_path: Path
) -> None:
    id = house.hear("amina", "ciao\nsono Amina")
    with house.store() as store:
        store.people.change(id, first_name="Amina")
        store.write(messages.update().where(messages.c.direction == "out").values(state="sent", sent_at=house.now))
    house.now += timedelta(hours=2)
    house.hear("amina", "", kind="sticker")
    house.hear("amina", "menu: 333 1234567")
    unmask(house.as_("operator"), id)
    kept = house.as_("operator").get(f"{LIST}/{id}/chat")
    assert kept.headers["Content-Disposition"] == f'attachment; filename="conversation-{id}.chat"'
    assert "Person: ciao sono ●●●" in kept.text and "(120 minutes pass)" in kept.text
    assert "(Person sends a sticker)" in kept.text and "[Iscriviti]" in kept.text
    assert "Amina" not in kept.text and "1234567" not in kept.text
    for line in kept.text.splitlines():
        is_direction = line.startswith("(") and any(one.match(line[1:-1]) for one, _act in DIRECTIONS)
        assert not line or line.startswith(("#", "Sportello to Person: ", "    ", "Person: ")) or is_direction, line
    script = tmp_path / "kept.chat"
    script.write_text(kept.text, encoding="utf-8")
    with databases.town("sqlite") as url:
        played = play(script, url, "telegram")
    assert any(line.startswith("Sportello to Person: ") for line in played)


def test_a_file_is_opened_behind_a_link_that_ends_and_it_is_written_down(house: House) -> None:
    id = wrote(house, "amina", "il mio CV")
    with house.store() as store:
        row = store.dialogues.get(id).heard_id
        kept = store.files.keep(b"%PDF-1.4", kind="application/pdf", at=house.now)
        known = {"person_id": id, "provider_id": "x", "name": "cv.pdf", "at": house.now}
        store.files.attach(message_id=row, state="stored", file_id=kept, **known)
    page = house.as_("tutor").get(f"{LIST}/{id}")
    path = re.search(rf'href="({LIST}/{id}/files/\d+)"', page.text)
    assert path
    link = house.as_("tutor").get(path[1])
    assert link.headers["Location"].startswith("/media/")
    assert house.as_("tutor").get(link.headers["Location"]).content == b"%PDF-1.4"
    assert (f"staff:{house.as_('tutor').member.id}", "file_opened", f"person:{id}") in house.audited("file_opened")
    other = wrote(house, "bruno", "ciao")
    assert house.as_("tutor").get(path[1].replace(f"/{id}/", f"/{other}/")).status_code == 404


# ---- answers that are ready


def test_answers_that_are_ready_are_written_once_and_come_in_the_persons_language(house: House) -> None:
    operator, tutor = house.as_("operator"), house.as_("tutor")
    bad = operator.post("/console/replies", title="Orari", text_en="We open at nine.")
    assert bad.status_code == 422 and "We open at nine." in bad.text and "Write it in Italian at least." in bad.text
    fields = {"title": "Orari", "text_it": "Apriamo alle nove.", "text_en": "We open at nine."}
    assert operator.post("/console/replies", **fields).status_code == 303
    assert operator.post("/console/replies", **fields).status_code == 422
    assert tutor.post("/console/replies", **fields).status_code == 403
    assert "Apriamo alle nove." in tutor.get("/console/replies").text
    id = wrote(house, "amina", "ciao")
    filled = tutor.post(f"{LIST}/{id}/reply", do="canned", canned="1", text="Ciao!")
    assert "Ciao!\nApriamo alle nove.</textarea>" in filled.text
    with house.store() as store:
        store.people.change(id, language="en")
    assert "We open at nine.</textarea>" in tutor.post(f"{LIST}/{id}/reply", do="canned", canned="1", text="").text
    assert operator.post("/console/replies/1", **{**fields, "text_it": "Alle dieci."}).status_code == 303
    assert operator.post("/console/replies/77", **fields, text="x").status_code == 404
    assert operator.post("/console/replies/1/delete").status_code == 303
    assert operator.post("/console/replies/1/delete").status_code == 404
