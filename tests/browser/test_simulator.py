# SPDX-License-Identifier: EUPL-1.2
"""The simulator's page as people use it: with a finger, with a keyboard, and when things go wrong."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from tests.browser.demo import Demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

pytestmark = pytest.mark.browser

WIDTHS = {390: 844, 1280: 800}
MARKUP = "<b>x</b><script>document.title='owned'</script>"
POSTS = "**/simulator/messages"
NAMES = count(1)
NOT_BUILT = "/static/vendor/"  # the fonts, where the console's files were left out of the installation
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective, event.blockedURI));
"""


@dataclass
class Phone:
    """A page in somebody's hands, and everything it did that it should not have."""

    page: "Page"
    url: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, **who: str) -> "Phone":
        self.page.goto(f"{self.url}/simulator?{urlencode(who)}")
        self.page.wait_for_selector("#log[aria-busy=false]")
        return self

    def takes(self, channel: str) -> None:
        """Another channel is another phone: nothing is sent before it shows what was said on it."""
        self.page.get_by_label(channel).check()
        self.page.wait_for_selector("#log[aria-busy=false]")

    def say(self, words: str) -> str:
        self.box.fill(words)
        return self.answer_to(lambda: self.box.press("Enter"))

    def tap(self, label: str) -> str:
        """Touch the newest button with these words."""
        return self.answer_to(self.page.get_by_role("button", name=label, exact=True).last.click)

    def tap_first(self) -> str:
        """Touch the first of the newest choices, whatever it says."""
        return self.answer_to(self.theirs.last.locator(".choice").first.click)

    def answer_to(self, act: Callable[[], None]) -> str:
        """The words of everything that comes back."""
        before = self.theirs.count()
        with self.page.expect_response(lambda one: one.request.method == "POST"):
            act()
        self.page.wait_for_function("before => document.querySelectorAll('.theirs').length > before", arg=before)
        return "\n".join(self.theirs.all_inner_texts()[before:])

    @property
    def box(self) -> "Locator":
        return self.page.locator("#words")

    @property
    def theirs(self) -> "Locator":
        return self.page.locator(".theirs")

    @property
    def ours(self) -> "Locator":
        return self.page.locator(".ours .text")

    @property
    def trouble(self) -> "Locator":
        return self.page.get_by_role("alert")

    def everything(self) -> list[str]:
        return self.page.locator(".bubble .text").all_inner_texts()

    def is_sound(self) -> None:
        """Nothing slid out sideways, nothing was complained about, nobody else was asked for anything."""
        wide = "e => e.scrollWidth > e.clientWidth"
        assert not self.page.locator("html").evaluate(wide), "the page scrolls sideways"
        assert not self.page.locator("#log").evaluate(wide), "the conversation scrolls sideways"
        assert self.page.evaluate("violations") == []
        assert self.complaints == []
        assert self.hosts == {urlsplit(self.url).netloc}


@pytest.fixture(scope="module")
def contexts(browser: "Browser") -> "Callable[[str], BrowserContext]":
    """One for each language of a browser; the page keeps nothing in it, so tests can share it."""

    @functools.cache
    def context(locale: str) -> "BrowserContext":
        made = browser.new_context(locale=locale)
        made.add_init_script(WATCH)
        made.set_default_timeout(30_000)
        return made

    return context


@pytest.fixture
def phones(contexts: "Callable[[str], BrowserContext]", demo: Demo) -> "Iterator[Callable[..., Phone]]":
    """Phones of a given width and language."""
    made = []

    def another(width: int = 390, locale: str = "it-IT") -> Phone:
        phone = Phone(contexts(locale).new_page(), demo.url)
        made.append(phone)
        phone.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        phone.page.on("console", lambda one: complain(phone, one.type, one.text, one.location["url"]))
        phone.page.on("pageerror", lambda error: phone.complaints.append(str(error)))
        phone.page.on("request", lambda request: phone.hosts.add(urlsplit(request.url).netloc))
        return phone

    yield another
    for phone in made:
        phone.page.close()


@pytest.fixture
def phone(phones: "Callable[..., Phone]") -> Phone:
    """A new Italian phone on Telegram, whose owner has not written yet."""
    return phones().open(**{"from": somebody()})


def complain(phone: Phone, kind: str, words: str, url: str) -> None:
    if kind in ("error", "warning") and NOT_BUILT not in url:
        phone.complaints.append(f"{words} {url}")


def somebody() -> str:
    return f"somebody-{next(NAMES)}"


# ---- the whole way to a booked place


