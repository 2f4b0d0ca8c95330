// SPDX-License-Identifier: EUPL-1.2
// One conversation: the newest message is in sight, letters are counted, an answer that is ready fills the box.

const box = document.getElementById("text");
const left = document.getElementById("text-left");

function count() {
  const most = Number(box.dataset.most);
  const many = most - box.value.length;
  left.textContent = most ? left.dataset.words.replace("{count}", String(many)) : "";
  left.classList.toggle("wrong", many < 0);
}

if (box && left) {
  box.addEventListener("input", count);
  count();
}

/** Chosen: at the end of what was typed. Without this, the button beside it does the same. */
document.getElementById("canned")?.addEventListener("change", (event) => {
  const text = event.target.selectedOptions[0]?.dataset.text;
  if (!text || !box) return;
  box.value = [box.value.trimEnd(), text].filter(Boolean).join("\n");
  event.target.value = "";
  count();
  box.focus();
});

/** The transcript is a window of its own where there is room; it opens at its end, or at what was looked for. */
function settle() {
  const said = document.querySelector(".said");
  const sought = document.querySelector(".bubble.sought");
  if (!said || said.scrollHeight <= said.clientHeight) return;
  said.scrollTop = sought ? sought.offsetTop - said.offsetTop - said.clientHeight / 3 : said.scrollHeight;
}

let wasAtEnd = !document.querySelector(".bubble.sought");
document.addEventListener("scroll", (event) => {
  if (event.target.matches?.(".said")) {
    wasAtEnd = event.target.scrollHeight - event.target.scrollTop - event.target.clientHeight < 80;
  }
}, true);
document.addEventListener("htmx:after:swap", () => { if (wasAtEnd) settle(); });
settle();
