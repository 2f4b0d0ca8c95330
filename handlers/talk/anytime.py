# SPDX-License-Identifier: EUPL-1.2
"""Words that work at any time, in every language, whatever the question."""

import handlers.talk.phrases as phrases
from handlers.talk.catalogues import Catalogues
from handlers.talk.reading import folded
from handlers.talk.text import Text, p_

# The translators write several phrases, parted by commas; a person may write any of them in any language.
ANYTIME: dict[str, Text] = {
    "menu": p_("words", "menu, home, main menu, 0"),
    "help": p_("words", "help, how does it work, what can i do"),
    "stop": p_("words", "stop, unsubscribe, stop messages, no more messages"),
    "stop_offers": p_("words", "stop offers, no offers, no more offers, no new offers"),
    "stop_reminders": p_("words", "stop reminders, no reminders, no more reminders"),
    "start_offers": p_("words", "offers, start offers"),
    "start_reminders": p_("words", "reminders, start reminders"),
    "start": p_("words", "start, start again, restart, hello, hi"),
    "language": p_("words", "language, change language"),
    "person": p_("words", "person, a person, talk to a person, speak to a person, talk to somebody, human, operator"),
    "agenda": p_("words", "agenda, my agenda, my bookings, my appointments"),
    "my_data": p_("words", "my data, my information"),
    "privacy": p_("words", "privacy, privacy notice"),
    "cancel": p_("words", "cancel, forget it, never mind"),
    "thanks": p_("words", "thanks, thank you, thank you very much"),
    "back": p_("words", "back, go back, previous"),
}


def find(text: str, catalogues: Catalogues) -> str | None:
    """Which word this is; only when it stands alone, so that a sentence with "stop" in it is just a sentence."""
    if len(text) > 60:
        return None
    known, said = catalogues.lookup(ANYTIME), folded(text.removeprefix("/").replace("_", " "))
    return known.get(said) or known.get(without_courtesy(said, catalogues)) or ("stop" if said in STOPS else None)


def without_courtesy(said: str, catalogues: Catalogues) -> str:
    """The same words without a please or a thank you at either end."""
    for polite in catalogues.phrases(COURTESY):
        said = said.removeprefix(polite + " ").removesuffix(" " + polite)
    return said


def asks_for_a_person(text: str, catalogues: Catalogues) -> bool:
    """Does a whole sentence ask for a person? Only phrases of several words count: a word alone says too little."""
    asked = tuple(phrase for phrase in catalogues.phrases(ANYTIME["person"]) if " " in phrase)
    return phrases.find(text, [phrases.Entry("person", asked)]) is not None


def language_named(text: str, catalogues: Catalogues) -> str | None:
    """The language whose own name a person wrote, such as English or Italiano."""
    said = folded(text) if len(text) <= 30 else ""
    return catalogues.phrases(LANGUAGE_NAME).get(said) if said else None


NODS = p_("words", "ok, okay, all right, fine, good, yes, no")  # they ask for nothing, and need no answer of their own
COURTESY = p_("words", "please, thanks, thank you")

# Whoever wants us to stop may say so in their own language, whatever we speak. Only words that say nothing else to us:
# not «alto», which is tall in Italian, nor «para», which is for.
STOPS = frozenset(
    folded(phrase)
    for phrase in (
        *("arrêt", "arrêter", "arrête", "arrêtez", "stopper", "désabonner", "me désabonner", "plus de messages"),  # fr
        *("parar", "basta ya", "no más mensajes", "no me escribas más", "darme de baja", "cancelar suscripción"),  # es
        *("parem", "chega", "não me escrevas mais", "cancelar inscrição"),  # pt
        *("stopp", "abmelden", "keine nachrichten mehr"),  # de
        *("oprește", "oprește-te", "opriți", "dezabonare", "nu-mi mai scrie"),  # ro
        *("ndalo", "ndal", "mjaft", "mos më shkruaj më"),  # sq
        *("стоп", "досить", "зупинити", "зупинись", "відписатися", "не пиши мені"),  # uk
        *("хватит", "остановись", "отписаться", "не пиши мне"),  # ru
        *("قف", "توقف", "أوقف", "إيقاف", "كفى", "إلغاء الاشتراك", "لا تراسلني"),  # ar
        *("رک جاؤ", "روک دو", "بند کرو", "بند کریں"),  # ur
        *("থামুন", "থামো", "বন্ধ", "বন্ধ করুন"),  # bn
        *("रुको", "बंद करो", "ਬੰਦ ਕਰੋ"),  # hi, pa
        *("停", "停止", "退订", "取消订阅", "别再发了"),  # zh
        *("tigil", "itigil"),  # tl
    )
)
LANGUAGE_NAME = p_("the name of this language, in this language", "English")
