// One stream's tile: its picture, what is drawn over it, and how it is looked at.

import { pathOf } from "./api.js";
import { el, svg } from "./dom.js";

const VIEWS = [["overlay", "Overlay"], ["masks", "Masks"], ["units", "Units"], ["similarity", "One word"], ["picture", "Camera"]];
const STATES = { starting: "starting", running: "live", silent: "no frames", away: "source away", ended: "ended" };
const SCALE = 1000; // of the drawing over the picture, whatever its size
const STEP = 0.02;

const OUTLINE_MS = 8000; // the picture moves on, an outline does not

const corners = () => svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
  svg("path", { d: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", fill: "none", stroke: "currentColor", "stroke-width": 2 }));

export class Tile {
  constructor(name, hear) {
    this.name = name;
    this.hear = hear; // {select, pick, point, finish, cancel, watch}
    this.cross = [0.5, 0.5];
    this.outline = [];
    this.zones = [];
    this.draft = null;
    this.build();
  }

  build() {
    this.badge = el("span", { class: "badge", "data-state": "starting" }, "starting");
    this.speed = el("span", { class: "speed" });
    this.canvas = el("canvas", { width: 640, height: 480, "aria-hidden": "true" });
    this.paper = svg("svg", { viewBox: `0 0 ${SCALE} ${SCALE}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.waiting = el("p", { class: "waiting" }, "Waiting for a frame …");
    this.labels = el("div", {});
    this.stage = el("div", {
      class: "stage", tabindex: "0", role: "application",
      "aria-label": `Picture of ${this.name}: arrow keys move a cross, Enter says what is there`,
      onclick: (event) => this.click(event), onkeydown: (event) => this.key(event),
      ondblclick: () => this.draft && this.hear.finish(this), onblur: () => this.draw(), onfocus: () => this.draw(),
    }, this.canvas, this.paper, this.labels, this.waiting);
    this.view = el("select", { "aria-label": `View of ${this.name}`, onchange: () => this.look() },
      ...VIEWS.map(([value, text]) => el("option", { value }, text)));
    this.word = el("select", { "aria-label": "Word", hidden: true, onchange: () => this.look() });
    this.node = el("article", { class: "tile", "aria-label": this.name, "data-stream": this.name },
      el("div", { class: "head" },
        el("h2", {}, el("button", { type: "button", onclick: () => this.hear.select(this), title: "Show its controls" }, this.name)),
        this.badge, this.speed),
      this.stage,
      el("div", { class: "tools" }, this.view, this.word, el("span", { class: "end" },
        el("button", { type: "button", title: "Download the last seconds as a video", onclick: (event) => this.save(event.target) }, "Save clip"),
        el("button", { type: "button", class: "icon", title: "Full screen", "aria-label": `Full screen: ${this.name}`, onclick: () => this.node.requestFullscreen?.() }, corners()))));
    new ResizeObserver(() => this.look(true)).observe(this.stage);
  }

  // Ask for the pictures of the chosen view, at the width at which they are shown.
  look(resized = false) {
    const similarity = this.view.value === "similarity";
    this.word.hidden = !similarity;
    const pixels = this.stage.clientWidth * Math.min(devicePixelRatio || 1, 1.5);
    const wanted = { view: this.view.value, width: [320, 480, 640, 960].find((one) => one >= pixels) ?? 960 };
    if (similarity) wanted.word = this.word.value;
    if (resized && this.wanted && wanted.width <= this.wanted.width) return;
    if (JSON.stringify(wanted) === JSON.stringify(this.wanted)) return;
    this.wanted = wanted;
    this.hear.watch(this, wanted);
  }

  show(picture) {
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
    }
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    this.waiting.hidden = true;
  }

  update(state) {
    const word = state.source.state;
    if (this.badge.dataset.state !== word) {
      this.badge.dataset.state = word;
      this.badge.textContent = STATES[word] ?? word;
    }
    const total = state.latency_ms.total;
    this.speed.textContent = total === undefined ? "" : `${state.fps.toFixed(1)} frames/s · ${Math.round(total)} ms`;
    this.state = state;
    const words = [...state.classes.flatMap((one) => one.words), ...state.background];
    if (this.words !== words.join("|")) this.offer(words);
  }

  offer(words) {
    this.words = words.join("|");
    const chosen = this.word.value;
    this.word.replaceChildren(...words.map((word) => el("option", { value: word }, word)));
    if (words.includes(chosen)) this.word.value = chosen;
    else if (this.view.value === "similarity") this.look();
  }

  async save(button) {
    button.disabled = true;
    try {
      const answer = await fetch(pathOf(this.name, "/clip"));
      if (!answer.ok) throw new Error((await answer.json()).error);
      const href = URL.createObjectURL(await answer.blob());
      el("a", { href, download: `${this.name}.mp4` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60000);
      button.textContent = "Save clip";
    } catch (error) {
      button.textContent = "No clip";
      button.title = error.message;
    }
    button.disabled = false;
  }

  click(event) {
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    this.cross = [Math.min(Math.max(x, 0), 1), Math.min(Math.max(y, 0), 1)];
    this.use();
  }

  use() {
    if (this.draft) this.hear.point(this, this.cross);
    else this.hear.pick(this, this.cross);
    this.draw();
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = event.shiftKey ? STEP * 5 : STEP;
    if (event.key in moves) {
      this.cross = this.cross.map((at, axis) => Math.min(Math.max(at + step * moves[event.key][axis], 0), 1));
      this.draw();
    } else if (event.key === "Enter" && this.draft && event.ctrlKey) this.hear.finish(this);
    else if (event.key === "Enter" || event.key === " ") this.use();
    else if (event.key === "Backspace" && this.draft) { this.draft.pop(); this.draw(); }
    else if (event.key === "Escape") { this.outline = []; this.hear.cancel(this); this.draw(); }
    else return;
    event.preventDefault();
  }

  surround(outline) {
    this.outline = outline;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { this.outline = []; this.draw(); }, OUTLINE_MS);
    this.draw();
  }

  // Outline, zones, the zone that is being drawn, the cross.
  draw() {
    const line = (points) => points.map(([x, y]) => `${x * SCALE},${y * SCALE}`).join(" ");
    const shape = (kind, tag, points) => svg(tag, { class: kind, points: line(points), "vector-effect": "non-scaling-stroke" });
    const parts = this.zones.flatMap((zone) => [shape("shadow", "polygon", zone.points), shape("zone", "polygon", zone.points)]);
    if (this.outline.length) {
      const d = this.outline.map((rim) => `M${line(rim)}Z`).join("");
      parts.push(...["shadow", "unit"].map((kind) => svg("path", { class: kind, d, "vector-effect": "non-scaling-stroke" })));
    }
    if (this.draft) {
      parts.push(shape("shadow", "polyline", this.draft), shape("draft", this.draft.length > 2 ? "polygon" : "polyline", this.draft));
      for (const [x, y] of this.draft) parts.push(svg("ellipse", { class: "draft", cx: x * SCALE, cy: y * SCALE, rx: 6, ry: 8, "vector-effect": "non-scaling-stroke" }));
    }
    if (this.stage.matches(":focus-visible") || this.draft) {
      const [x, y] = this.cross.map((at) => at * SCALE);
      for (const d of [`M${x - 22},${y}H${x + 22}`, `M${x},${y - 28}V${y + 28}`])
        parts.push(...["shadow", "cross"].map((kind) => svg("path", { class: kind, d, "vector-effect": "non-scaling-stroke" })));
    }
    this.paper.replaceChildren(...parts);
    this.labels.replaceChildren(...this.zones.map((zone) => {
      const [x, y] = [0, 1].map((axis) => zone.points.reduce((sum, point) => sum + point[axis], 0) / zone.points.length);
      const label = el("span", { class: "label" }, zone.name);
      label.style.left = `${100 * x}%`;
      label.style.top = `${100 * y}%`;
      return label;
    }));
  }
}