@pytest.mark.parametrize("width", WIDTHS)
def test_a_place_is_booked_in_italian_on_telegram(phones: "Callable[..., Phone]", width: int) -> None:
    phone = phones(width).open(**{"from": somebody()})
    assert "Questo è un simulatore." in phone.page.inner_text("main")
    assert "Sono un programma" in phone.say("ciao")
    phone.tap("Orientamento")
    card = phone.tap_first()
    assert "Quando:" in card
    link = phone.page.locator(".theirs a").first
    assert (link.get_attribute("href") or "").startswith("https://www.openstreetmap.org/")
    assert link.get_attribute("rel") == "noopener noreferrer"
    phone.tap("Sì")
    for answer in ("1987", "Anna", "Bologna", "pulizie"):
        phone.say(answer)
    phone.tap("Così così")
    phone.tap("Sì")
    assert "Iscrizione fatta" in phone.tap("No")
    assert "Anna, il tuo posto c’è" in phone.tap("Sì")
    comes_back(phone)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_place_is_booked_in_english_on_whatsapp(phones: "Callable[..., Phone]", width: int) -> None:
    phone = phones(width, "en-GB").open(lang="en", **{"from": somebody()})
    assert "This is a simulator." in phone.page.inner_text("main")
    phone.takes("WhatsApp")
    assert "I am a program" in phone.say("hello")
    phone.say("2")
    phone.say("1")
    phone.tap("Yes")
    for answer in ("1987", "Sam", "Bologna", "cook", "2"):
        phone.say(answer)
    phone.tap("Yes")
    phone.tap("No")
    assert "Sam, your place is booked" in phone.tap("Yes")
    comes_back(phone)


def comes_back(phone: Phone) -> None:
    """After a reload the conversation is all there, both sides of it, in the same order; and it goes on."""
    before = phone.everything()
    phone.page.reload()
    phone.page.wait_for_selector("#log[aria-busy=false]")
    assert phone.everything() == before
    assert phone.say("menu")
    phone.is_sound()


# ---- words are words


def test_markup_stays_text(phones: "Callable[..., Phone]") -> None:
    phone = phones().open(**{"from": MARKUP})
    assert phone.page.locator("#who").input_value() == MARKUP
    phone.say(MARKUP)
    phone.page.reload()
    phone.ours.first.wait_for()
    assert phone.ours.first.inner_text() == MARKUP
    assert phone.page.locator("main b, main script").count() == 0
    assert phone.page.title() == "Sportello: prova la chat"
    phone.is_sound()


def test_only_https_becomes_a_link(phone: Phone) -> None:
    words = "Ecco: https://example.org/a?b=c. Non javascript:alert(1), non http://example.org, non https:// da solo."
    answers_with(phone, words)
    phone.say("ciao")
    assert phone.theirs.locator("a").evaluate_all("all => all.map(one => one.href)") == ["https://example.org/a?b=c"]
    assert phone.theirs.last.inner_text() == words


def answers_with(phone: Phone, words: str) -> None:
    body = {"messages": [{"id": 10**6, "text": words, "options": []}], "language": "it"}
    phone.page.route(POSTS, lambda route: route.fulfill(json=body))


def test_lines_and_long_words_are_kept(phone: Phone) -> None:
    phone.say("una  riga, due spazi " + "x" * 400)
    assert phone.ours.last.evaluate("e => getComputedStyle(e).whiteSpace") == "pre-wrap"
    assert "due spazi" in phone.ours.last.inner_text()
    phone.is_sound()


# ---- sending


def test_nothing_is_not_sent(phone: Phone) -> None:
    for words in ("", "   "):
        phone.box.fill(words)
        phone.box.press("Enter")
        phone.page.get_by_role("button", name="Invia").click()
    assert phone.ours.count() == 0


def test_a_photo_a_voice_a_place(phone: Phone) -> None:
    phone.say("ciao")
    assert "immagini" in phone.tap("Foto")
    assert "messaggio vocale" in phone.tap("Voce")
    assert "mappa" in phone.tap("Luogo")
    phone.page.reload()
    phone.ours.nth(3).wait_for()
    assert phone.ours.all_inner_texts() == ["ciao", "Foto", "Voce", "Luogo"]


def test_an_old_button_can_still_be_tapped(phone: Phone) -> None:
    phone.say("ciao")
    phone.tap("Orientamento")
    phone.tap_first()
    assert "un messaggio di prima" in phone.tap("Orientamento")


def test_another_name_is_somebody_else_and_the_first_comes_back(phone: Phone) -> None:
    first = phone.page.locator("#who").input_value()
    phone.say("ciao")
    rename(phone, somebody())
    assert phone.everything() == []
    assert "Scrivi «ciao»" in phone.page.inner_text("#log")
    rename(phone, first)
    assert phone.ours.first.inner_text() == "ciao"
    phone.takes("WhatsApp")
    phone.page.wait_for_selector(".empty")
    phone.is_sound()


