// SPDX-License-Identifier: EUPL-1.2
import { at, made } from "./dom.js";
import { NAMES, say } from "./sentences.js";

const TURN = ["id", "at", "kind", "state", "version", "reason"];
const SENT = ["id", "kind", "state", "due", "left", "attempts", "length", "reason"];

// What happened behind each phone: where the dialogue is, the turns, the outbox.
export function showBehind(channel, found) {
  const place = at(`behind-${channel}`) ?? at("behind").querySelector(".pair").appendChild(section(channel));
  place.replaceChildren(made("h3", "", NAMES[channel]), ...(found ? parts(channel, found) : [made("p", "hint", say.nobody)]));
}

function section(channel) {
  return Object.assign(made("div", "behind"), { id: `behind-${channel}` });
}

function parts(channel, found) {
  return [
    made("h4", "", say.dialogue), dialogue(found.dialogue),
    made("h4", "", say.turns), table(`${say.turns}, ${NAMES[channel]}`, TURN, found.turns),
    made("h4", "", say.outbox), table(`${say.outbox}, ${NAMES[channel]}`, SENT, found.outbox),
  ];
}

function dialogue(found) {
  const list = made("dl");
  Object.entries(found).forEach(([name, value]) => {
    const pair = made("div");
    pair.append(made("dt", "", say[name] ?? name), made("dd", "", inWords(value)));
    list.append(pair);
  });
  return list;
}

function inWords(value) {
  if (value === null) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

// It may be wider than the page: then it scrolls in its own frame, also with the keyboard.
function table(name, columns, rows) {
  const frame = Object.assign(made("div", "frame"), { tabIndex: 0 });
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", name);
  const shown = made("table"), head = made("thead"), body = made("tbody"), titles = made("tr");
  titles.append(...columns.map((column) => Object.assign(made("th", "", say[column]), { scope: "col" })));
  head.append(titles);
  body.append(...rows.map((row) => line(columns, row)));
  shown.append(head, body);
  frame.append(shown);
  return frame;
}

function line(columns, row) {
  const found = made("tr");
  found.append(...columns.map((column) => made("td", column, String(row[column] ?? ""))));
  return found;
}
