// SPDX-License-Identifier: EUPL-1.2
import { ours, theirs } from "./bubbles.js";
import { ask, number, troubleIn } from "./desk.js";
import { at, made, speak, tell } from "./dom.js";
import { NAMES, language, say } from "./sentences.js";
import { Sheet } from "./sheet.js";

const SOON = 300; // ms before "typing" shows: most answers are quicker, and need no announcement

// One phone in somebody's hands: what it shows, and what is done with it.
export class Phone {
  constructor(channel, inUse, look) {
    Object.assign(this, { channel, look, name: NAMES[channel], holder: "", isWaiting: false, unanswered: null });
    this.box = at("phone").content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.box.querySelector(selector);
    this.log = this.find(".log");
    this.words = this.find(".words");
    this.sheet = new Sheet(this.find("dialog"), this.box, (id, label) => this.send({ tap: id }, { kind: "tap", text: label }));
    this.#name();
    this.#listen(inUse);
  }

  #name() {
    speak(this.box, say);
    this.box.classList.add(this.channel);
    const title = Object.assign(this.find("h2"), { id: `${this.channel}-title`, textContent: "Sportello " });
    title.append(made("span", "app", `${say.on} ${this.name}`));
    this.box.setAttribute("aria-labelledby", title.id);
    this.log.setAttribute("aria-label", `${say.log} ${this.name}`);
    this.log.setAttribute("aria-live", "off");
    this.words.id = `${this.channel}-words`;
    this.words.placeholder = say.write;
    this.words.setAttribute("aria-label", `${say.box} ${this.name}`);
    this.find(".others").setAttribute("aria-label", `${say.others} ${this.name}`);
  }

  #listen(inUse) {
    this.box.addEventListener("focusin", inUse);
    this.box.addEventListener("pointerdown", inUse);
    this.find(".say").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.words.value;
      if (text.trim()) this.send({ text }, { kind: "text", text });
    });
    this.box.querySelectorAll("[data-kind]").forEach((one) => {
      one.addEventListener("click", () => this.send({ kind: one.dataset.kind }, { kind: one.dataset.kind, text: "" }));
    });
  }

  // Only the phone in use is read aloud.
  isInUse(yes) {
    this.log.setAttribute("aria-live", yes ? "polite" : "off");
    this.box.classList.toggle("in-use", yes);
  }

  // Another person is another phone.
  pickUp(holder) {
    Object.assign(this, { holder, shown: new Map(), day: "", language: null, isWaiting: true, unanswered: null });
    this.log.setAttribute("aria-busy", "true"); // an old conversation is not read aloud
    this.log.replaceChildren(made("p", "empty", say.empty));
    this.find(".typing").textContent = "";
    this.#window(null);
    tell(this.find(".alarm"), "");
  }

  get #isBusy() {
    return this.log.getAttribute("aria-busy") === "true";
  }

  lost() {
    if (this.#isBusy) tell(this.find(".alarm"), `${say.away} ${say.again}`);
  }

  // ---- what arrives

  take(news, isWhole) {
    if (isWhole) this.#begin();
    if (news.language) this.language = news.language;
    if ("window" in news) this.#window(news.window);
    (news.messages ?? []).forEach((message) => this.#show(message));
    if (isWhole) this.#ready();
  }

  // Everything comes again; what has not arrived yet stays at the end.
  #begin() {
    const onTheirWay = [...this.shown.values()].filter((one) => one.dataset.onItsWay);
    this.shown = new Map(onTheirWay.map((one) => [one.dataset.onItsWay, one]));
    this.day = "";
    this.log.replaceChildren(made("p", "empty", say.empty), ...onTheirWay);
    if (onTheirWay.length) this.log.querySelector(".empty").remove();
  }

  #ready() {
    if (!this.#isBusy) return;
    this.isWaiting = false;
    this.log.setAttribute("aria-busy", "false");
    tell(this.find(".alarm"), "");
  }

  #show(message) {
    const bubble = message.by === "person" ? ours(message) : this.#theirs(message);
    const key = this.shown.has(message.number) ? message.number : message.id;
    const before = this.shown.get(key);
    if (before) {
      if (before.lang) bubble.lang = before.lang; // it was said in that language
      before.replaceWith(bubble);
      this.shown.delete(key);
    } else {
      this.#add(bubble, message.day);
    }
    this.shown.set(message.id, bubble);
  }

  #theirs(message) {
    return theirs(message, this.language, {
      touch: (id, label) => this.send({ tap: id }, { kind: "tap", text: label }),
      open: (found) => this.sheet.open(found, this.language),
    });
  }

  #add(bubble, day) {
    this.log.querySelector(".empty")?.remove();
    if (day && day !== this.day) {
      this.day = day;
      this.log.append(made("p", "day", day));
    }
    this.log.append(bubble);
    this.#toTheEnd();
  }

  #toTheEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  #window(found) {
    const words = this.channel === "whatsapp" ? this.find(".window") : null;
    if (!words) return;
    words.classList.toggle("shut", Boolean(found) && !found.is_open);
    words.textContent = found ? (found.is_open ? `${say.window_open} ${found.until}` : say.window_shut) : say.window_none;
  }

  // ---- what is done

  async send(what, shown) {
    if (this.isWaiting) return;
    const holder = this.holder, id = this.#numberFor(what);
    const bubble = ours({ ...shown, tick: "sending" });
    bubble.dataset.onItsWay = id;
    this.shown.set(id, bubble);
    this.isWaiting = true;
    if (what.text) this.words.value = "";
    tell(this.find(".alarm"), "");
    this.#add(bubble);
    this.#type(holder);
    try {
      await ask("messages", { channel: this.channel, from: holder, language, id, ...what });
      if (holder !== this.holder) return;
      this.unanswered = null;
      await this.look();
    } catch (trouble) {
      if (holder === this.holder) this.#takeBack(id, what.text, trouble);
    }
    if (holder === this.holder) this.#stopTyping();
  }

  // What got no answer is sent again under the same number: if it had arrived, it is not heard twice.
  #numberFor(what) {
    const same = JSON.stringify(what);
    if (this.unanswered?.same !== same) this.unanswered = { same, number: number() };
    return this.unanswered.number;
  }

  #takeBack(id, text, trouble) {
    const bubble = this.shown.get(id);
    const arrived = !bubble; // the news of it came, only the answer did not
    bubble?.remove();
    this.shown.delete(id);
    if (text && !arrived) this.words.value = [text, this.words.value].filter(Boolean).join(" ");
    tell(this.find(".alarm"), [troubleIn(trouble), text && !arrived && say.still_there, say.again].filter(Boolean).join(" "));
    this.#toTheEnd(); // it takes room from the conversation above
  }

  #type(holder) {
    setTimeout(() => {
      if (this.isWaiting && holder === this.holder) this.find(".typing").textContent = say.typing;
    }, SOON);
  }

  #stopTyping() {
    this.isWaiting = false;
    this.find(".typing").textContent = "";
  }
}