def rename(phone: Phone, name: str) -> None:
    phone.page.locator("#who").fill(name)
    with phone.page.expect_response("**/simulator/conversation?*"):
        phone.page.locator("#who").press("Enter")
    phone.page.wait_for_selector("#log[aria-busy=false]")


def test_what_arrives_by_itself_is_shown(phone: Phone) -> None:
    phone.say("ciao")
    name = phone.page.locator("#who").input_value()
    before = phone.theirs.count()
    elsewhere = {"channel": "telegram", "from": name, "text": "0"}
    phone.page.request.post(f"{phone.url}/simulator/messages", data=elsewhere)
    phone.theirs.nth(before).wait_for()
    with phone.page.expect_response("**/simulator/messages?*"):
        pass  # the page looks once more
    assert phone.theirs.count() == before + 1, "and shown once"


# ---- when the server does not answer


def test_what_was_typed_is_kept(phone: Phone) -> None:
    phone.say("ciao")
    phone.page.route(POSTS, lambda route: route.abort())
    phone.box.fill("cerco lavoro")
    phone.box.press("Enter")
    phone.trouble.wait_for()
    assert "ancora nella casella" in phone.trouble.inner_text()
    assert phone.box.input_value() == "cerco lavoro"
    assert phone.ours.all_inner_texts() == ["ciao"]
    phone.page.unroute(POSTS)
    phone.answer_to(lambda: phone.box.press("Enter"))
    assert phone.box.input_value() == "" and phone.trouble.count() == 0


def test_what_had_arrived_after_all_is_not_said_twice(phone: Phone) -> None:
    phone.page.route(POSTS, lambda route: (route.fetch(), route.abort()))
    phone.box.fill("ciao")
    phone.box.press("Enter")
    phone.trouble.wait_for()
    phone.page.unroute(POSTS)
    phone.box.press("Enter")
    phone.trouble.wait_for(state="hidden")
    phone.page.reload()
    phone.ours.first.wait_for()
    assert phone.ours.all_inner_texts() == ["ciao"]


def test_each_trouble_has_its_sentence(phone: Phone) -> None:
    known = {503: "non riesce a lavorare", 504: "non arriva", 413: "troppo lungo", 500: "non risponde"}
    for status, words in known.items():
        fails_with(phone, status)
        phone.trouble.filter(has_text=words).wait_for()
        assert phone.box.input_value() == "ciao"


def fails_with(phone: Phone, status: int) -> None:
    phone.page.route(POSTS, lambda route: route.fulfill(status=status, json={}))
    phone.box.fill("ciao")
    phone.box.press("Enter")


def test_a_slow_answer_is_announced(phone: Phone) -> None:
    held: list[Route] = []
    phone.page.route(POSTS, lambda route: held.append(route))
    phone.box.fill("ciao")
    phone.box.press("Enter")
    phone.page.get_by_text("Sportello sta scrivendo…").wait_for()
    phone.box.fill("e poi")
    phone.box.press("Enter")
    assert phone.box.input_value() == "e poi", "one at a time; nothing typed is lost"
    held[0].continue_()
    phone.theirs.first.wait_for()
    assert phone.page.inner_text("#typing") == ""


def test_a_server_that_was_away_at_first_is_found(phones: "Callable[..., Phone]") -> None:
    phone = phones()
    phone.page.route("**/simulator/conversation?*", lambda route: route.abort(), times=1)
    phone.open(**{"from": somebody()})
    assert "non risponde" in phone.trouble.inner_text()
    phone.trouble.wait_for(state="hidden")
    assert phone.say("ciao")


def test_without_its_colours_it_still_works(phones: "Callable[..., Phone]") -> None:
    phone = phones()
    phone.page.route("**/*.css", lambda route: route.abort())
    phone.open(**{"from": somebody()})
    assert "Sono un programma" in phone.say("ciao")


# ---- for everybody


def test_with_the_keyboard_alone(phone: Phone) -> None:
    page = phone.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Vai alla casella per scrivere"
    page.keyboard.press("Enter")
    page.keyboard.type("ciao")
    phone.answer_to(lambda: page.keyboard.press("Enter"))
    assert focus_reaches(phone, "Orientamento", "Shift+Tab")
    assert "Quale ti interessa" in phone.answer_to(lambda: page.keyboard.press("Space"))
    for name in ("Invia", "Foto", "Voce", "Luogo"):
        assert focus_reaches(phone, name, "Tab"), name
    page.reload()
    for name in ("English", "who", "telegram", "log", "words"):
        assert focus_reaches(phone, name, "Tab"), name
    phone.is_sound()


