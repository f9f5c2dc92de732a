// What happened, newest first, with what was seen then.

import { ask, pathOf } from "./api.js";
import { $, el } from "./dom.js";

const MOST = 60;
const SNAPSHOT_MS = 900; // until it is drawn

export class Events {
  constructor() {
    this.seen = new Set();
  }

  async load(name) {
    const { events } = await ask(pathOf(name, "/events"));
    for (const one of events) this.add({ ...one, stream: name }, 0);
  }

  add(event, wait = SNAPSHOT_MS) {
    const key = `${event.stream}/${event.number}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    const list = $("events");
    list.querySelector(".hint")?.remove();
    const at = new Date(event.at_s * 1000);
    const row = el("li", { "data-event": event.event, "data-at": event.at_s },
      el("div", { class: "grow" }, el("time", { datetime: at.toISOString() }, `${at.toLocaleTimeString()} · ${event.stream}`), event.text));
    const after = [...list.children].find((other) => Number(other.dataset.at) <= event.at_s);
    list.insertBefore(row, after ?? null);
    while (list.children.length > MOST) list.lastChild.remove();
    setTimeout(() => this.picture(row, event), wait);
  }

  picture(row, event) {
    const src = pathOf(event.stream, `/events/${event.number}/snapshot`);
    const image = el("img", { src, alt: `What was seen: ${event.text}`, loading: "lazy", width: 76, height: 57 });
    const button = el("button", { type: "button", class: "shot", onclick: () => {
      $("large-picture").src = src;
      $("large-picture").alt = image.alt;
      $("large").showModal();
    } }, image);
    image.onerror = () => button.remove(); // no frame had come, or it is too old
    if (event.snapshot || event.snapshot === false) row.append(button);
  }
}
