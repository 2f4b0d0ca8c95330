// SPDX-License-Identifier: EUPL-1.2
import { button, link, linked, made } from "./dom.js";
import { say } from "./sentences.js";

const DRAWN = ["photo", "voice", "location"];
const TICKS = { sending: "◷", sent: "✓", read: "✓✓" };

// What the person wrote, with its ticks.
export function ours(message) {
  const bubble = made("div", "bubble ours");
  const body = made("div", "body");
  body.append(made("span", "unseen", `${say.you} `));
  if (DRAWN.includes(message.kind)) body.append(drawing(message.kind));
  body.append(made("p", "text", wordsOf(message)), foot(message));
  bubble.append(body);
  return bubble;
}

// What Sportello wrote, with its choices in the form of the app.
export function theirs(message, language, { touch, open }) {
  const bubble = made("div", "bubble theirs");
  if (language) bubble.lang = language;
  const body = made("div", "body");
  if (message.template) body.append(inOurWords(made("p", "template", `${say.template} ${message.template}`)));
  body.append(...carried(message), foot(message));
  bubble.append(body, ...choices(message, touch, open));
  return bubble;
}

function wordsOf(message) {
  if (message.text) return message.text;
  return message.kind === "tap" ? say.button : (say[message.kind] ?? say.other);
}

function drawing(kind) {
  return Object.assign(made("img", `drawing ${kind}`), { src: `/simulator/static/${kind}.svg`, alt: "" });
}

function foot(message) {
  const foot = inOurWords(made("p", "foot"));
  if (message.time) foot.append(Object.assign(made("time", "", message.time), { dateTime: message.at }));
  if (message.tick) {
    const tick = made("span", `tick ${message.tick}`, TICKS[message.tick]);
    tick.setAttribute("aria-hidden", "true");
    foot.append(tick, made("span", "unseen", say[message.tick]));
  }
  return foot;
}

// The words of the page stand among words in the language of the conversation.
function inOurWords(element) {
  return Object.assign(element, { lang: document.documentElement.lang });
}

function carried(message) {
  const text = linked("text", message.text);
  if (message.spot) return [place(message.spot)];
  if (!message.file) return [text];
  if (!message.file.is_picture) return [paper(message.file), text];
  text.setAttribute("aria-hidden", "true"); // the picture says the same to whoever hears it
  return [picture(message), text];
}

function place(spot) {
  const card = made("div", "place");
  card.append(drawing("location"), made("p", "text", `${spot.title}\n${spot.address}`));
  const where = `mlat=${spot.latitude}&mlon=${spot.longitude}#map=17/${spot.latitude}/${spot.longitude}`;
  card.append(inOurWords(link(`https://www.openstreetmap.org/?${where}`, say.map)));
  return card;
}

function picture(message) {
  const shown = Object.assign(made("a", "picture"), { href: message.file.url, download: message.file.name });
  shown.append(Object.assign(made("img"), { src: message.file.url, alt: message.text || message.file.name }));
  return shown;
}

function paper(file) {
  const card = Object.assign(made("a", "paper"), { href: file.url, download: file.name });
  const kind = made("span", "kind", (file.name.split(".").pop() || "").slice(0, 4).toUpperCase());
  kind.setAttribute("aria-hidden", "true");
  card.append(inOurWords(made("span", "unseen", `${say.save} `)), kind, made("span", "", file.name));
  return card;
}

function choices(message, touch, open) {
  if (message.retired) return [inOurWords(made("p", "retired", say.retired))];
  if (message.shape === "list") return [opener(message, open)];
  if (message.shape !== "buttons") return [];
  const across = message.options.every((one) => one.label.length <= 10) ? " across" : "";
  const group = made("div", `choices${across}`);
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", say.choices);
  group.append(...message.options.map((one) => button("choice", one.label, () => touch(one.id, one.label))));
  return [group];
}

function opener(message, open) {
  const one = inOurWords(button("choice list", say.list, () => open(message)));
  one.setAttribute("aria-haspopup", "dialog");
  return one;
}
