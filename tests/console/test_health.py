# SPDX-License-Identifier: EUPL-1.2
"""Channels and health in the console, and the alarm that is raised once and ended once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from bot.jobs.health import Watch
from bot.metrics import WEBHOOKS, counted
from storage.tables import audit, contents, identities, messages, people
from tests.channels.bot_api import BotApi
from tests.console.crowd import fill
from tests.console.office import House, text_of
from tests.database import Databases

MINUTE = timedelta(minutes=1)
PATH = "/console/health"


def chat(house: House, channel: str = "whatsapp") -> dict[str, Any]:
    """Somebody real, on a channel: what every message of theirs has."""
    with house.store() as store:
        person = store.write(insert(people).values(language="it", created_at=house.now).returning(people.c.id)).scalar()
        address = {"channel": channel, "address": f"+39{person}", "simulated": False, "created_at": house.now}
        identity = store.write(insert(identities).values(person_id=person, **address).returning(identities.c.id))
        return {"person_id": person, "identity_id": identity.scalar(), "channel": channel, "text": "…", "attempts": 0}


def went(house: House, to: dict[str, Any], many: int, state: str, **more: Any) -> None:
    at = house.now - MINUTE
    known = {**to, "direction": "out", "kind": "reply", "priority": 0, "at": at, "due_at": at, "sent_at": at}
    with house.store() as store:
        for _number in range(many):
            store.write(insert(messages).values(**{**known, "state": state, **more}))


def watched(house: House) -> list[str]:
    """What a minute later the log says of it, when somebody looks."""
    house.now += MINUTE
    with capture_logs() as logs:
        Watch(house.storage, house.desk.clock).look(["telegram", "whatsapp"])
    return [f"{one['event']} {one['channel']} {one['why']}" for one in logs]


@pytest.mark.parametrize("role", ["administrator", "operator"])
def test_who_looks_after_the_service_sees_how_it_is(house: House, role: str) -> None:
    fill(house, 1)
    page = text_of(house.as_(role).get(PATH))
    assert "It works, but 1 messages did not arrive since yesterday." in page
    assert "The worker has never been at work: nothing is sent." in page
    assert "What to do: Start it: sportello serve, or sportello worker" in page
    assert house.as_("tutor").get(PATH).status_code == 403


def test_an_alarm_is_raised_once_stands_on_every_page_and_ends_once(house: House) -> None:
    to = chat(house)
    went(house, to, 11, "failed", reason="no_answer")
    went(house, to, 9, "sent")
    assert watched(house) == ["channel_alarm whatsapp failing"]
    assert watched(house) == []
    for path in ("/console", PATH, "/console/people"):
        assert "WhatsApp : Most messages do not arrive." in text_of(house.as_("operator").get(path)), path
    assert "Most messages" not in text_of(house.as_("tutor").get("/console"))
    went(house, to, 20, "sent")
    assert watched(house) == ["channel_alarm_over whatsapp failing"]
    assert watched(house) == []
    assert 'role="alert"' not in house.as_("operator").get("/console").text
    raised, over = house.audited("alarm_raised", "alarm_over")
    assert raised == ("system", "alarm_raised", "channel:whatsapp") and over[1] == "alarm_over"


def test_what_is_about_one_chat_is_no_alarm(house: House) -> None:
    went(house, chat(house), 20, "failed", reason="blocked")
    assert watched(house) == []
    went(house, chat(house), 20, "pending", reason="window_shut", due_at=house.now + timedelta(days=1))
    assert watched(house) == []  # they wait until somebody writes


def test_a_message_that_is_tried_again_and_again_has_not_left(house: House) -> None:
    due = house.now - timedelta(minutes=20)
    went(house, chat(house, "telegram"), 3, "pending", due_at=due, reason="not_connected")
    assert watched(house) == ["channel_alarm telegram halted"]
    assert "Nothing leaves. 3 messages wait" in text_of(house.as_("operator").get("/console"))


def test_a_demonstration_raises_no_alarm(house: House) -> None:
    to = chat(house)
    with house.store() as store:
        store.write(update(identities).where(identities.c.id == to["identity_id"]).values(simulated=True))
    went(house, to, 20, "failed", reason="no_answer")
    assert watched(house) == []


def test_a_channel_that_falls_silent_is_named_until_somebody_writes(house: House) -> None:
    to = chat(house)  # a Monday at ten: the desk was open on Friday until one
    heard = {**to, "direction": "in", "kind": "text", "state": "handled"}
    with house.store() as store:
        for hours in range(100, 0, -1):
            at = house.now - timedelta(days=3) - timedelta(hours=hours)
            store.write(insert(messages).values(**heard, at=at))
    house.now += 2 * timedelta(hours=1)
    assert watched(house) == ["channel_alarm whatsapp silent"]
    with house.store() as store:
        store.write(insert(messages).values(**heard, at=house.now))
    assert watched(house) == ["channel_alarm_over whatsapp silent"]


def test_many_forged_calls_raise_the_alarm_in_the_process_that_hears_them(house: House) -> None:
    chat(house)
    watch = Watch(house.storage, house.desk.clock)
    watch.look(["whatsapp"])
    for _number in range(21):
        WEBHOOKS.labels("whatsapp", "forged").inc()
    house.now += MINUTE
    with capture_logs() as logs:
        assert watch.look(["whatsapp"])
    assert [one["why"] for one in logs] == ["refused"]


def test_of_several_workers_one_looks(house: House) -> None:
    went(house, chat(house), 20, "failed", reason="no_answer")
    one, other = (Watch(house.storage, house.desk.clock) for _number in range(2))
    assert one.look(["whatsapp"]) and not other.look(["whatsapp"])


def test_the_alarm_is_the_same_on_postgresql(big_house: House) -> None:
    to = chat(big_house)
    went(big_house, to, 20, "failed", reason="no_answer")
    assert watched(big_house) == ["channel_alarm whatsapp failing"]
    assert big_house.as_("operator").get(PATH).status_code == 200
    went(big_house, to, 20, "sent")
    assert watched(big_house) == ["channel_alarm_over whatsapp failing"]


def test_receipts_reasons_and_forms_are_shown(house: House) -> None:
    to = chat(house)
    for many, state in ((1, "sent"), (2, "delivered"), (3, "read")):
        went(house, to, many, state)
    went(house, to, 2, "failed", reason="unreachable")
    with house.store() as store:
        form = {"language": "it", "hash": "1", "body": "…", "variables": {}, "at": house.now, "category": "utility"}
        store.write(insert(contents).values(name="reminder_24h", sid="HX1", status="rejected", reason="A <b>", **form))
        store.write(insert(contents).values(name="reminder_2h", sid="HX2", status="made", **form))
    answer = house.as_("operator").get(PATH)
    page = text_of(answer)
    assert "Arrived in 7 days 5 of 6" in page and "Read in 7 days 3 of 6" in page
    assert "2 · The channel does not know this chat." in page
    assert "reminder_24h Italian rejected" in page and "reminder_2h Italian not handed in" in page
    assert "A <b>" not in answer.text


def test_checking_asks_the_networks_and_what_was_found_stays(databases: Databases) -> None:
    from tests.console.office import load_demo

    with BotApi() as api, databases.played("sqlite", "demo", load_demo) as url:
        house = House(url, telegram_token=api.token, telegram_api_url=api.url)
        try:
            assert "Nobody has checked it yet." in text_of(house.as_("operator").get(PATH))
            assert not api.called("getMe")
            operator = house.as_("operator")
            assert "Everything has been checked." in operator.said(operator.post(PATH))
            assert len(api.called("getMe")) == 1
            assert "Telegram knows our bot: @" in text_of(house.as_("administrator").get(PATH))
            assert len(api.called("getMe")) == 1
            assert len(house.audited("health_checked")) == 1
            with house.store() as store:
                assert "checkup" not in store.questions.settings()
        finally:
            house.close()


def test_figures_are_there_for_a_program_and_are_about_nobody(house: House) -> None:
    house.hear("amina", "ciao")
    counted(None, "error", {"event": "job_failed", "job": "delivery"})
    counted(None, "error", {"event": "Amina wrote: ciao"})
    said = house.stranger().get("/metrics")
    assert said.status_code == 200 and said.headers["content-type"].startswith("text/plain")
    assert 'sportello_troubles_total{event="job_failed",level="error"}' in said.text
    assert 'event="other"' in said.text and "mina" not in said.text


def test_what_is_raised_is_noted_without_a_word_of_anybody(house: House) -> None:
    went(house, chat(house), 20, "failed", reason="no_answer")
    watched(house)
    with house.store() as store:
        details = store.read(select(audit.c.details).where(audit.c.action == "alarm_raised"))
    assert [row[0] for row in details] == [{"why": "failing"}]
