# SPDX-License-Identifier: EUPL-1.2
"""A cry for help is heard, in Italian and in English; nothing else is taken for one."""

import pytest

from handlers.rules.cries import cry_in

DANGER = (
    "voglio morire",
    "Non ce la faccio più, voglio MORIRE",
    "vorrei morire",
    "penso di uccidermi",
    "mi ammazzo",
    "ho pensato al suicidio",
    "voglio farla finita",
    "non voglio più vivere",
    "voglio farmi del male",
    "voglio togliermi la vita",
    "mi voglio ammazzare",
    "mi sto uccidendo",
    "mi ammazzo con le pastiglie",
    "vorrei essere morta",
    "non ha senso vivere",
    "non ce la faccio più a vivere",
    "i want die",
    "I want to die",
    "I want to kill myself",
    "I don’t want to live any more",
    "I feel suicidal",
    "thinking about suicide",
    "I am going to hurt myself",
)
VIOLENCE = (
    "mio marito mi picchia",
    "il mio ex mi perseguita",
    "mi ha minacciata",
    "sono stata violentata",
    "subisco violenza",
    "ho paura di mio marito",
    "mi vuole uccidere",
    "mi ha messo le mani addosso",
    "mio marito picchia me e i bambini",
    "mio marito mi dà le botte",
    "mi ha dato un pugno",
    "ho paura mio marito",
    "my husband beats me",
    "he hit me last night",
    "I was raped",
    "he threatens me",
    "I am a victim of domestic violence",
    "I am scared of my husband",
    "he wants to kill me",
)
NEITHER = (
    "voglio morire dal ridere",
    "muoio di fame",
    "mi ammazzo di lavoro",
    "sono stanca di vivere con mia suocera",
    "mi butto giù facilmente",
    "il capo mi minaccia di licenziarmi",
    "ho un lavoro che mi uccide",
    "non voglio più vivere a Bologna con mia zia",
    "lavoro in un centro antiviolenza",
    "corso contro la violenza di genere",
    "mi piace picchiettare",
    "mi chiamo Uccio",
    "voglio lavorare",
    "vorrei finirla presto, ho un treno",
    "I am dying to start",
    "it is to die for",
    "I would die for this job",
    "I hit the button twice",
    "he beat me to the job",
    "kill time",
    "cerco lavoro a Vivere",
)


@pytest.mark.parametrize("said", DANGER)
def test_who_does_not_want_to_live_is_heard(said: str) -> None:
    assert cry_in(said) == "danger"


@pytest.mark.parametrize("said", VIOLENCE)
def test_who_is_hurt_or_threatened_is_heard(said: str) -> None:
    assert cry_in(said) == "violence"


@pytest.mark.parametrize("said", NEITHER)
def test_nothing_else_is_taken_for_it(said: str) -> None:
    assert cry_in(said) is None
