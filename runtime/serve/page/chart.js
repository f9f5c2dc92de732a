// The time of a frame by stage, over the last minute: areas on each other, total as a line.

import { el, milliseconds, svg } from "./dom.js";

const STAGES = ["capture", "preprocess", "infer", "postprocess"];
const MOST = 120; // rows kept, two a second
const LEAST = 30; // rows that the width stands for at least
const [WIDE, HIGH, LEFT, TOP] = [340, 110, 34, 8];

export class Chart {
  constructor(place) {
    this.place = place;
    this.rows = new Map();
  }

  add(name, latency) {
    if (!("total" in latency)) return;
    const rows = this.rows.get(name) ?? [];
    rows.push(latency);
    if (rows.length > MOST) rows.shift();
    this.rows.set(name, rows);
  }

  draw(name) {
    const rows = this.rows.get(name) ?? [];
    if (!rows.length) return this.place.replaceChildren(el("p", { class: "hint" }, "No frame yet."));
    const most = nice(Math.max(...rows.map((row) => Math.max(row.total, STAGES.reduce((sum, stage) => sum + (row[stage] ?? 0), 0)))));
    const wide = Math.max(rows.length, LEAST);
    const x = (at) => LEFT + ((WIDE - LEFT) * (wide - rows.length + at)) / (wide - 1);
    const y = (value) => HIGH - (value / most) * (HIGH - TOP);
    const parts = [];
    let below = rows.map(() => 0);
    for (const stage of STAGES) {
      const above = rows.map((row, at) => below[at] + (row[stage] ?? 0));
      const rim = [...above.map((value, at) => [x(at), y(value)]), ...below.map((value, at) => [x(at), y(value)]).reverse()];
      parts.push(styled(svg("polygon", { points: rim.map((p) => p.map((v) => v.toFixed(1)).join()).join(" ") }), "fill", stage));
      below = above;
    }
    const line = rows.map((row, at) => `${x(at).toFixed(1)},${y(row.total).toFixed(1)}`).join(" ");
    parts.push(styled(svg("polyline", { points: line, fill: "none", "stroke-width": "1.5" }), "stroke", "total"));
    for (const value of [most, most / 2]) {
      parts.unshift(svg("line", { class: "axis", x1: LEFT, x2: WIDE, y1: y(value), y2: y(value) }));
      parts.push(svg("text", { x: LEFT - 5, y: y(value) + 3, "text-anchor": "end" }, String(value)));
    }
    parts.push(svg("text", { x: LEFT - 5, y: HIGH, "text-anchor": "end" }, "ms"));
    const last = rows[rows.length - 1];
    const label = [...STAGES, "total"].map((stage) => `${stage} ${milliseconds(last[stage] ?? 0)} milliseconds`).join(", ");
    const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label, preserveAspectRatio: "none" }, ...parts);
    const keys = [...STAGES, "total"].map((stage) => el("li", {}, styled(el("i"), "background", stage), `${stage} ${milliseconds(last[stage] ?? 0)} ms`));
    this.place.replaceChildren(drawing, el("ul", { class: "keys" }, ...keys));
  }
}

function styled(node, what, stage) {
  node.style[what] = `var(--${stage})`;
  return node;
}

// The next round number: 1, 2 or 5 and noughts.
function nice(value) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((round) => round >= value) ?? 10 * unit;
}