def focus_reaches(phone: Phone, name: str, key: str) -> bool:
    """Walk until the focus is on something of this name; wherever it passes, it can be seen."""
    for _step in range(40):
        phone.page.keyboard.press(key)
        names, outline = phone.page.evaluate(
            "(e => [[e.textContent, e.id, e.value], getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        assert outline != "none", names
        if name in names:
            return True
    return False


@pytest.mark.parametrize(
    ("width", "channel", "language"),
    [(390, "telegram", "it"), (390, "whatsapp", "en"), (1280, "telegram", "en"), (1280, "whatsapp", "it")],
)
def test_everybody_can_read_it(phones: "Callable[..., Phone]", width: int, channel: str, language: str) -> None:
    phone = phones(width).open(lang=language, channel=channel, **{"from": somebody()})
    phone.say("ciao" if language == "it" else "hello")
    phone.say("2")
    phone.say("1")
    fails_with(phone, 503)
    phone.trouble.wait_for()  # it must be readable, too
    assert phone.page.get_attribute("html", "lang") == language
    assert phone.theirs.first.get_attribute("lang") == language
    assert phone.page.evaluate("document.compatMode") == "CSS1Compat"
    assert phone.page.locator("h1").count() == 1
    assert phone.page.locator("[role=log][aria-live=polite][aria-label]").count() == 1
    assert unnamed(phone) == []
    assert too_faint(phone) == []


def unnamed(phone: Phone) -> list[str]:
    """What can be used but has no name that a screen reader could say."""
    found: list[str] = phone.page.evaluate("""() =>
      [...document.querySelectorAll("input, button, a, fieldset, section")].filter((one) =>
        !(one.labels?.[0]?.textContent || one.querySelector("legend")?.textContent || one.ariaLabel ||
          document.getElementById(one.getAttribute("aria-labelledby"))?.textContent ||
          (one.matches("button, a") && one.textContent)
        )?.trim()).map((one) => one.outerHTML)""")
    return found


def too_faint(phone: Phone) -> list[str]:
    """Words with less than 4.5:1 to what is behind them, and edges of fields and buttons with less than 3:1."""
    found = phone.page.evaluate("""() => {
      const style = (one) => getComputedStyle(one);
      const isClear = (one) => style(one).backgroundColor.endsWith(", 0)");
      const behind = (one) => isClear(one) ? behind(one.parentElement) : style(one).backgroundColor;
      const all = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility());
      const words = all.filter((one) => [...one.childNodes].some((part) => part.nodeType === 3 && part.data.trim()));
      const edged = all.filter((one) => one.matches("input:not([type=radio]), button:not(.send)"));
      return [...words.map((one) => [one.textContent, style(one).color, behind(one), 4.5]),
              ...edged.map((one) => [one.outerHTML, style(one).borderTopColor, behind(one.parentElement), 3])];
    }""")
    assert len(found) > 20
    return [f"{name!r}: {front} on {back}" for name, front, back, least in found if contrast(front, back) < least]


def contrast(front: str, back: str) -> float:
    """The ratio of WCAG 2.1, between two colours as CSS writes them."""
    light, dark = sorted((luminance(front), luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(118, 118, 118)", "rgb(255, 255, 255)") == pytest.approx(4.54, abs=0.01)


def test_both_languages_say_the_same_things(phone: Phone) -> None:
    said = phone.page.evaluate("SENTENCES")
    assert set(said) == {"it", "en"}
    assert set(said["it"]) == set(said["en"])
    assert all(words.strip() for sentences in said.values() for words in sentences.values())
    used = phone.page.locator("[data-words]").evaluate_all("all => all.map(one => one.dataset.words)")
    assert set(used) <= set(said["it"])


@pytest.mark.parametrize(("locale", "language"), [("it-IT", "it"), ("en-US", "en"), ("de-DE", "it")])
def test_the_page_speaks_as_the_browser_does(phones: "Callable[..., Phone]", locale: str, language: str) -> None:
    phone = phones(1280, locale).open()
    assert phone.page.get_attribute("html", "lang") == language
    name = phone.page.locator("#who").input_value()
    assert name, "nobody has to think of a name"
    phone.page.locator("#other-language").click()
    phone.page.wait_for_selector("#log[aria-busy=false]")
    assert phone.page.get_attribute("html", "lang") == ("en" if language == "it" else "it")
    assert phone.page.locator("#who").input_value() == name, "and it stays"
