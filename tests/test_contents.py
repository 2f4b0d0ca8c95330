# SPDX-License-Identifier: EUPL-1.2
"""Which form a message goes out in, what the registry knows of each, and the commands that keep it."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.channels.whatsapp.client import Calls, client
from bot.channels.whatsapp.contents import Contents
from bot.cli import app
from bot.contract import DeliveryError
from bot.jobs.contents import Registry, Synced, registries
from handlers.desk import Desk
from handlers.desk.contents import (
    Templated,
    form_of,
    keep,
    kept,
    plan,
    set_status,
    switched_off,
    template_of,
    unsaid,
    wanted_templates,
)
from handlers.moments import MOMENTS, REMINDER_24H, TEMPLATE, TEMPLATES, Moment, Occasion, Push, template_for
from handlers.talk.catalogues import Catalogues
from handlers.talk.forms import GENERIC, Described
from handlers.talk.messages import Option
from handlers.talk.rendering import width
from handlers.talk.templates import filled, said, value
from storage import Store
from storage.job_clubs import JobClub
from storage.messages import Message
from storage.workshops import Venue, Workshop
from tests.channels.twilio_api import Fault, TwilioApi
from tests.database import MONDAY, Databases
from tests.jobs.office import CATALOGUES, Office

ROOM = Venue("Sala Rossa", "Via Roma 1", "038008", "Ferrara", "Terre", "ferrara", True, True, True, None, None)
NOWHERE = Venue("Online", None, None, None, None, None, None, None, None, None, None)
LINK = "https://meet.example.org/sala-rossa"
YES_NO = [Option("yes", "Yes", "Yes"), Option("no", "No", "No")]


def workshop(mode: str = "in_person", link: str | None = None, venue: Venue = ROOM) -> Workshop:
    at = MONDAY + timedelta(days=2)
    return Workshop(
        id=1,
        code=None,
        series_id="cv",
        area_id="ferrara",
        programme_id="gol",
        kind="workshop",
        title={"it": "Scrivere il curriculum", "en": "Writing a CV"},
        summary={},
        bring=None,
        starts_at=at,
        ends_at=at + timedelta(hours=2),
        opens_at=MONDAY,
        closes_at=at,
        capacity=9,
        languages=[],
        italian_level=None,
        counts_for_path=True,
        line=0,
        revision=1,
        cancelled_at=None,
        mode=mode,
        link=link,
        tutor_id=1,
        venue=venue,
    )


def club() -> JobClub:
    return JobClub(
        id="club",
        name={"it": "Job Club Ferrara"},
        area_id="ferrara",
        programme_id="gol",
        counsellor_id=None,
        counsellor=None,
        weekday=0,
        time="10:00",
        minutes=60,
        first_on=MONDAY.date(),
        meetings=9,
        capacity=9,
        line=0,
        path_id=None,
        venue=ROOM,
    )


def occasions(moment: Moment) -> Iterator[Occasion]:
    """What this moment can be about, in all its variety."""
    times = dict.fromkeys(
        ("booked_at", "starts_at", "ends_at", "changed_at", "absent_at", "left_at", "silent_since"), MONDAY
    )
    later = MONDAY + timedelta(days=9)
    plain = Occasion(1, "Amina", moment.about[0], times, offered_until=MONDAY + timedelta(days=1))
    if moment.conversation == "silence":
        yield replace(plain, kept_until=later.date())
    elif moment.conversation == "job_club":
        yield from (replace(plain, club=club(), next_at=at) for at in (None, later))
    else:
        places = [("in_person", None, ROOM), ("online", LINK, NOWHERE), ("online", None, ROOM), ("hybrid", LINK, ROOM)]
        for place, next_at, before in itertools.product(places, (None, later), (None, MONDAY)):
            yield replace(plain, workshop=workshop(*place), next_at=next_at, before=before)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_each_moment_can_be_said_whatever_it_is_about_with_its_own_choices(moment: Moment) -> None:
    for occasion in occasions(moment):
        found = template_for(moment, occasion)
        assert found is not None
        template, slots = found
        assert [choice.id for choice in template.choices] == [choice.id for choice in moment.choices(occasion)]
        for reader in CATALOGUES.readers():
            form = template.described(reader)
            values = filled(form, {slot: value(words, reader) for slot, words in slots.items()})
            assert values is not None and width(said(form, values)) <= 1024


def test_every_template_is_said_on_some_occasion() -> None:
    said_on = [template_for(moment, occasion) for moment in MOMENTS for occasion in occasions(moment)]
    assert {found[0].name for found in said_on if found} == TEMPLATE.keys()


@pytest.mark.parametrize(
    ("held", "where"),
    [
        (workshop(), "Sala Rossa, Via Roma 1, Ferrara"),
        (workshop("online", LINK, NOWHERE), f"Online, {LINK}"),
        (workshop("online", LINK, ROOM), f"online, {LINK}"),
        (workshop("online", None, ROOM), "online"),
        (workshop("hybrid", LINK, ROOM), f"Sala Rossa, Via Roma 1, Ferrara, {LINK}"),
    ],
    ids=["a room", "online only", "moved online", "no link yet", "both"],
)
def test_the_place_and_the_way_in_stand_in_one_line(held: Workshop, where: str) -> None:
    occasion = replace(next(occasions(REMINDER_24H)), workshop=held)
    found = template_for(REMINDER_24H, occasion)
    assert found and value(found[1]["where"], CATALOGUES.reader("en")) == where


# ---- on a database


@pytest.fixture
def office(storage_url: str) -> Iterator[Office]:
    with closing(Office(storage_url)) as found:
        yield found


def reminder(store: Store, office: Office, language: str = "it") -> Message:
    """The reminder of tomorrow, as it stands in the outbox."""
    known = {"simulated": False, "language": language, "release": "1", "now": office.now}
    identity = store.people.meet("whatsapp", "whatsapp:+39333", **known)[0]  # type: ignore[arg-type]
    store.people.change(identity.person_id, language=language, first_name="Amina")
    desk = Desk(store, store.people.get(identity.person_id), office.now, CATALOGUES)
    occasion = replace(next(occasions(REMINDER_24H)), person_id=identity.person_id, said_at=office.now)
    assert desk.outbox.push(Push(REMINDER_24H, occasion, office.now, office.now + timedelta(days=1)), identity)
    return store.messages.of(identity.person_id)[-1]


def approve(store: Store, name: str, language: str, status: str = "approved") -> Described:
    form = TEMPLATE[name].described(CATALOGUES.reader(language))
    keep(store, form, f"HX{language}", MONDAY)
    assert set_status(store, f"HX{language}", status, None, MONDAY)
    return form


def said_to(store: Store, message: Message, language: str, **more: Any) -> Templated | None:
    return template_of(store, message, CATALOGUES, language, **more)


def test_a_push_takes_along_what_its_template_says_in_every_language(office: Office) -> None:
    with office.found.writing() as store:
        payload = reminder(store, office).payload
    assert payload is not None and payload["template"]["name"] == "reminder_24h"
    values = payload["template"]["values"]
    assert values.keys() == {"en", "it"}
    assert values["en"] == {
        "name": "Amina",
        "title": "Writing a CV",
        "when": "Wednesday 3 March, 10:00",  # a day that stays what it is, not «tomorrow»
        "where": "Sala Rossa, Via Roma 1, Ferrara",
    }
    assert (values["it"]["title"], values["it"]["when"]) == ("Scrivere il curriculum", "mercoledì 3 marzo, ore 10:00")


def test_what_is_approved_goes_out_filled_in_with_choices_that_can_be_answered(office: Office) -> None:
    with office.found.writing() as store:
        message = reminder(store, office, "en")
        approve(store, "reminder_24h", "en")
        found = said_to(store, message, "en")
    assert found is not None and found.form.is_template and found.form.sid == "HXen"
    assert dict(found.form.variables) == {
        "1": "Amina",
        "2": "Writing a CV",
        "3": "Wednesday 3 March, 10:00",
        "4": "Sala Rossa, Via Roma 1, Ferrara",
    }
    assert "Amina, you have an appointment.\nWhat: Writing a CV\nWhen: Wednesday 3 March, 10:00\n" in found.text
    assert found.options == message.options


@pytest.mark.parametrize("status", ["made", "pending", "rejected", "paused", "disabled"])
def test_only_what_is_approved_goes_out(office: Office, status: str) -> None:
    with office.found.writing() as store:
        message = reminder(store, office)
        approve(store, "reminder_24h", "it", status)
        assert said_to(store, message, "it") is None
        approve(store, "reminder_24h", "it")
        assert said_to(store, message, "it") is not None


def test_a_changed_sentence_is_not_approved(office: Office) -> None:
    with office.found.writing() as store:
        message = reminder(store, office)
        form = TEMPLATE["reminder_24h"].described(CATALOGUES.reader("it"))
        keep(store, replace(form, body=form.body.replace("Dove", "Luogo")), "HXold", MONDAY)
        set_status(store, "HXold", "approved", None, MONDAY)
        assert said_to(store, message, "it") is None
        keep(store, form, "HXnew", MONDAY)
        set_status(store, "HXnew", "approved", None, MONDAY)
        found = said_to(store, message, "it")
        assert found and found.form.sid == "HXnew"
        assert [row.sid for row in store.contents.all()] == ["HXold", "HXnew"]


def test_what_is_not_approved_in_a_language_is_said_in_the_desks_own_or_in_english(office: Office) -> None:
    english_desk = Catalogues(default="en")
    with office.found.writing() as store:
        message = reminder(store, office, "en")
        approve(store, "reminder_24h", "it")
        found = said_to(store, message, "en")
        assert found and found.form.sid == "HXit" and "mercoledì 3 marzo" in found.text
        assert [option["label"] for option in found.options] == ["Vengo", "Non posso venire", "Parla con qualcuno"]
        assert [option["id"] for option in found.options] == [option["id"] for option in message.options or ()]
        assert template_of(store, message, english_desk, "en") is None  # that desk has no reason to speak Italian
        approve(store, "reminder_24h", "en")
        found = said_to(store, message, "it")
        assert found and found.form.sid == "HXit"
        switched_off(store, "HXit", "paused", "too many people blocked it", MONDAY)
        found = said_to(store, message, "it")
        assert found and found.form.sid == "HXen"


def test_what_is_switched_off_is_said_no_more_and_it_stands_why(office: Office) -> None:
    with office.found.writing() as store:
        message = reminder(store, office)
        form = approve(store, "reminder_24h", "it")
        assert switched_off(store, "HXit", "paused", "low quality", MONDAY + timedelta(hours=1))
        assert said_to(store, message, "it") is None
        row = kept(store, form)
        assert row and (row.status, row.reason, row.checked_at) == (
            "paused",
            "low quality",
            MONDAY + timedelta(hours=1),
        )
        assert not switched_off(store, "HXunknown", "paused", None, MONDAY)


def test_in_a_simulation_everything_counts_as_approved(office: Office) -> None:
    with office.found.writing() as store:
        message = reminder(store, office)
        found = said_to(store, message, "it", simulated=True)
        assert found and (found.form.sid, found.form.is_template) == ("simulated", True)


def test_what_no_moment_says_or_an_older_release_has_put_out_has_no_template(office: Office) -> None:
    with office.found.writing() as store:
        message = reminder(store, office)
        approve(store, "reminder_24h", "it")
        known = (message.payload or {})["template"]
        for payload in (None, {}, {"template": {**known, "name": "gone"}}, {"template": {**known, "values": {}}}):
            assert said_to(store, replace(message, payload=payload), "it") is None
        assert said_to(store, replace(message, options=(message.options or [])[:1]), "it") is None
        assert said_to(store, replace(message, options=None), "it") is None  # the first piece of a long one


def test_buttons_need_a_form_that_has_been_made_and_not_refused(office: Office) -> None:
    def form(channel: str = "whatsapp", text: str = "Do you come?", options: Sequence[Option] = YES_NO) -> Any:
        return form_of(store, channel, 7, text, options, CATALOGUES.reader("it"))

    with office.found.writing() as store:
        assert form() is None
        keep(store, GENERIC["buttons-2"], "HX2", MONDAY)
        found = form()
        assert (found.sid, found.is_template) == ("HX2", False)
        assert found.variables == {"1": "Do you come?", "2": "Yes", "3": "7.0", "4": "No", "5": "7.1"}
        assert form("telegram") is form(options=()) is form(options=YES_NO * 6) is form(text="x" * 1025) is None
        switched_off(store, "HX2", "refused", "63005", MONDAY)
        assert form() is None


def test_a_moment_of_which_one_variant_is_not_approved_counts_as_not_said(office: Office) -> None:
    with office.found.writing() as store:
        assert len(unsaid(store, CATALOGUES)) == len(TEMPLATES) * 2
        for number, form in enumerate(wanted_templates(CATALOGUES)):
            keep(store, form, f"HX{number}", MONDAY)
            if form.name != "reminder_2h_no_map" or form.language != "it":
                set_status(store, f"HX{number}", "approved", None, MONDAY)
        assert unsaid(store, CATALOGUES) == [("reminder_2h", "it")]


# ---- with Twilio


@dataclass
class Twilio:
    """A desk, its registry, and a Twilio of our own."""

    office: Office
    api: TwilioApi

    def run(self, work: Any, kind: type[Contents] = Contents) -> Any:
        async def connected() -> Any:
            calls = Calls(self.api.url)
            try:
                return await work(self.registry(kind(client(self.api.account, self.api.token, calls))))
            finally:
                await calls.close()

        return asyncio.run(connected())

    def registry(self, contents: Contents) -> Registry:
        return Registry(self.office.found, self.office.clock, CATALOGUES, contents)

    def rows(self) -> dict[str, tuple[str, str | None]]:
        with self.office.found.reading() as store:
            return {row.sid: (row.status, row.reason) for row in store.contents.all()}

    def sid(self, name: str, language: str) -> str:
        form = TEMPLATE[name].described(CATALOGUES.reader(language))
        (found,) = [sid for sid, one in self.api.contents.items() if one.friendly_name == form.friendly_name]
        return found


@pytest.fixture
def twilio(databases: Databases) -> Iterator[Twilio]:
    with databases.empty("sqlite") as url, closing(Office(url)) as office, TwilioApi() as api:
        yield Twilio(office, api)


def made(synced: Synced) -> tuple[int, int, int]:
    return len(synced.made), len(synced.found), synced.there


def test_what_is_missing_is_made_once(twilio: Twilio) -> None:
    everything = len(plan(CATALOGUES))
    assert made(twilio.run(Registry.sync)) == (everything, 0, 0)
    assert made(twilio.run(Registry.sync)) == (0, 0, everything)
    assert twilio.api.violations == []
    assert {status for status, _ in twilio.rows().values()} == {"made"}
    assert twilio.rows().keys() == twilio.api.contents.keys()


class Interrupted(Contents):
    """The fifth form is made, and nobody hears of it."""

    async def make(self, form: Described) -> str:
        sid = await super().make(form)
        if form.name == "list-2":
            raise DeliveryError("unanswered", "Nobody answered.", uncertain=True)
        return sid


def test_an_interrupted_run_goes_on_where_it_stood_and_makes_nothing_twice(twilio: Twilio) -> None:
    with pytest.raises(DeliveryError):
        twilio.run(Registry.sync, Interrupted)
    assert (len(twilio.rows()), len(twilio.api.contents)) == (4, 5)
    done = twilio.run(Registry.sync)
    assert done.found == [GENERIC["list-2"].friendly_name] and done.there == 4
    assert len(twilio.api.contents) == len(plan(CATALOGUES)) == sum(made(done))


def test_what_twilio_has_lost_is_made_again_and_needs_a_new_approval(twilio: Twilio) -> None:
    twilio.run(Registry.sync)
    lost = twilio.sid("reminder_24h", "it")
    with twilio.office.found.writing() as store:
        set_status(store, lost, "approved", None, MONDAY)
    del twilio.api.contents[lost]
    assert made(twilio.run(Registry.sync))[0] == 1
    new = twilio.sid("reminder_24h", "it")
    assert lost not in twilio.rows() and twilio.rows()[new] == ("made", None)


def test_buttons_that_were_refused_are_used_again_when_somebody_has_looked_into_it(twilio: Twilio) -> None:
    twilio.run(Registry.sync)
    with twilio.office.found.writing() as store:
        sid = kept(store, GENERIC["buttons-2"]).sid  # type: ignore[union-attr]
        switched_off(store, sid, "disabled", "63005", MONDAY)
    assert twilio.run(Registry.sync).again == [GENERIC["buttons-2"].friendly_name]
    assert twilio.rows()[sid] == ("made", None)


def test_templates_are_handed_in_once_by_a_name_that_says_what_they_are(twilio: Twilio) -> None:
    handed_in = twilio.run(lambda registry: registry.submit(["reminder_24h"]))
    assert [name.rpartition("_")[0] for name in handed_in] == [
        "sportello_reminder_24h_en",
        "sportello_reminder_24h_it",
    ]
    one = twilio.api.contents[twilio.sid("reminder_24h", "it")]
    assert (one.name, one.category, one.status) == (handed_in[1], "UTILITY", "received")
    assert twilio.run(lambda registry: registry.submit(["reminder_24h"])) == []
    assert len(twilio.run(Registry.submit)) == len(wanted_templates(CATALOGUES)) - 2
    assert twilio.api.violations == []
    assert twilio.rows()[one.sid] == ("pending", None)


def test_what_whatsapp_says_is_written_down_with_its_reason(twilio: Twilio) -> None:
    twilio.run(Registry.submit)
    said = {"approved": "", "rejected": "TAG_CONTENT_MISMATCH", "paused": "", "disabled": "", "unheard_of": ""}
    sids = [twilio.sid(name, "it") for name in list(TEMPLATE)[: len(said)]]
    for sid, (status, reason) in zip(sids, said.items(), strict=True):
        twilio.api.decides(sid, status, reason)
    assert twilio.run(Registry.refresh) == 4
    rows = [twilio.rows()[sid] for sid in sids]
    assert rows == [
        ("approved", None),
        ("rejected", "TAG_CONTENT_MISMATCH"),
        ("paused", None),
        ("disabled", None),
        ("pending", None),
    ]


def test_what_is_gone_is_switched_off_and_the_others_are_asked_after(twilio: Twilio) -> None:
    twilio.run(Registry.submit)
    gone, there = twilio.sid("booking_confirmed", "en"), twilio.sid("missed_you", "it")
    del twilio.api.contents[gone]
    twilio.api.decides(there, "approved")
    assert twilio.run(Registry.refresh) == 2
    assert (twilio.rows()[gone][0], twilio.rows()[there][0]) == ("disabled", "approved")


def test_the_worker_asks_once_an_hour_and_an_hour_without_answer_is_no_harm(twilio: Twilio) -> None:
    twilio.run(Registry.submit)
    twilio.api.decides(twilio.sid("missed_you", "it"), "approved")
    assert twilio.run(Registry.hourly) == 1
    twilio.api.decides(twilio.sid("missed_you", "en"), "approved")
    assert twilio.run(Registry.hourly) == 0
    twilio.office.later(timedelta(hours=1))
    twilio.api.fails(Fault(status=503), path="ApprovalRequests")
    assert twilio.run(Registry.hourly) == 0
    twilio.office.later(timedelta(hours=1))
    assert twilio.run(Registry.hourly) == 1


def test_only_networks_that_keep_forms_have_a_registry(twilio: Twilio) -> None:
    def found(*transports: Any) -> list[Registry]:
        return registries(twilio.office.found, twilio.office.clock, CATALOGUES, transports)

    class Keeps:
        contents = object()

    assert found(object()) == [] and len(found(object(), Keeps())) == 1


# ---- at a keyboard


def run(folder: Path, *words: str, **settings: str) -> Result:
    return CliRunner().invoke(app, words, env={"DATABASE_URL": f"sqlite:///{folder}/desk.sqlite", **settings})


def test_the_commands_say_in_plain_words_what_they_did(tmp_path: Path) -> None:
    with TwilioApi() as api:
        settings = {"TWILIO_ACCOUNT_SID": api.account, "TWILIO_AUTH_TOKEN": api.token, "TWILIO_API_URL": api.url}
        first = run(tmp_path, "channels", "sync", **settings)
        assert first.exit_code == 0, first.stderr
        assert f"made: {GENERIC['list-5-described'].friendly_name}\n" in first.stdout
        again = run(tmp_path, "channels", "sync", **settings)
        assert again.stdout == f"All {len(plan(CATALOGUES))} are there.\n"

        handed_in = run(tmp_path, "templates", "submit", "missed_you", "half_way", **settings)
        assert handed_in.stdout.count("handed in: ") == 4
        wrong = run(tmp_path, "templates", "submit", "missed_yu", **settings)
        assert wrong.exit_code == 1 and "no template called missed_yu" in wrong.stderr

        for one in api.contents.values():
            if "missed_you" in one.friendly_name:
                api.decides(one.sid, "approved")
            if "half_way_it" in one.friendly_name:
                api.decides(one.sid, "rejected", "TAG_CONTENT_MISMATCH")
        status = run(tmp_path, "templates", "status", **settings)
        lines = [line.split() for line in status.stdout.splitlines()]
        assert ["missed_you", "it", "approved"] in lines
        assert ["half_way", "it", "rejected", "TAG_CONTENT_MISMATCH"] in lines
        assert ["half_way", "(it)"] in lines and ["missed_you", "(it)"] not in lines
        assert api.violations == []

        api.fails(Fault(status=401, code=20003), path="Content")
        refused = run(tmp_path, "channels", "sync", **settings)
        assert refused.exit_code == 1 and "TWILIO_AUTH_TOKEN" in refused.stderr and "Traceback" not in refused.stderr


def test_without_settings_the_commands_say_what_to_set(tmp_path: Path) -> None:
    for command in (("channels", "sync"), ("templates", "submit"), ("templates", "status")):
        done = run(tmp_path, *command, TWILIO_ACCOUNT_SID="", TWILIO_AUTH_TOKEN="")
        assert done.exit_code == 1
        assert done.stderr == "WhatsApp is not set up here. Set: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN\n"


def test_templates_can_be_read_aloud_before_anybody_approves_them(tmp_path: Path) -> None:
    shown = run(tmp_path, "templates", "show")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.count("—— ") == len(wanted_templates(CATALOGUES))
    assert "Amina, non ci siamo visti a «Scrivere il curriculum».\n" in shown.stdout
    assert "{{" not in shown.stdout and not list(tmp_path.iterdir())
