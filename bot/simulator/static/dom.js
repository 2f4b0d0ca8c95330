// SPDX-License-Identifier: EUPL-1.2

const LINK = /(https:\/\/[^\s<>"«»]*[^\s<>"«».,;:!?)])/;

export const at = (id) => document.getElementById(id);

// Whatever people wrote goes in as words, never as markup.
export function made(tag, kind = "", words = "") {
  return Object.assign(document.createElement(tag), { className: kind, textContent: words });
}

export function button(kind, words, act) {
  const one = Object.assign(made("button", kind, words), { type: "button" });
  one.addEventListener("click", act);
  return one;
}

export function link(url, words = url) {
  return Object.assign(made("a", "", words), { href: url, target: "_blank", rel: "noopener noreferrer" });
}

export function linked(kind, text) {
  const words = made("p", kind);
  words.append(...text.split(LINK).map((part, index) => (index % 2 ? link(part) : part)));
  return words;
}

export function tell(place, sentence) {
  if (place.textContent === sentence) return; // or it would be read aloud again
  place.hidden = !sentence;
  place.textContent = sentence;
}

export function speak(root, say) {
  root.querySelectorAll("[data-words]").forEach((one) => { one.textContent = say[one.dataset.words]; });
}
