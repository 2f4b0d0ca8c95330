# SPDX-License-Identifier: EUPL-1.2
"""What people give us, a file or a number: who has it back, who is asked for it, and where it never appears."""

import io
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select

from bot.simulator.phone import in_json
from handlers.desk import Desk
from handlers.talk import Gone
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.people import Identity
from storage.tables import audit
from tests.database import MONDAY, Databases
from tests.stage import Stage, is_fetched, perform

NUMBER = "3331234567"


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, "Amina's phone speaks English")
        perform(stage, "Amina is registered, and speaks English")
        yield stage


def last_row(stage: Stage) -> Any:
    return stage.shown_to("Amina")[-1]


def given_back(stage: Stage, kind: str) -> dict[str, Any]:
    """What the channel is told about the file that Amina has back."""
    perform(stage, f"Amina sends a {kind}")
    is_fetched(stage, {"photo": "is a photo", "file": "is a PDF", "voice message": "is a voice message"}[kind])
    stage.sends("Amina", "my data")
    stage.sends("Amina", "my files")
    stage.sends("Amina", "1")
    payload: dict[str, Any] = last_row(stage).payload
    return payload


def test_a_document_goes_back_by_the_name_the_channel_knows_it_by(stage: Stage) -> None:
    payload = given_back(stage, "file")
    known = stage.with_store(lambda store: store.files.of(stage.person(store, "Amina").id))[0]
    assert payload == {"file": known.file_id, "name": "cv.pdf", "provider_id": known.provider_id}


def test_a_simulated_phone_shows_the_name_of_the_file(stage: Stage) -> None:
    given_back(stage, "file")
    assert in_json(last_row(stage))["text"] == "Here is your file: cv.pdf"


@pytest.mark.parametrize(("kind", "ending"), [("photo", "jpg"), ("voice message", "ogg")])
def test_a_photo_goes_back_as_a_file_of_its_own(stage: Stage, kind: str, ending: str) -> None:
    """A channel cannot send as a document what it knows as a photo."""
    payload = given_back(stage, kind)
    assert payload["provider_id"] is None and payload["name"].endswith(f".{ending}")


def test_to_another_channel_it_goes_with_its_contents(stage: Stage) -> None:
    perform(stage, "Amina sends a file")
    is_fetched(stage, "is a PDF")

    def give(store: Store) -> Any:
        person = stage.person(store, "Amina")
        chat = Identity(store.people.identities(person.id)[0].id, person.id, "whatsapp", "stage:Amina", True, None)
        Desk(store, person, MONDAY, Catalogues(), chat=chat, message_id=1).files.give_back(1)
        return store.messages.of(person.id)[-1].payload

    assert stage.with_store(give)["provider_id"] is None


def test_nobody_has_the_file_of_somebody_else(stage: Stage) -> None:
    perform(stage, "Amina sends a file")
    is_fetched(stage, "is a PDF")
    perform(stage, "Bruno is registered")

    def take(store: Store) -> None:
        person = stage.person(store, "Bruno")
        chat = store.people.identities(person.id)[0]
        Desk(store, person, MONDAY, Catalogues(), chat=chat, message_id=1).files.give_back(1)

    with pytest.raises(Gone):
        stage.with_store(take)


def test_the_channel_is_told_where_a_number_may_be_shared(stage: Stage) -> None:
    stage.sends("Amina", "person")
    assert last_row(stage).payload == {"asks_phone": True}
    assert [option["id"] for option in last_row(stage).options] == ["phone", "here"]
    stage.sends("Amina", "no")
    assert last_row(stage).payload is None


@pytest.mark.parametrize(("address", "is_asked"), [("whatsapp:+393331234567", False), ("whatsapp:US.134912", True)])
def test_who_writes_from_a_number_is_not_asked_for_one(stage: Stage, address: str, is_asked: bool) -> None:
    def meet(store: Store) -> bool:
        known = {"simulated": True, "language": "en", "release": "0", "now": MONDAY}
        _chat, person = store.people.meet("whatsapp", address, **known)
        return Desk(store, person, MONDAY, Catalogues()).people.can_be_called()

    assert stage.with_store(meet) is not is_asked


def test_a_number_never_appears_in_a_log(stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    heard = io.StringIO()
    logging.getLogger().addHandler(handler := logging.StreamHandler(heard))
    logging.getLogger().setLevel(logging.DEBUG)
    with monkeypatch.context() as patched:  # a turn that fails says what went wrong, and of the person nothing
        patched.setattr("handlers.desk.people.People._note", broken)
        stage.sends("Amina", "person")
        stage.sends("Amina", f"+39{NUMBER}")
        perform(stage, f"Amina shares her number +39{NUMBER}")
    logging.getLogger().removeHandler(handler)
    logged = heard.getvalue() + "".join(capfd.readouterr())
    assert "turn_failed" in logged and NUMBER not in logged


def broken(_people: Any, _action: str) -> None:
    raise ValueError(NUMBER)


def test_what_was_done_is_written_down_without_the_number(stage: Stage) -> None:
    perform(stage, f"Amina shares her number +39{NUMBER}")
    rows = stage.with_store(lambda store: store.read(select(audit)))
    assert [row.action for row in rows] == ["phone_given"] and NUMBER not in repr(rows)


def test_who_asked_from_a_form_is_not_asked_one_question_more(stage: Stage) -> None:
    stage.languages["Bruno"] = "en"
    stage.sends("Bruno", "sign up")
    stage.sends("Bruno", "person")
    assert "What year were you born?" in stage.shown_to("Bruno")[-1].text
