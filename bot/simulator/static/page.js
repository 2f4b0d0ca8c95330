// SPDX-License-Identifier: EUPL-1.2
import { showBehind } from "./behind.js";
import { listenToClock, showClock, showNext } from "./day.js";
import { at, speak } from "./dom.js";
import { News } from "./news.js";
import { People, somebody } from "./people.js";
import { Phone } from "./phone.js";
import { language, say } from "./sentences.js";

const asked = new URLSearchParams(location.search);
const phones = {};
let holder = asked.get("from")?.trim().slice(0, 60) || somebody();
let channel = asked.get("channel") === "whatsapp" ? "whatsapp" : "telegram";
let start = asked.get("start")?.match(/^[\w-]{1,64}$/)?.[0]; // what a link has brought along, to be sent once
let news = null;

function pickUp(who) {
  holder = who;
  remember();
  Object.values(phones).forEach((phone) => phone.pickUp(holder));
  news?.end();
  news = new News(new URLSearchParams({ telegram: holder, whatsapp: holder, lang: language }), take, lost);
}

function take(found) {
  if (found.clock) showClock(found.clock);
  if (found.next) showNext(found.next);
  Object.entries(found.phones ?? {}).forEach(([name, part]) => {
    phones[name].take(part, Boolean(found.whole));
    if ("behind" in part) showBehind(name, part.behind);
  });
  if (start && found.whole) arrive();
}

function arrive() {
  const text = `/start ${start}`;
  start = null;
  phones[channel].send({ text }, { kind: "text", text });
}

function lost() {
  Object.values(phones).forEach((phone) => phone.lost());
}

// After something was said: what it brought comes as news, or is looked for where no news can come.
async function look() {
  if (!news.isOpen) await news.look();
}

// On a narrow screen one phone is shown; only one is read aloud on any.
function use(name) {
  channel = name;
  document.body.dataset.channel = name;
  document.querySelector(`[name=channel][value=${name}]`).checked = true;
  document.querySelector(".skip").href = `#${name}-words`;
  Object.entries(phones).forEach(([one, phone]) => phone.isInUse(one === name));
  remember();
}

// The address says who is talking, so that a reload, a bookmark or a second tab finds the right conversation.
function remember() {
  const here = (lang) => `/simulator?${new URLSearchParams({ lang, channel, from: holder })}`;
  history.replaceState(null, "", here(language));
  const other = language === "it" ? "en" : "it";
  Object.assign(at("other-language"), { href: here(other), lang: other, hreflang: other });
  at("other-language").textContent = other === "it" ? "Italiano" : "English";
}

function open() {
  document.documentElement.lang = language;
  document.title = say.title;
  speak(document, say);
  for (const name of ["telegram", "whatsapp"]) {
    phones[name] = new Phone(name, () => channel === name || use(name), look);
    at("phones").append(phones[name].box);
    showBehind(name, null);
  }
  document.querySelectorAll("[name=channel]").forEach((one) => one.addEventListener("change", () => use(one.value)));
  listenToClock();
  new People(holder, pickUp);
  use(channel);
  pickUp(holder);
}

open();
