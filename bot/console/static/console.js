// SPDX-License-Identifier: EUPL-1.2
// What the pages do beyond forms and links. Everything works without it; with it, lists live and keys are shorter.

/** The menu is open where there is room for it. */
function foldMenu() {
  for (const fold of document.querySelectorAll("details[data-open-from]")) {
    fold.open = window.innerWidth >= Number(fold.dataset.openFrom);
  }
}

/** A form that cannot be taken back asks first. */
document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

/** A choice with data-submit sends its form at once. */
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-submit]")) event.target.form.requestSubmit();
});

/** Who sends a form is on their way to another page: this one need not be kept up to date. */
let leaving = false;
document.addEventListener("submit", (event) => {
  leaving = !event.defaultPrevented;
  setTimeout(() => { leaving = false; }, 5000); // unless it was a file to save
});

/** Parts of the page that carry data-live ask for themselves again when there is news. */
let waiting = false;
function refresh() {
  if (waiting || leaving) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    for (const part of document.querySelectorAll("[data-live]")) {
      if (!part.contains(document.activeElement) || !document.activeElement.matches("input, textarea, select")) {
        window.htmx?.trigger(part, "news");
      }
    }
  }, 100);
}

function listen() {
  if (!document.querySelector("[data-live]")) return;
  const source = new EventSource("/console/live");
  source.addEventListener("news", refresh);
  source.addEventListener("open", refresh);
}

/** Keys: j and k through a list, Enter opens, / searches, ? says which keys there are. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const items = [...document.querySelectorAll("[data-keys] a[data-item]")];
  const at = items.indexOf(document.activeElement);
  if (event.key === "j" && items.length) items[Math.min(at + 1, items.length - 1)].focus();
  else if (event.key === "k" && items.length) items[Math.max(at - 1, 0)].focus();
  else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { search.focus(); event.preventDefault(); }
  } else if (event.key === "?") document.querySelector("details.keys")?.toggleAttribute("open");
  else {
    const own = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (own) { own.click(); event.preventDefault(); }
  }
});

/** A password can be looked at while it is written. */
for (const tick of document.querySelectorAll("[data-shows]")) {
  tick.hidden = false;
  tick.addEventListener("change", (event) => {
    document.getElementById(tick.dataset.shows).type = event.target.checked ? "text" : "password";
  });
}

window.addEventListener("resize", foldMenu);
foldMenu();
listen();
