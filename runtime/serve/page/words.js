// The classes of the chosen stream as chips: add, remove, recolor, group.

import { ask, pathOf } from "./api.js";
import { $, el, percent } from "./dom.js";

export class Words {
  constructor() {
    this.chosen = new Set();
    this.classes = [];
    $("add").onsubmit = (event) => { event.preventDefault(); this.add($("add-word").value); };
    $("add-word").oninput = () => this.suggest();
    $("group").onsubmit = (event) => { event.preventDefault(); this.join(); };
    $("group-split").onclick = () => this.split();
  }

  update(state) {
    if (this.name !== state.name) { this.chosen.clear(); this.complain(); }
    this.name = state.name;
    this.classes = state.classes;
    const drawn = JSON.stringify([state.name, state.classes.map(({ entry, color }) => [entry, color])]);
    if (drawn !== this.drawn && !$("chips").contains(document.activeElement?.matches("input[type=color]") ? document.activeElement : null)) {
      this.drawn = drawn;
      this.build();
    }
    for (const one of state.classes) {
      const area = this.areas?.get(one.name);
      if (area) area.textContent = percent(one.area);
    }
  }

  build() {
    this.areas = new Map();
    const names = this.classes.map((one) => one.name);
    for (const name of this.chosen) if (!names.includes(name)) this.chosen.delete(name);
    const held = $("chips").contains(document.activeElement) ? document.activeElement : null;
    const at = held ? [...$("chips").children].indexOf(held.closest(".chip")) : -1;
    $("chips").replaceChildren(...this.classes.map((one) => this.chip(one)));
    if (at >= 0) { // the keyboard stays where it was, or goes to what took the place
      const chips = [...$("chips").children];
      const same = chips.find((chip) => chip.dataset.class === held.closest(".chip").dataset.class);
      (same ?? chips[Math.min(at, chips.length - 1)])?.querySelector(held.className ? `.${held.className}` : "input")?.focus();
    }
    this.showGroup();
  }

  chip(one) {
    const area = el("span", { class: "area" }, percent(one.area));
    this.areas.set(one.name, area);
    const title = one.words.length > 1 ? one.words.join(", ") : "Choose, to group it with others";
    const name = el("button", { type: "button", class: "name", title, "aria-pressed": String(this.chosen.has(one.name)), onclick: () => this.choose(one.name) },
      one.name + (one.words.length > 1 ? ` (${one.words.length})` : ""), area);
    return el("li", { class: "chip", "data-class": one.name, "data-chosen": String(this.chosen.has(one.name)) },
      el("input", { type: "color", value: one.color, "aria-label": `Color of ${one.name}`, title: "Color", onchange: (event) => this.recolor(one.name, event.target.value) }),
      name,
      el("button", { type: "button", class: "remove", "aria-label": `Remove ${one.name}`, title: "Remove", onclick: () => this.remove(one.name) }, "×"));
  }

  choose(name) {
    if (!this.chosen.delete(name)) this.chosen.add(name);
    this.build();
  }

  showGroup() {
    const chosen = this.classes.filter((one) => this.chosen.has(one.name));
    const one = chosen.length === 1 && chosen[0].words.length > 1;
    $("group").hidden = !(chosen.length > 1 || one);
    $("group-count").textContent = chosen.length > 1 ? String(chosen.length) : "the";
    $("group-join").hidden = chosen.length < 2;
    $("group-split").hidden = !one;
    if (chosen.length && !$("group-name").value) $("group-name").placeholder = chosen[0].name;
  }

  join() {
    const chosen = this.classes.filter((one) => this.chosen.has(one.name));
    if (chosen.length < 2) return;
    const entry = `${$("group-name").value.trim() || chosen[0].name}=${chosen.flatMap((one) => one.words).join("|")}`;
    this.replace(chosen.map((one) => one.name), [entry]);
    $("group-name").value = "";
  }

  split() {
    const [chosen] = this.classes.filter((one) => this.chosen.has(one.name));
    if (chosen) this.replace([chosen.name], chosen.words);
  }

  // A group that is typed takes in the classes that it names.
  async add(typed) {
    const entry = typed.trim();
    if (!entry) return;
    const words = (entry.split("=")[1] ?? "").split("|").map((word) => word.trim().toLowerCase());
    const taken = this.classes.filter((one) => entry.includes("=") && one.words.every((word) => words.includes(word.toLowerCase())));
    const names = taken.map((one) => one.name);
    if (await this.replace(names, entry.includes("=") ? [entry] : entry.split(",").map((one) => one.trim()).filter(Boolean))) $("add-word").value = "";
  }

  remove(name) { return this.replace([name], []); }

  replace(names, entries) {
    const kept = this.classes.map((one) => (names.includes(one.name) ? null : one.entry));
    const at = names.length ? kept.indexOf(null) : kept.length;
    kept.splice(at, 0, ...entries);
    return this.send(kept.filter((entry) => entry !== null));
  }

  async send(classes) {
    this.complain();
    if (!classes.length) return this.complain("One class has to stay; add another first.");
    try {
      this.update(await ask(pathOf(this.name, "/classes"), "PUT", { classes }));
      return true;
    } catch (refused) {
      return this.complain(refused.message, refused.suggestions);
    }
  }

  recolor(name, color) {
    ask(pathOf(this.name, "/settings"), "PATCH", { colors: { [name]: color } }).catch((refused) => this.complain(refused.message));
  }

  // Tell what was wrong, with words that can be had instead.
  complain(text = "", suggestions = []) {
    const take = (word) => el("button", { type: "button", onclick: () => this.add(word) }, word);
    $("words-error").replaceChildren(el("div", {}, text), ...suggestions.map(take));
    $("words-error").hidden = !text;
    return false;
  }

  suggest() {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const head = $("add-word").value.match(/^(.*[=|,])?\s*(.*)$/);
      if (!head[2]) return;
      const found = await ask(`api/words?prefix=${encodeURIComponent(head[2])}`).catch(() => ({ words: [] }));
      $("known").replaceChildren(...found.words.map((word) => el("option", { value: (head[1] ?? "") + word })));
    }, 150);
  }
}
