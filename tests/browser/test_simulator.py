# SPDX-License-Identifier: EUPL-1.2
"""The simulator's page as people use it: with a finger, with a keyboard, and when things go wrong."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from handlers.talk.text import ROME
from tests.browser.demo import Demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

pytestmark = pytest.mark.browser

WIDTHS = {320: 640, 390: 844, 1280: 800}
MARKUP = "<b>x</b><script>document.title='owned'</script>"
POSTS = "**/simulator/messages"
EVENTS = "**/simulator/events?*"
NAMES = count(1)
NOT_BUILT = "/static/vendor/"  # the fonts, where the console's files were left out of the installation
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective, event.blockedURI));
"""
WORDS = {
    "it": {
        "hello": "ciao",
        "up": "Iscriviti",
        "level": "Così così",
        "yes": "Sì",
        "no": "No",
        "signed": "Iscrizione fatta",
        "training": "Formazione",
        "booked": "il tuo posto c’è",
        "agenda": "I miei impegni",
        "coming": "Vengo",
        "expected": "ti aspettiamo",
    },
    "en": {
        "hello": "hello",
        "up": "Sign up",
        "level": "So so",
        "yes": "Yes",
        "no": "No",
        "signed": "You are signed up",
        "training": "Training",
        "booked": "your place is booked",
        "agenda": "My agenda",
        "coming": "I'm coming",
        "expected": "we expect you",
    },
}


