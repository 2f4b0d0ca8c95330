// SPDX-License-Identifier: EUPL-1.2
import { ask, number } from "./desk.js";
import { at, made } from "./dom.js";
import { NAMES, language, say } from "./sentences.js";

// Who one can be: one of the invented people, or somebody new of any name.
export class People {
  constructor(holder, chosen) {
    Object.assign(this, { holder, chosen, list: at("people"), box: at("who") });
    this.list.append(new Option(say.somebody_new, ""));
    this.#fill();
    this.list.addEventListener("change", () => this.#dress());
    at("person").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#choose();
    });
    this.#show();
  }

  async #fill() {
    const found = await ask(`people?lang=${language}`).catch(() => []);
    if (!found.length) return;
    const group = Object.assign(made("optgroup"), { label: say.invented });
    group.append(...found.map((one) => new Option(inWords(one), one.from)));
    this.list.append(group);
    this.#show();
  }

  #show() {
    const isListed = [...this.list.options].some((one) => one.value === this.holder);
    this.list.value = isListed ? this.holder : "";
    if (!isListed) this.box.value = this.holder;
    this.#dress();
  }

  // A name is asked only of somebody new.
  #dress() {
    at("name").hidden = Boolean(this.list.value);
    if (!this.list.value && !this.box.value) this.box.value = somebody();
  }

  #choose() {
    const holder = this.list.value || this.box.value.trim() || this.holder;
    if (!this.list.value) this.box.value = holder;
    if (holder === this.holder) return;
    this.holder = holder;
    this.chosen(holder);
  }
}

export const somebody = () => `${say.guest}-${parseInt(number().slice(0, 6), 16)}`;

function inWords(one) {
  return `${one.name} (${say.demo}) · ${NAMES[one.channel]} · ${one.language}`;
}
