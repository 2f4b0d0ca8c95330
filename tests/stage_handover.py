# SPDX-License-Identifier: EUPL-1.2
"""What can happen on stage where somebody of the desk steps in, teaches words, or must not read some."""

from typing import Any

from sqlalchemy import insert, select

from bot.main import Sportello
from handlers.conversations import CONVERSATIONS
from handlers.desk import Desk
from handlers.desk.handover import CannotWrite, Enclosed, NotYours
from handlers.desk.misreadings import ranked, teach
from storage import Store
from storage.tables import metadata, staff
from tests import files
from tests.stage import Stage, direction


def member(store: Store, name: str) -> int:
    """The number of somebody of the staff, who works here from now on if they did not yet."""
    found = store.read(select(staff.c.id).where(staff.c.name == name))
    if found:
        return int(found[0].id)
    row = {"name": name, "email": f"{name.lower()}@example.org", "role": "operator", "languages": ["it"]}
    return int(store.write(insert(staff).values(row).returning(staff.c.id)).scalar_one())


def at_the_desk(stage: Stage, who: str, name: str, act: Any) -> None:
    """Somebody of the staff does something for a person; what must not be is said, as an operator would read it."""

    def acts(desk: Sportello) -> None:
        with desk.storage.writing() as store:
            staff_id = member(store, name)
            act(Desk(store, stage.person(store, who), stage.now, desk.engine.play.catalogues), staff_id)

    stage.played(acts)


@direction(r"(\w+) of the desk takes over from the program with (\w+)(?: for (\d+) minutes)?")
def takes_over(stage: Stage, name: str, who: str, minutes: str | None) -> None:
    at_the_desk(stage, who, name, lambda desk, id: desk.handover.take(id, name, minutes=int(minutes or 30)))


@direction(r"(\w+) of the desk writes to (\w+): (.+)")
def writes(stage: Stage, name: str, who: str, text: str) -> None:
    at_the_desk(stage, who, name, lambda desk, id: desk.handover.reply(id, text))


@direction(r"(\w+) of the desk sends (\w+) the file «(.+)»: (.+)")
def sends_a_file(stage: Stage, name: str, who: str, file: str, text: str) -> None:
    enclosed = Enclosed(file, files.PDF, "application/pdf")
    at_the_desk(stage, who, name, lambda desk, id: desk.handover.reply(id, text, file=enclosed))


@direction(r"(\w+) of the desk gives (\w+) back(, and has done what \w+ waited for)?")
def gives_back(stage: Stage, name: str, who: str, done: str | None) -> None:
    at_the_desk(
        stage, who, name, lambda desk, id: desk.handover.give_back(id, because="by_hand", close_cases=bool(done))
    )


@direction(r"(\w+) of the desk cannot (take over|write) with (\w+): (.+)")
def cannot(stage: Stage, name: str, what: str, who: str, why: str) -> None:
    def tries(desk: Desk, id: int) -> None:
        try:
            desk.handover.take(id, name) if what == "take over" else desk.handover.reply(id, "ciao")
        except NotYours as found:
            assert why == f"it is with {found.name or 'nobody'}", found.name
        except CannotWrite as found:
            assert found.why.msgid == why, found.why.msgid
        else:
            raise AssertionError(f"{name} could {what}")

    at_the_desk(stage, who, name, tries)


@direction(r"(\w+) is with (\w+) of the desk|(\w+) is with the program")
def is_with(stage: Stage, who: str | None, name: str | None, alone: str | None) -> None:
    def look(store: Store) -> str | None:
        person = stage.person(store, who or alone or "")
        found = store.dialogues.get(person.id).taken_by
        known = store.staff.get(found) if found is not None else None
        return known.name if known else None

    assert stage.with_store(look) == name


@direction(r"nobody waits for (\w+)")
def nobody_waits(stage: Stage, who: str) -> None:
    assert stage.with_store(lambda store: store.cases.open_reasons(stage.person(store, who).id)) == []


@direction(r"the desk teaches: «(.+)» means (\S+)")
def teaches(stage: Stage, words: str, means: str) -> None:
    def act(store: Store) -> None:
        names = {one.name for one in CONVERSATIONS}
        teach(store, words, means, member(store, "Marta"), stage.now, conversations=names)

    stage.with_store(act)


@direction(r"nobody understood: (.+)")
def nobody_understood(stage: Stage, words: str) -> None:
    """What the desk sees, such as: bah boh (2), # euro (1)."""
    found = stage.with_store(lambda store: ranked(store, limit=20))
    assert ", ".join(f"{one.words} ({one.count})" for one in found) == words.replace("nothing", ""), found


@direction(r"what is kept of (\w+) is: (.*)")
def kept(stage: Stage, who: str, text: str) -> None:
    """The newest message that came in, as its row has it."""
    found = stage.with_store(lambda store: store.messages.of(stage.person(store, who).id))
    newest = [one for one in found if one.direction == "in"][-1]
    assert newest.text == text, newest.text


@direction(r"«(.+)» stands nowhere")
def stands_nowhere(stage: Stage, words: str) -> None:
    """Not in any column of any row of any table that people's words could reach."""

    def look(store: Store) -> list[str]:
        own = {"questions", "notices", "programmes", "settings"}  # which the service has written itself
        tables = [table for name, table in metadata.tables.items() if name not in own]
        return [table.name for table in tables for row in store.read(select(table)) if words in str(tuple(row)).lower()]

    assert stage.with_store(look) == []


@direction(r"(\w+) sends a photo under which stands: (.+)")
def captioned(stage: Stage, who: str, text: str) -> None:
    stage.sends(who, text, kind="photo", payload={"file_id": f"file-{next(stage.numbers)}", "size": 4000})
