# SPDX-License-Identifier: EUPL-1.2
"""What a phone with WhatsApp would make of a message of ours: every play is seen through it, limit by limit."""

import json
from dataclasses import replace

from bot.channels.whatsapp.letters import PREFIX, letter
from bot.clock import Clock
from bot.contract import Transport
from handlers.talk.forms import FILLED, GENERIC, OPENER, form_name, values
from handlers.talk.messages import Form, Outgoing
from handlers.talk.text import Reader

BODY, BODY_OF_A_FORM = 1_600, 1_024
BUTTON, LINE, UNDER_A_LINE, ID = 20, 24, 72, 200


class Screen:
    """Looks at what leaves for WhatsApp as Twilio would; then it goes where it went before."""

    def __init__(self, paper: Transport | None, clock: Clock) -> None:
        assert paper is not None, "plays are played on paper"
        self.paper, self.clock = paper, clock
        self.can_edit = getattr(paper, "can_edit", ())

    async def send(self, message: Outgoing) -> str:
        if message.to.channel == "whatsapp" and message.kind != "retired":
            look(message, self.clock)
        return await self.paper.send(message)


def look(message: Outgoing, clock: Clock) -> None:
    """Raises AssertionError where a phone would show less than was said, or Twilio would refuse it."""
    name = form_name(message.options)
    filled = values(message.token, message.text, message.options, OPENER.render(Reader())) if name else None
    assert not message.options or filled or len(message.options) > 10, f"no form fits: {message.text}"
    form = Form(name, filled) if name and filled else None
    sender = {"sender": "+390510000000", "public_url": "https://desk.example.org"}
    fields = letter(replace(message, form=form), now=clock.now(), link=lambda one: f"https://x/{one.id}", **sender)
    assert fields["to"].startswith(PREFIX)
    if form and "content_sid" in fields:
        fits(form.sid, json.loads(fields["content_variables"]), message)
        return
    assert fields.get("body", "").strip() or fields.get("media_url"), "an empty message is refused (21602)"
    assert len(fields.get("body", "")) <= BODY
    for number, option in enumerate(message.options, start=1):
        assert f"{number}. {option.label}" in message.text, "what cannot be touched can be typed"


def fits(name: str, found: dict[str, str], message: Outgoing) -> None:
    """The form as it is filled in: nothing empty, nothing too long, and each choice leads where it says."""
    form = GENERIC[name]
    assert found.keys() == form.gaps.keys() and all(found.values()), "what is empty is refused (21656)"
    shown = [
        [FILLED.sub(lambda gap: found[gap[1]], part) for part in (line.title, line.id, line.description)]
        for line in form.lines
    ]
    titles = [title for title, _id, _under in shown]
    assert len(set(titles)) == len(titles)
    assert all(len(title) <= (BUTTON if form.kind == "buttons" else LINE) for title in titles)
    assert all(len(under) <= UNDER_A_LINE for _title, _id, under in shown)
    assert [id for _title, id, _under in shown] == [message.token(at) for at in range(len(message.options))]
    assert all(len(id) <= ID for _title, id, _under in shown)
    assert len(FILLED.sub(lambda gap: found[gap[1]], form.body)) <= BODY_OF_A_FORM
    assert not form.opener or len(FILLED.sub(lambda gap: found[gap[1]], form.opener)) <= BUTTON
