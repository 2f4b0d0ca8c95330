// SPDX-License-Identifier: EUPL-1.2
"use strict";

const EVERY = 2000; // ms between two looks for messages that arrive by themselves
const SOON = 300; // ms before "typing" shows: most answers are quicker, and need no announcement
const PATIENCE = 30000; // ms, longer than the server's own
const LINK = /(https:\/\/[^\s<>"«»]*[^\s<>"«».,;:!?)])/;
const TROUBLES = { 400: "refused", 413: "long", 503: "busy", 504: "late" };

const asked = new URLSearchParams(location.search);
const wished = [asked.get("lang"), ...navigator.languages.map((one) => one.slice(0, 2)), "it"];
const language = wished.find((one) => Object.hasOwn(SENTENCES, one));
const say = SENTENCES[language];
const at = (id) => document.getElementById(id);
const log = at("log"), box = at("words"), who = at("who");

// Everything about the phone in hand; another name or another channel is another phone.
let phone = null;

function pickUp(name, channel) {
  phone = { name, channel, shown: new Set(), last: 0, isWaiting: true, unanswered: null };
  who.value = name;
  document.querySelector(`[name=channel][value=${channel}]`).checked = true;
  document.body.dataset.channel = channel;
  at("channel-name").textContent = `${say.on} ${channel === "telegram" ? "Telegram" : "WhatsApp"}`;
  log.replaceChildren(paragraph("empty", say.empty));
  remember();
  tell("");
  stopTyping();
  restore(phone);
}

// The address says who is talking, so that a reload, a bookmark or a second tab finds the right conversation.
function remember() {
  const here = (lang) => `/simulator?${new URLSearchParams({ lang, channel: phone.channel, from: phone.name })}`;
  history.replaceState(null, "", here(language));
  const other = language === "it" ? "en" : "it";
  Object.assign(at("other-language"), { href: here(other), lang: other, hreflang: other });
  at("other-language").textContent = other === "it" ? "Italiano" : "English";
}

async function restore(mine) {
  log.setAttribute("aria-busy", "true"); // an old conversation is not read aloud
  try {
    const found = await ask(`conversation?${phoneAs(mine)}`);
    if (mine !== phone) return;
    tell("");
    take(found);
    mine.isWaiting = false; // what is said before would stand above what was said long ago
    setTimeout(lookNow, EVERY, mine);
  } catch (trouble) {
    if (mine !== phone) return;
    tell(`${troubleIn(trouble)} ${say.again}`);
    setTimeout(restore, EVERY, mine);
  }
  log.setAttribute("aria-busy", "false");
}

async function lookNow(mine) {
  if (mine !== phone) return;
  try {
    const found = await ask(`messages?${phoneAs(mine)}&after=${mine.last}`);
    if (mine === phone) take(found);
  } catch {
    // The next look may do better; only somebody who sends something needs to know.
  }
  setTimeout(lookNow, EVERY, mine);
}

// Only here the last message seen moves on: an answer to a POST may have overtaken a reminder.
function take(found) {
  phone.last = found.messages.filter((one) => one.by !== "person").at(-1)?.id ?? phone.last;
  show(found);
}

function show(found) {
  const added = found.messages.filter((one) => !phone.shown.has(one.id));
  added.forEach((one) => phone.shown.add(one.id));
  added.forEach((one) => add(one.by === "person" ? ours(wordsOf(one)) : theirs(one, found.language)));
}

// ---- sending

async function send(what, words) {
  if (phone.isWaiting) return;
  const mine = phone, bubble = ours(words);
  mine.isWaiting = true;
  if (what.text) box.value = "";
  tell("");
  add(bubble);
  startTyping(mine);
  try {
    const found = await ask("messages", { ...whoseAs(mine), language, id: numberFor(mine, what), ...what });
    mine.unanswered = null;
    if (mine === phone) show(found);
  } catch (trouble) {
    if (mine === phone) takeBack(bubble, what.text, trouble);
  }
  mine.isWaiting = false;
  if (mine === phone) stopTyping();
}

// What got no answer is sent again under the same number: if it had arrived, it is not heard twice.
function numberFor(mine, what) {
  const same = JSON.stringify(what);
  if (mine.unanswered?.same !== same) mine.unanswered = { same, number: number() };
  return mine.unanswered.number;
}

