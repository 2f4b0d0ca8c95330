# SPDX-License-Identifier: EUPL-1.2
"""What this chat never asks about is known when people bring it up."""

import pytest

from handlers.rules.private_matters import matter_in

SAID = {
    "voglio parlare di collocamento mirato": "placement",
    "Sono nella legge 68": "placement",
    "categorie protette": "placement",
    "ci sono posti per disabili?": "placement",
    "people with disabilities": "placement",
    "ho tanti debiti": "money",
    "non ho soldi": "money",
    "serve l’ISEE?": "money",
    "I am in debt": "money",
    "sono uscito dal carcere": "law",
    "ho precedenti penali": "law",
    "I have a criminal record": "law",
    "sono uscito di prigione": "law",
    "cerco lavoro": None,
    "ho una carta di debito": None,
    "cerco lavoro con persone con disabilità": None,
    "ho lavorato in carcere come educatore": None,
    "sono contabile": None,
    "corso di formazione": None,
}


@pytest.mark.parametrize(("said", "matter"), SAID.items())
def test_what_is_private_is_known(said: str, matter: str | None) -> None:
    assert matter_in(said) == matter
