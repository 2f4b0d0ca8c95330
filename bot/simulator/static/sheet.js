// SPDX-License-Identifier: EUPL-1.2
import { button, made } from "./dom.js";
import { say } from "./sentences.js";

// The list that WhatsApp slides in from below. A dialog keeps the focus inside, and Escape closes it.
export class Sheet {
  constructor(dialog, phone, touch) {
    Object.assign(this, { dialog, phone, touch });
    dialog.setAttribute("aria-label", say.choose_one);
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }

  open(message, language) {
    const rows = this.dialog.querySelector("ul");
    if (language) rows.lang = language;
    rows.replaceChildren(...message.options.map((option, index) => this.#row(option, message.rows[index])));
    this.#over(this.phone.getBoundingClientRect());
    this.dialog.showModal();
    rows.querySelector("button")?.focus();
  }

  // It lies on its phone, not on the page, as far as the phone is in sight.
  #over(phone) {
    const bottom = Math.max(0, innerHeight - phone.bottom), top = Math.max(0, phone.top);
    const place = { left: phone.left, width: phone.width, bottom, "max-height": (innerHeight - bottom - top) * 0.85 };
    Object.entries(place).forEach(([name, value]) => this.dialog.style.setProperty(name, `${value}px`));
  }

  #row(option, { title, note }) {
    const item = made("li");
    const row = button("row-choice", "", () => {
      this.dialog.close();
      this.touch(option.id, option.label);
    });
    row.append(made("span", "row-title", title));
    if (note) row.append(made("span", "row-note", note));
    item.append(row);
    return item;
  }
}
