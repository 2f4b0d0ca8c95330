// SPDX-License-Identifier: EUPL-1.2
import { ask } from "./desk.js";

const EVERY = 1000; // ms between two looks, where the browser cannot be told

// What is new, for the two phones of one person. A browser opens few connections to one place: a page that nobody
// looks at lets go of its own.
export class News {
  constructor(question, take, lost) {
    Object.assign(this, { question, take, lost, source: null, isOver: false });
    this.seen = () => (document.hidden ? this.#hangUp() : this.#listen());
    document.addEventListener("visibilitychange", this.seen);
    this.#listen();
  }

  get isOpen() {
    return this.source?.readyState === 1;
  }

  // Look once, now.
  async look() {
    const found = await ask(`look?${this.question}`);
    if (!this.isOver) this.take(found);
  }

  end() {
    this.isOver = true;
    document.removeEventListener("visibilitychange", this.seen);
    this.#hangUp();
  }

  #hangUp() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  #listen() {
    this.#hangUp();
    if (this.isOver) return;
    if (!window.EventSource) return this.#keepLooking();
    this.source = new EventSource(`/simulator/events?${this.question}`);
    this.source.addEventListener("news", (event) => this.take(JSON.parse(event.data)));
    this.source.addEventListener("error", () => this.#comeBack());
  }

  // A browser comes back by itself after a broken line, but not after a refusal.
  #comeBack() {
    this.lost();
    if (this.source?.readyState === 2) this.timer = setTimeout(() => this.#listen(), EVERY);
  }

  async #keepLooking() {
    await this.look().catch(this.lost);
    if (!this.isOver && !document.hidden) this.timer = setTimeout(() => this.#keepLooking(), EVERY);
  }
}
