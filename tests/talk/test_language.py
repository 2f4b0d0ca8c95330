# SPDX-License-Identifier: EUPL-1.2
"""Which language to answer in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.talk.language import guess

ALL = ("it", "en", "ro", "es", "fr", "ar", "uk", "zh", "ur")
TWO = ("it", "en")


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        # what is written counts before the phone
        ("hello", "it-IT", "en"),
        ("Hello!", "it", "en"),
        ("ciao", "en-US", "it"),
        ("CIAO 👋", "en", "it"),
        ("buongiorno", "ro", "it"),
        ("Ciao, hello", "it", "it"),
        ("Buonasera, ho perso il lavoro", None, "it"),
        ("ho perso il lavoro", "en", "it"),
        ("I lost my job", "it-IT", "en"),
        ("can you help me", None, "en"),
        ("bună ziua", "it", "ro"),
        ("hola", None, "es"),
        ("busco trabajo", "it-IT", "es"),
        ("bonjour", "it-IT", "fr"),
        ("je cherche du travail", None, "fr"),
        ("привіт", None, "uk"),
        ("Добрий день", "it", "uk"),
        ("я шукаю роботу", "it", "uk"),
        ("مرحبا", "it-IT", "ar"),
        ("أهلا", None, "ar"),
        ("السلام عليكم", None, "ar"),
        ("السلام علیکم", None, "ur"),
        ("مجھے کام چاہیے", "it", "ur"),
        ("你好", "it", "zh"),
        # nothing to tell by: the phone decides
        ("Bologna", "it-IT", "it"),
        ("ok", "en", "en"),
        ("no", "it", "it"),
        ("job club", "it-IT", "it"),
        ("work design", "it", "it"),
        ("/start", "en-GB", "en"),
        ("/start", "EN_us", "en"),
        ("1", "ro-RO", "ro"),
        ("", "fr", "fr"),
        # two languages share it
        ("salut", "fr-FR", "fr"),
        ("salut", "ro", "ro"),
        ("salut", None, None),
        ("salut", "it", None),
        # languages we do not speak
        ("привет", "it-IT", "it"),
        ("Здравствуйте, мне нужна работа", "it", "it"),
        ("こんにちは", None, None),
        ("Guten Tag", "de-DE", None),
        ("/start", None, None),
        ("", None, None),
        ("", "", None),
    ],
)
def test_a_language_is_guessed_from_words_then_from_the_phone(
    text: str, hint: str | None, language: str | None
) -> None:
    assert guess(text, hint, ALL) == language


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("hola", None, None),
        ("hola", "it-IT", "it"),
        ("مرحبا", "en", "en"),
        ("你好", "zh-CN", None),
        ("salut", "ro", None),
    ],
)
def test_only_a_language_we_speak_is_ever_answered(text: str, hint: str | None, language: str | None) -> None:
    assert guess(text, hint, TWO) == language


@given(st.text(), st.one_of(st.none(), st.text()))
def test_any_text_and_any_hint_give_a_known_language_or_none(text: str, hint: str | None) -> None:
    assert guess(text, hint, TWO) in (*TWO, None)
