# SPDX-License-Identifier: EUPL-1.2
"""The sheet that hangs in the room: who may print it, what is on it, and that a new code makes the old one useless."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.channels.telegram.channel import Telegram
from bot.channels.whatsapp.channel import WhatsApp
from bot.clock import Clock
from bot.console.squares import square
from bot.simulator import simulated
from tests.console.office import House, text_of
from tests.console.planned import a_workshop, takes_a_place


@dataclass
class Network:
    """A channel that only knows how it is reached."""

    name: str
    link: str

    def address(self, start: str) -> str | None:
        return f"{self.link}{start}" if self.link else None

    def routes(self, *_hear: object) -> list[object]:
        return []


def reached_by(house: House, *networks: tuple[str, str]) -> None:
    house.desk.channels = [Network(*one) for one in networks]  # type: ignore[misc]


def key_of(house: House, id: int) -> str | None:
    with house.store() as store:
        key: str | None = store.workshops.check_in_key(id)
        return key


def sheet(id: int) -> str:
    return f"/console/workshops/{id}/check-in"


@pytest.mark.parametrize("role", ["tutor", "counsellor", "operator"])
def test_who_is_in_the_room_prints_the_sheet(house: House, role: str) -> None:
    id = a_workshop(house)
    assert house.as_(role).post(sheet(id)).status_code == 303
    assert "in_" in house.as_(role).get(sheet(id)).text
    assert sheet(id) in house.as_(role).get(f"/console/workshops/{id}").text


def test_nobody_else_sees_the_code(house: House) -> None:
    id = a_workshop(house)
    house.as_("operator").post(sheet(id))
    officer = house.as_("privacy_officer")
    assert officer.get(sheet(id)).status_code == 403
    assert officer.post(sheet(id)).status_code == 403
    assert sheet(id) not in officer.get(f"/console/workshops/{id}").text


def test_looking_makes_no_code(house: House) -> None:
    id = a_workshop(house)
    page = house.as_("operator").get(sheet(id))
    assert "There is no code for this room yet." in text_of(page) and "<svg" not in page.text
    assert key_of(house, id) is None


def test_the_sheet_says_all_that_one_needs_in_both_languages(house: House) -> None:
    id = a_workshop(house)
    reached_by(house, ("telegram", "https://t.me/sportello_bot?start="), ("whatsapp", "https://wa.me/39051?text="))
    house.as_("operator").post(sheet(id))
    page = house.as_("operator").get(sheet(id))
    for words in ("Il colloquio", "The interview", "giovedì 4 marzo, ore 10:00", "Thursday 4 March, 10:00"):
        assert words in text_of(page), words
    start = f"in_{key_of(house, id)}"
    for link in (f"https://t.me/sportello_bot?start={start}", f"https://wa.me/39051?text={start}"):
        assert str(square(link)) in page.text and link in page.text
    assert page.text.count("<svg") == 2
    assert 'lang="it"' in page.text and 'lang="en"' in page.text
    assert "style=" not in page.text and "<style" not in page.text, "the rules for what a browser may run forbid it"
    assert 'class="no-print"' in page.text


def test_a_channel_that_does_not_know_its_name_yet_has_no_square(house: House) -> None:
    id = a_workshop(house)
    reached_by(house, ("telegram", ""))
    house.as_("operator").post(sheet(id))
    page = house.as_("operator").get(sheet(id))
    assert "Telegram has not answered yet." in text_of(page) and "<svg" not in page.text


def test_without_a_channel_the_letters_can_be_written(house: House) -> None:
    id = a_workshop(house)
    house.as_("operator").post(sheet(id))
    assert f"in_{key_of(house, id)}" in text_of(house.as_("operator").get(sheet(id)))


def test_a_new_code_makes_the_old_sheet_useless(house: House) -> None:
    id = a_workshop(house)
    [person] = takes_a_place(house, id, "j01")
    house.as_("operator").post(sheet(id))
    before = key_of(house, id)
    assert "new code" in house.as_("operator").said(house.as_("operator").post(sheet(id)))
    after = key_of(house, id)
    assert before and after and before != after
    house.now += timedelta(days=3)

    def noted_after(code: str) -> str | None:
        with house.store() as store:
            chat = store.people.reachable(person)
            assert chat
        assert house.hear(chat.address, code, chat.channel) == person
        with house.store() as store:
            booking = store.workshops.booking_of(person, id)
            said: str | None = booking.attendance
            return said

    assert noted_after(f"in_{before}") is None
    assert noted_after(f"in_{after}") == "present"
    assert (
        house.audited("check_in_code_made")
        == [(f"staff:{house.as_('operator').member.id}", "check_in_code_made", f"workshop:{id}")] * 2
    )


def test_there_is_no_sheet_for_what_is_online_called_off_or_over(house: House) -> None:
    online = a_workshop(house, mode="online", link="https://example.org/room")
    off, over = a_workshop(house), a_workshop(house, days=-1)
    with house.store() as store:
        store.workshops.change(off, cancelled_at=house.now)
    for id in (online, off, over):
        page = house.as_("operator").get(sheet(id))
        assert page.status_code == 200 and "<svg" not in page.text and f'action="{sheet(id)}"' not in page.text, id
        house.as_("operator").post(sheet(id))
        assert key_of(house, id) is None, id


def test_a_workshop_that_is_not_there_has_no_sheet(house: House) -> None:
    assert house.as_("operator").get(sheet(999_999)).status_code == 404


def test_each_network_has_a_link_of_its_own() -> None:
    usual = {"public_url": "", "clock": Clock()}
    whatsapp = WhatsApp("AC1", "token", sender="+390511234567", **usual)  # type: ignore[arg-type]
    assert whatsapp.address("in_a-b_c") == "https://wa.me/390511234567?text=in_a-b_c"
    more = {"mode": "polling", "api_url": "http://127.0.0.1:1", "webhook_secret": "", "commands": {}}
    telegram = Telegram("1:token", **usual, **more)  # type: ignore[arg-type]
    assert telegram.address("in_a-b_c") is None, "Telegram has not said yet what it calls us"
    assert simulated("in_a-b_c")["whatsapp"] == "/simulator?channel=whatsapp&start=in_a-b_c"