@dataclass
class Phone:
    """One of the two phones of a page in somebody's hands, and everything the page did that it should not have."""

    page: "Page"
    url: str
    channel: str = "telegram"
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, **who: str) -> "Phone":
        self.page.goto(f"{self.url}/simulator?{urlencode({'channel': self.channel} | who)}")
        self.is_ready()
        return self

    def is_ready(self) -> None:
        self.page.wait_for_selector(f".phone.{self.channel} .log[aria-busy=false]")

    def takes(self, channel: str) -> None:
        """Use the other phone; where the page is narrow, it has to be brought out first."""
        self.channel = channel
        choice = self.page.locator(f"[name=channel][value={channel}]")
        if choice.is_visible():
            choice.check()
        self.is_ready()

    def say(self, words: str) -> str:
        self.box.fill(words)
        return self.answer_to(lambda: self.box.press("Enter"))

    def tap(self, label: str) -> str:
        """Touch the newest button with these words, or the line of the newest list."""
        button = self.theirs.last.get_by_role("button", name=label, exact=True)
        if button.count():
            return self.answer_to(button.click)
        self.theirs.locator(".list").last.click()
        return self.answer_to(self.sheet.locator(".row-choice").filter(has_text=label).first.click)

    def tap_first(self) -> str:
        """Touch the first of the newest choices, whatever it says."""
        if self.theirs.last.locator(".list").count():
            self.theirs.last.locator(".list").click()
            return self.answer_to(self.sheet.locator(".row-choice").first.click)
        return self.answer_to(self.theirs.last.locator(".choice").first.click)

    def answer_to(self, act: Callable[[], None]) -> str:
        """The words of everything that comes back."""
        before = self.theirs.count()
        with self.page.expect_response(lambda one: one.request.method == "POST" and one.ok) as found:
            act()
        self.shows(before + len(found.value.json()["messages"]))
        return "\n".join(self.theirs.all_inner_texts()[before:])

    def shows(self, bubbles: int) -> None:
        """Wait for so many bubbles of theirs."""
        there = "([channel, many]) => document.querySelectorAll(`.${channel} .theirs`).length >= many"
        self.page.wait_for_function(there, arg=[self.channel, bubbles])

    def moves_the_clock(self, choice: str) -> None:
        with self.page.expect_response("**/simulator/clock?*") as found:
            self.page.locator(f"[data-choose={choice}]").click()
        assert found.value.ok, found.value.text()
        self.page.wait_for_function("words => document.querySelector('#now').textContent == words", arg=said(found))

    @property
    def root(self) -> "Locator":
        return self.page.locator(f".phone.{self.channel}")

    @property
    def box(self) -> "Locator":
        return self.root.locator(".words")

    @property
    def log(self) -> "Locator":
        return self.root.locator(".log")

    @property
    def sheet(self) -> "Locator":
        return self.root.locator("dialog")

    @property
    def theirs(self) -> "Locator":
        return self.root.locator(".theirs")

    @property
    def ours(self) -> "Locator":
        return self.root.locator(".ours .text")

    @property
    def trouble(self) -> "Locator":
        return self.root.get_by_role("alert")

    def everything(self) -> list[str]:
        return self.root.locator(".bubble .text").all_inner_texts()

    def is_sound(self) -> None:
        """Nothing slid out sideways, nothing was complained about, nobody else was asked for anything."""
        wide = "e => e.scrollWidth > e.clientWidth"
        assert not self.page.locator("html").evaluate(wide), "the page scrolls sideways"
        assert not self.log.evaluate(wide), "the conversation scrolls sideways"
        assert self.page.evaluate("violations") == []
        assert self.complaints == []
        assert self.hosts == {urlsplit(self.url).netloc}

    def is_open_to_everybody(self) -> None:
        """Nothing that axe-core finds moderate, serious or critical."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        parts = [(one["id"], node["html"]) for one in found if one["impact"] != "minor" for node in one["nodes"]]
        assert parts == []


def said(found: Any) -> str:
    return str(found.value.json()["words"])


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

    def another(width: int = 390, locale: str = "it-IT", channel: str = "telegram") -> Phone:
        phone = Phone(contexts(locale).new_page(), demo.url, channel)
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


# ---- the whole journey, from hello to «I'm coming»


@pytest.mark.parametrize(("width", "language"), [(390, "it"), (1280, "en")])
def test_the_whole_journey_on_both_phones(phones: "Callable[..., Phone]", width: int, language: str) -> None:
    phone, words = phones(width).open(lang=language, **{"from": somebody()}), WORDS[language]
    phone.is_open_to_everybody()
    a_week_later(phone)
    for channel in ("telegram", "whatsapp"):
        phone.takes(channel)
        signs_up_and_books(phone, words)
    next_words = phone.page.locator("#next").inner_text()
    assert "reminder_24h" in next_words and "WhatsApp" in next_words
    until_reminded(phone)
    for channel in ("telegram", "whatsapp"):
        phone.takes(channel)
        reminder(phone, words["coming"]).wait_for()
        assert words["expected"] in phone.answer_to(reminder(phone, words["coming"]).click)
    label = phone.theirs.filter(has=phone.page.get_by_role("button", name=words["coming"])).locator(".template")
    assert "reminder_24h" in label.last.inner_text(), "a day after the last word only a template arrives"
    phone.is_sound()
    phone.is_open_to_everybody()
    comes_back(phone)


def signs_up_and_books(phone: Phone, words: dict[str, str]) -> None:
    phone.say(words["hello"])
    phone.tap(words["up"])
    for answer in ("1987", "Anna", "Bologna", "pulizie"):
        phone.say(answer)
    phone.tap(words["level"])
    phone.tap(words["yes"])
    assert words["signed"] in phone.tap(words["no"])
    phone.tap(words["training"])
    phone.tap_first()
    assert words["booked"] in phone.tap(words["yes"])
    phone.say("menu")
    assert phone.tap(words["agenda"])


def a_week_later(phone: Phone) -> None:
    """Past what another journey has booked, and well before the next workshop."""
    goes_to(phone, datetime.fromisoformat(phone.page.locator("#moment").input_value()) + timedelta(days=8))


def until_reminded(phone: Phone) -> None:
    """To the hour at which both reminders are due, which the page itself has told."""
    due = phone.page.locator("#next li").filter(has_text="reminder_24h").last.locator("time")
    goes_to(phone, datetime.fromisoformat(due.get_attribute("datetime") or "").astimezone(ROME))


def goes_to(phone: Phone, at: datetime) -> None:
    phone.page.locator("#moment").fill(f"{at:%Y-%m-%dT%H:%M}")
    with phone.page.expect_response("**/simulator/clock?*") as found:
        phone.page.locator("#to button").click()
    assert found.value.ok, found.value.text()


def reminder(phone: Phone, coming: str) -> "Locator":
    return phone.theirs.get_by_role("button", name=coming, exact=True).last


def comes_back(phone: Phone) -> None:
    """After a reload the conversation is all there, both sides of it, in the same order; and it goes on."""
    before = phone.everything()
    phone.page.reload()
    phone.is_ready()
    assert phone.everything() == before
    assert phone.say("menu")
    phone.is_sound()


# ---- each app in its own way


def test_whatsapp_opens_a_list_where_telegram_has_a_keyboard(phones: "Callable[..., Phone]") -> None:
    phone = phones(1280).open(**{"from": somebody()})
    phone.say("ciao")
    assert phone.theirs.last.get_by_role("button").count() > 3
    phone.takes("whatsapp")
    assert phone.root.locator(".window").inner_text() == "Finché non scrivi tu, non può scriverti nessuno"
    phone.say("ciao")
    assert "fino a" in phone.root.locator(".window").inner_text()
    opener = phone.theirs.last.get_by_role("button")
    assert opener.count() == 1
    opener.click()
    assert phone.sheet.is_visible()
    assert phone.page.evaluate("document.activeElement.className") == "row-choice"
    phone.is_open_to_everybody()
    phone.page.keyboard.press("Escape")
    assert phone.sheet.is_hidden()
    assert phone.page.evaluate("document.activeElement.textContent") == "Scelte", "the focus is back where it was"


def test_a_photo_a_voice_a_place(phone: Phone) -> None:
    phone.say("ciao")
    for kind in ("Foto", "Voce", "Luogo"):
        assert phone.answer_to(phone.root.get_by_role("button", name=kind, exact=True).click)
    phone.page.reload()
    phone.ours.nth(3).wait_for()
    assert phone.ours.all_inner_texts() == ["ciao", "Foto", "Voce", "Luogo"]
    assert phone.root.locator(".ours .drawing").count() == 3


def test_an_old_button_can_still_be_tapped(phone: Phone) -> None:
    phone.say("ciao")
    old = phone.root.get_by_role("button", name="Formazione", exact=True).first
    phone.tap("Formazione")
    phone.tap_first()
    assert "un messaggio di prima" in phone.answer_to(old.click)


# ---- who one is


def test_another_name_is_somebody_else_and_the_first_comes_back(phone: Phone) -> None:
    first = phone.page.locator("#who").input_value()
    phone.say("ciao")
    rename(phone, somebody())
    assert phone.everything() == []
    assert "Scrivi «ciao»" in phone.log.inner_text()
    rename(phone, first)
    assert phone.ours.first.inner_text() == "ciao"
    phone.takes("whatsapp")
    phone.root.locator(".empty").wait_for()
    phone.is_sound()


def rename(phone: Phone, name: str) -> None:
    phone.page.locator("#who").fill(name)
    with phone.page.expect_request(EVENTS):
        phone.page.locator("#who").press("Enter")
    phone.is_ready()


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
def test_what_a_link_brings_along_is_sent_once(phones: "Callable[..., Phone]", channel: str) -> None:
    phone = phones(channel=channel).open(**{"from": somebody(), "channel": channel, "start": "in_nobody-hung_this"})
    phone.shows(2)
    assert "start=" not in phone.page.url
    phone.page.reload()
    phone.is_ready()
    assert phone.ours.count() == 1
    phone.is_sound()


def test_one_can_be_an_invented_person(phones: "Callable[..., Phone]") -> None:
    phone = phones(1280, channel="whatsapp").open(**{"from": somebody()})
    invented = phone.page.locator("#people option[value='demo:j01']")
    invented.wait_for(state="attached")
    assert invented.inner_text() == "Amina (demo) · WhatsApp · francese"
    phone.page.locator("#people").select_option("demo:j01")
    assert phone.page.locator("#name").is_hidden()
    phone.page.locator("#person button").click()
    phone.is_ready()
    assert "from=demo%3Aj01" in phone.page.url
    assert phone.say("ciao")
    assert "registration" not in phone.page.locator("#behind-whatsapp").inner_text()


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
    made = """words => import("/simulator/static/dom.js").then(({ linked }) => {
      const shown = linked("text", words);
      return [shown.textContent, [...shown.querySelectorAll("a")].map((one) => [one.href, one.rel])];
    })"""
    assert phone.page.evaluate(made, words) == [words, [["https://example.org/a?b=c", "noopener noreferrer"]]]


def test_lines_and_long_words_are_kept_and_nothing_is_not_sent(phone: Phone) -> None:
    for words in ("", "   "):
        phone.box.fill(words)
        phone.root.get_by_role("button", name="Invia").click()
    assert phone.ours.count() == 0
    phone.say("una  riga, due spazi " + "x" * 400)
    assert phone.ours.last.evaluate("e => getComputedStyle(e).whiteSpace") == "pre-wrap"
    assert "due spazi" in phone.ours.last.inner_text()
    phone.is_sound()


# ---- news


def test_what_arrives_by_itself_is_shown_once(phone: Phone) -> None:
    phone.say("ciao")
    before = phone.theirs.count()
    elsewhere(phone)
    phone.shows(before + 1)
    assert phone.theirs.count() == before + 1
    assert phone.ours.all_inner_texts() == ["ciao", "0"]


def elsewhere(phone: Phone) -> None:
    """The same phone, in another window."""
    name = phone.page.locator("#who").input_value()
    body = {"channel": "telegram", "from": name, "text": "0"}
    assert phone.page.request.post(f"{phone.url}/simulator/messages", data=body).ok


def test_a_page_that_was_cut_off_comes_back_and_misses_nothing(phones: "Callable[..., Phone]") -> None:
    phone = phones()
    phone.page.route(EVENTS, lambda route: route.abort(), times=1)
    phone.page.goto(f"{phone.url}/simulator?{urlencode({'lang': 'it', 'from': somebody()})}")
    phone.trouble.wait_for()
    assert "non risponde" in phone.trouble.inner_text()
    phone.is_ready()
    phone.trouble.wait_for(state="hidden")
    assert phone.say("ciao")


def test_a_browser_that_cannot_be_told_keeps_looking(phones: "Callable[..., Phone]") -> None:
    phone = phones()
    phone.page.add_init_script("delete window.EventSource")
    phone.open(**{"from": somebody()})
    assert phone.say("ciao")
    before = phone.theirs.count()
    elsewhere(phone)
    phone.shows(before + 1)
    assert phone.theirs.count() == before + 1


# ---- the clock


def test_the_clock_only_moves_forward(phone: Phone) -> None:
    before = phone.page.locator("#now").inner_text()
    for choice in ("in_an_hour", "tomorrow_9", "next_monday_9"):
        phone.moves_the_clock(choice)
        before, earlier = phone.page.locator("#now").inner_text(), before
        assert before != earlier
    assert "Ora è" in phone.page.locator("#moved").inner_text()
    moment = phone.page.locator("#moment")
    moment.evaluate("e => { e.min = ''; e.value = '2020-01-01T09:00'; }")
    phone.page.locator("#to button").click()
    trouble = phone.page.locator("#clock-trouble")
    trouble.wait_for()
    assert "solo avanti" in trouble.inner_text()


def test_what_happened_behind_is_told(phones: "Callable[..., Phone]") -> None:
    phone = phones(1280).open(**{"from": somebody()})
    phone.page.locator("#behind summary").click()
    phone.say("ciao")
    phone.tap("Iscriviti")
    behind = phone.page.locator("#behind-telegram")
    behind.get_by_text("registration").wait_for()
    assert behind.locator("td.state").first.inner_text() == "handled"
    assert behind.get_by_role("region", name="In uscita, Telegram").locator("tbody tr").count() >= 3
    phone.is_sound()
    phone.is_open_to_everybody()


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
    if phone.box.input_value():
        phone.answer_to(lambda: phone.box.press("Enter"))
    phone.page.reload()
    phone.ours.first.wait_for()
    assert phone.ours.all_inner_texts() == ["ciao"]


def test_each_trouble_has_its_sentence(phone: Phone) -> None:
    known = {503: "non riesce a lavorare", 504: "non arriva", 413: "troppo lungo", 500: "non risponde"}
    for status, words in known.items():
        fails_with(phone, status)
        phone.trouble.filter(has_text=words).wait_for()
        assert phone.box.input_value() == "ciao"
    phone.is_open_to_everybody()


def fails_with(phone: Phone, status: int) -> None:
    phone.page.route(POSTS, lambda route: route.fulfill(status=status, json={}))
    phone.box.fill("ciao")
    phone.box.press("Enter")


def test_a_slow_answer_is_announced_and_ticks_say_how_far_a_message_is(phone: Phone) -> None:
    held: list[Route] = []
    phone.page.route(POSTS, lambda route: held.append(route))
    phone.box.fill("ciao")
    phone.box.press("Enter")
    phone.root.get_by_text("Sportello sta scrivendo…").wait_for()
    assert "In partenza" in phone.root.locator(".ours .foot").inner_text()
    phone.box.fill("e poi")
    phone.box.press("Enter")
    assert phone.box.input_value() == "e poi", "one at a time; nothing typed is lost"
    held[0].continue_()
    phone.theirs.first.wait_for()
    phone.root.get_by_text("Sportello sta scrivendo…").wait_for(state="detached")
    assert "Letto" in phone.root.locator(".ours .foot").inner_text()


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
    assert focus_reaches(phone, "Formazione", "Shift+Tab")
    assert phone.answer_to(lambda: page.keyboard.press("Space"))
    for name in ("Invia", "Foto", "Voce", "Luogo", "Fra un’ora", "moment", "Sposta"):
        assert focus_reaches(phone, name, "Tab"), name
    page.reload()
    phone.is_ready()
    for name in ("English", "people", "who", "telegram", "Conversazione su Telegram", "telegram-words"):
        assert focus_reaches(phone, name, "Tab"), name
    phone.is_sound()


def focus_reaches(phone: Phone, name: str, key: str) -> bool:
    """Walk until the focus is on something of this name; wherever it passes, it can be seen."""
    focused = """() => {
      const one = document.activeElement, shown = one.matches("[type=radio]") ? one.nextElementSibling : one;
      return [[one.textContent, one.id, one.value, one.ariaLabel], getComputedStyle(shown).outlineStyle];
    }"""
    for _step in range(40):
        phone.page.keyboard.press(key)
        names, outline = phone.page.evaluate(focused)
        assert outline != "none", names
        if name in names:
            return True
    return False


def test_nothing_slides_out_sideways(phones: "Callable[..., Phone]") -> None:
    phone = phones(channel="whatsapp").open(**{"from": somebody()})
    phone.say("ciao")
    phone.page.locator("#behind summary").click()
    for width, height in WIDTHS.items():
        phone.page.set_viewport_size({"width": width, "height": height})
        phone.is_sound()


def test_only_the_phone_in_use_is_read_aloud(phones: "Callable[..., Phone]") -> None:
    phone = phones(1280).open(**{"from": somebody()})
    spoken = "() => [...document.querySelectorAll('[role=log]')].map((one) => one.ariaLive)"
    assert phone.page.evaluate(spoken) == ["polite", "off"]
    phone.page.locator(".whatsapp .words").focus()
    assert phone.page.evaluate(spoken) == ["off", "polite"]


def test_both_languages_say_the_same_things(phone: Phone) -> None:
    said = phone.page.evaluate("import('/simulator/static/sentences.js').then((found) => found.SENTENCES)")
    assert set(said) == {"it", "en"}
    assert set(said["it"]) == set(said["en"])
    assert all(words.strip() for sentences in said.values() for words in sentences.values())
    used = phone.page.locator("[data-words]").evaluate_all("all => all.map(one => one.dataset.words)")
    assert set(used) <= set(said["it"])


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("de-DE", "it")])
def test_the_page_speaks_as_the_browser_does(phones: "Callable[..., Phone]", locale: str, language: str) -> None:
    phone = phones(1280, locale).open()
    assert phone.page.get_attribute("html", "lang") == language
    name = phone.page.locator("#who").input_value()
    assert name, "nobody has to think of a name"
    phone.page.locator("#other-language").click()
    phone.is_ready()
    assert phone.page.get_attribute("html", "lang") == ("en" if language == "it" else "it")
    assert phone.page.locator("#who").input_value() == name, "and it stays"
