# SPDX-License-Identifier: EUPL-1.2
"""The catalogues are whole, and the check that says so can fail."""

from babel.messages.catalog import Catalog

from tests.check_catalogues import languages, problems, troubles


def test_the_catalogues_are_whole() -> None:
    assert languages() == ["en", "it"]
    assert list(problems()) == []


def test_the_check_sees_what_is_wrong() -> None:
    catalogue = Catalog(locale="it")
    wrong = {
        "a form is empty": catalogue.add("Hello", ""),
        "not the same names in braces": catalogue.add("Hello {name}", "Ciao {nome}"),
        "longer than a button, 20 letters": catalogue.add("Yes", "Sì, certo, molto volentieri", context="button"),
        "say: persone con disabilità": catalogue.add("People", "Persone diversamente abili"),
        "a sentence of 16 words": catalogue.add("Long", "a b c d e f g h i l m n o p q r."),
    }
    for trouble, message in wrong.items():
        assert list(troubles(message, catalogue)) == [trouble]