function takeBack(bubble, text, trouble) {
  bubble.remove();
  if (text) box.value = [text, box.value].filter(Boolean).join(" ");
  tell([troubleIn(trouble), text && say.still_there, say.again].filter(Boolean).join(" "));
}

async function ask(path, body) {
  const how = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/simulator/${path}`, { ...how, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw Object.assign(new Error(answer.statusText), { status: answer.status });
  return answer.json();
}

const troubleIn = (trouble) => say[TROUBLES[trouble.status] ?? "away"];
const whoseAs = (mine) => ({ channel: mine.channel, from: mine.name });
const phoneAs = (mine) => new URLSearchParams(whoseAs(mine));

// randomUUID is missing where the page is served without https.
function number() {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(16).padStart(8, "0")).join("");
}

// ---- showing

function add(bubble) {
  log.querySelector(".empty")?.remove();
  log.append(bubble);
  toTheEnd();
}

function toTheEnd() {
  log.scrollTop = log.scrollHeight;
}

function ours(words) {
  const bubble = made("div", "bubble ours");
  bubble.append(made("span", "unseen", `${say.you} `), paragraph("text", words));
  return bubble;
}

function theirs(message, spoken) {
  const bubble = Object.assign(made("div", "bubble theirs"), { lang: spoken });
  bubble.append(linked(message.text));
  if (message.options.length) bubble.append(choices(message.options));
  return bubble;
}

function wordsOf(message) {
  if (message.text) return message.text;
  return message.kind === "tap" ? say.button : (say[message.kind] ?? say.other);
}

function choices(options) {
  const group = made("div", options.every((one) => one.label.length <= 10) ? "choices across" : "choices");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", say.choices);
  group.append(...options.map(choice));
  return group;
}

function choice(option) {
  const button = made("button", "choice", option.label);
  button.type = "button";
  button.addEventListener("click", () => send({ tap: option.id }, option.label));
  return button;
}

function linked(text) {
  const words = made("p", "text");
  words.append(...text.split(LINK).map((part, index) => (index % 2 ? link(part) : part)));
  return words;
}

function link(url) {
  return Object.assign(made("a", "", url), { href: url, target: "_blank", rel: "noopener noreferrer" });
}

const paragraph = (kind, words) => made("p", kind, words);

function made(tag, kind, words = "") {
  return Object.assign(document.createElement(tag), { className: kind, textContent: words });
}

function tell(sentence) {
  if (at("trouble").textContent === sentence) return; // or it would be read aloud again
  at("trouble").hidden = !sentence;
  at("trouble").textContent = sentence;
  if (sentence) toTheEnd(); // it takes room from the conversation above
}

function startTyping(mine) {
  setTimeout(() => {
    if (mine === phone && mine.isWaiting) at("typing").textContent = say.typing;
  }, SOON);
}

function stopTyping() {
  at("typing").textContent = "";
}

// ---- the page itself

function speak() {
  document.documentElement.lang = language;
  document.title = say.title;
  document.querySelectorAll("[data-words]").forEach((one) => { one.textContent = say[one.dataset.words]; });
  log.setAttribute("aria-label", say.log);
}

function another() {
  const name = who.value.trim() || phone.name, channel = at("phone").elements.channel.value;
  who.value = name;
  if (name !== phone.name || channel !== phone.channel) pickUp(name, channel);
}

function listen() {
  at("phone").addEventListener("change", another);
  at("phone").addEventListener("submit", (event) => { event.preventDefault(); another(); box.focus(); });
  at("say").addEventListener("submit", (event) => {
    event.preventDefault();
    if (box.value.trim()) send({ text: box.value }, box.value);
  });
  document.querySelectorAll("[data-kind]").forEach((one) => {
    one.addEventListener("click", () => send({ kind: one.dataset.kind }, say[one.dataset.kind]));
  });
}

speak();
listen();
pickUp(
  asked.get("from")?.trim().slice(0, 64) || `${say.guest}-${parseInt(number().slice(0, 6), 16)}`,
  asked.get("channel") === "whatsapp" ? "whatsapp" : "telegram",
);
