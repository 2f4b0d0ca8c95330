# SPDX-License-Identifier: EUPL-1.2
"""Which of the forms that a channel keeps for us a message goes out in: buttons, a list, an approved template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.moments import TEMPLATE, TEMPLATES
from handlers.talk.catalogues import Catalogues
from handlers.talk.forms import GENERIC, OPENER, Described, form_name, values
from handlers.talk.messages import Form, Option, Tap
from handlers.talk.templates import Template, filled, said
from handlers.talk.text import Reader
from storage import Store
from storage.contents import Content
from storage.messages import Message

CHANNEL = "whatsapp"  # the one channel that keeps forms
ENGLISH = Reader()
MADE, APPROVED = "made", "approved"
SIMULATED = "simulated"


@dataclass(frozen=True)
class Templated:
    """A push as a template says it: what goes out, what a person reads, and the choices in the template's order."""

    form: Form
    text: str
    options: list[dict[str, str]]


def form_of(
    store: Store, channel: str, id: int, text: str, options: Sequence[Option], reader: Reader = ENGLISH
) -> Form | None:
    """The form that shows these choices beside the text; None: the numbers in the text must do."""
    name = form_name(options) if channel == CHANNEL else None
    row = kept(store, GENERIC[name]) if name else None
    if row is None or row.status != MADE:
        return None
    variables = values(lambda index: Tap(id, index).token(), text, options, OPENER.render(reader))
    return Form(row.sid, variables) if variables else None


def template_of(
    store: Store, message: Message, catalogues: Catalogues, language: str, *, simulated: bool = False
) -> Templated | None:
    """
    What may be sent to somebody who has not written for a day; None: nothing, until they write.

    What is not approved in their language is said in the desk's own, or else in English.
    """
    known = (message.payload or {}).get("template", {})
    template = TEMPLATE.get(known.get("name", ""))
    if template is None or not _has_its_choices(message, template):
        return None
    for reader in _readers(catalogues, language):
        form = template.described(reader)
        variables = filled(form, known["values"].get(reader.language, {}))
        sid = SIMULATED if simulated else _approved(store, form)
        if variables is not None and sid:
            options = [option.stored() for option in template.options(reader)]
            return Templated(Form(sid, variables, is_template=True), said(form, variables), options)
    return None


def _has_its_choices(message: Message, template: Template) -> bool:
    return [option["id"] for option in message.options or ()] == [choice.id for choice in template.choices]


def _readers(catalogues: Catalogues, language: str) -> list[Reader]:
    """Their language, the desk's, English; each once."""
    readers = (catalogues.reader(one) for one in (language, catalogues.default, "en"))
    return list({reader.language: reader for reader in readers}.values())


def _approved(store: Store, form: Described) -> str | None:
    row = kept(store, form)
    return row.sid if row and row.status == APPROVED else None


# ---- the registry


def plan(catalogues: Catalogues) -> list[Described]:
    """Every form that is wanted: those that are filled in whole, and every template in every language."""
    return [*GENERIC.values(), *wanted_templates(catalogues)]


def wanted_templates(catalogues: Catalogues) -> list[Described]:
    return [template.described(reader) for template in TEMPLATE.values() for reader in catalogues.readers()]


def kept(store: Store, form: Described) -> Content | None:
    """What is known of a form with exactly these words."""
    return store.contents.find(form.name, form.language, form.hash)


def keep(store: Store, form: Described, sid: str, now: datetime) -> None:
    """The channel has made it, once more if it had lost it. A template still needs approval."""
    if before := kept(store, form):
        store.contents.change(before.sid, sid=sid, status=MADE, reason=None, at=now, checked_at=None)
        return
    store.contents.add(
        name=form.name,
        language=form.language,
        hash=form.hash,
        sid=sid,
        category=form.category,
        body=form.body,
        variables=dict(form.gaps),
        status=MADE,
        at=now,
    )


def set_status(store: Store, sid: str, status: str, reason: str | None, now: datetime) -> bool:
    """What the channel says of a form; False if it is none of ours."""
    return store.contents.change(sid, status=status, reason=reason, checked_at=now)


def switched_off(store: Store, sid: str, status: str, reason: str | None, now: datetime) -> bool:
    """The channel did not take it: from now on it is said without it, until somebody looks into it."""
    return set_status(store, sid, status, reason, now)


def unsaid(store: Store, catalogues: Catalogues) -> list[tuple[str, str]]:
    """The moments that cannot be said outside the window for want of an approval, each with the language."""
    lacking = {(form.name, form.language) for form in wanted_templates(catalogues) if not _approved(store, form)}
    return [
        (moment, language)
        for moment, templates in TEMPLATES.items()
        for language in catalogues.languages
        if any((template.name, language) in lacking for template in templates)
    ]
