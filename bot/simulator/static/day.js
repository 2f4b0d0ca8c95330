// SPDX-License-Identifier: EUPL-1.2
import { ask } from "./desk.js";
import { at, made, tell } from "./dom.js";
import { NAMES, language, say } from "./sentences.js";

const REFUSALS = { 400: "only_forward", 409: "clock_stays" };

// The clock that can be moved, and what comes next.
export function showClock(clock) {
  at("now").textContent = clock.words;
  at("moment").min = clock.local;
  if (!at("moment").value || at("moment").value < clock.local) at("moment").value = clock.local;
  if (at("moved").dataset.isAwaited) announce(clock);
}

export function showNext(found) {
  at("next").replaceChildren(...found.map(line));
  at("nothing").hidden = found.length > 0;
}

export function listenToClock() {
  document.querySelectorAll("[data-choose]").forEach((one) => {
    one.addEventListener("click", () => move({ choose: one.dataset.choose }));
  });
  at("to").addEventListener("submit", (event) => {
    event.preventDefault();
    move({ to: at("moment").value });
  });
}

function line(one) {
  const item = made("li");
  const when = Object.assign(made("time", "", one.when), { dateTime: one.at });
  const whom = [one.who ?? say.somebody, NAMES[one.channel], one.name].filter(Boolean).join(" · ");
  item.append(when, made("span", "what", one.what), made("span", "whom", whom));
  return item;
}

async function move(where) {
  tell(at("clock-trouble"), "");
  at("moved").textContent = say.moving;
  busy(true);
  try {
    at("moved").dataset.isAwaited = "yes";
    const found = await ask(`clock?lang=${language}`, where);
    if (!found.moving) at("moved").textContent = `${say.moved} ${found.words}.`;
  } catch (trouble) {
    at("moved").textContent = "";
    tell(at("clock-trouble"), say[REFUSALS[trouble.status]] ?? `${say.away} ${say.again}`);
  }
  delete at("moved").dataset.isAwaited;
  busy(false);
}

function announce(clock) {
  at("moved").textContent = `${say.moving} ${clock.words}`;
}

// They keep the focus: a button that is switched off loses it.
function busy(yes) {
  document.querySelectorAll(".moves button, #to button").forEach((one) => one.setAttribute("aria-disabled", yes));
}
