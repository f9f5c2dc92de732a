// The page: one tile a stream, and a panel for the chosen one.

import { ask, enter, pathOf } from "./api.js";
import { Chart } from "./chart.js";
import { $, el } from "./dom.js";
import { Events } from "./events.js";
import { Live } from "./live.js";
import { Tile } from "./tile.js";
import { Words } from "./words.js";

const tiles = new Map();
const chart = new Chart($("chart"));
const words = new Words();
const events = new Events();
let chosen = null;
let live = null;

function connection(text, state) {
  $("connection").textContent = text;
  $("connection").dataset.state = state;
}

function takeStates(states) {
  const names = states.map((state) => state.name);
  for (const [name, tile] of tiles) {
    if (names.includes(name)) continue; // else the run is another one
    tile.node.remove();
    tiles.delete(name);
    live.forget(name);
    if (chosen === tile) chosen = null;
  }
  for (const state of states) {
    const tile = tiles.get(state.name) ?? addTile(state);
    tile.update(state);
    chart.add(state.name, state.latency_ms);
    if (tile === chosen) showPanel(state);
  }
}

function addTile(state) {
  const tile = new Tile(state.name, {
    select, pick, point, finish: finishZone, cancel: cancelZone,
    watch: (one, view) => live.watch(one.name, view),
  });
  tiles.set(state.name, tile);
  $("empty")?.remove();
  $("tiles").append(tile.node);
  if (!chosen) select(tile, state);
  ask(pathOf(state.name, "/zones")).then(({ zones }) => { tile.zones = zones; tile.draw(); if (tile === chosen) listZones(); }).catch(() => {});
  events.load(state.name).catch(() => {});
  return tile;
}

function select(tile, state = tile.state) {
  if (chosen && chosen !== tile) cancelZone(chosen);
  chosen = tile;
  for (const one of tiles.values()) one.node.setAttribute("aria-current", String(one === tile));
  $("panel").hidden = $("below").hidden = false;
  $("panel-title").textContent = tile.name;
  if (state) showPanel(state);
  listZones();
}

function showPanel(state) {
  words.update(state);
  for (const name of ["opacity", "threshold"]) {
    if (document.activeElement !== $(name)) setSlider(name, state[name]);
  }
  chart.draw(state.name);
  const { source, frames } = state;
  const facts = {
    Source: `${source.kind} ${source.name}`,
    Size: source.size_wh ? source.size_wh.join(" × ") : "not known yet",
    Frames: `${frames.processed} segmented, ${frames.dropped} dropped, ${frames.spared} spared`,
    Reconnects: String(source.reconnects),
    Backend: state.backend,
  };
  $("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function setSlider(name, value) {
  $(name).value = value;
  $(name).nextElementSibling.textContent = `${Math.round(value * 100)} %`;
}

for (const name of ["opacity", "threshold"]) {
  let timer = null;
  $(name).oninput = () => {
    const value = Number($(name).value);
    setSlider(name, value);
    const stream = chosen.name;
    clearTimeout(timer);
    timer = setTimeout(() => ask(pathOf(stream, "/settings"), "PATCH", { [name]: value }).catch((refused) => words.complain(refused.message)), 80);
  };
}

async function pick(tile, [x, y]) {
  if (tile !== chosen) select(tile);
  try {
    const found = await ask(pathOf(tile.name, `/pixel?x=${x.toFixed(5)}&y=${y.toFixed(5)}`));
    tile.surround(found.outline);
    const rows = found.words.flatMap((one) => {
      const bar = el("i");
      bar.style.width = `${100 * one.probability}%`;
      return [el("span", { class: one.class === null ? "other" : "" }, one.word), el("span", { class: "bar" }, bar), el("span", { class: "figure" }, `${Math.round(100 * one.probability)} % · ${one.similarity.toFixed(2)}`)];
    });
    const unit = found.unit === null ? "" : ` · unit ${found.unit}`;
    $("pixel").replaceChildren(el("p", {}, el("strong", {}, found.class ?? "none of the classes"), unit), el("div", { class: "bars" }, ...rows));
  } catch (refused) {
    $("pixel").replaceChildren(el("p", { class: "error" }, refused.message));
  }
}

function listZones() {
  const zones = chosen.zones;
  const row = (zone) => el("li", {}, el("span", { class: "grow" }, zone.name), el("span", { class: "hint" }, `${zone.points.length} corners`),
    el("button", { type: "button", "aria-label": `Delete zone ${zone.name}`, onclick: () => saveZones(zones.filter((one) => one !== zone)) }, "Delete"));
  $("zones").replaceChildren(...zones.map(row));
  let number = 1;
  while (zones.some((zone) => zone.name === `zone ${number}`)) number += 1;
  $("zone-name").value = `zone ${number}`;
}

async function saveZones(zones) {
  const tile = chosen;
  try {
    ({ zones: tile.zones } = await ask(pathOf(tile.name, "/zones"), "PUT", { zones }));
    $("zone-hint").textContent = "";
    listZones();
    tile.draw();
    return true;
  } catch (refused) {
    $("zone-hint").textContent = refused.message;
    return false;
  }
}

function setDrawing(draft, hint = "") {
  chosen.draft = draft;
  $("zone-draw").textContent = draft ? "Finish" : "Draw";
  $("zone-cancel").hidden = !draft;
  $("zone-hint").textContent = hint;
  chosen.draw();
}

function point(tile, at) {
  tile.draft.push([...at]);
  $("zone-hint").textContent = `${tile.draft.length} corners; Finish closes the zone.`;
}

async function finishZone(tile) {
  const corners = tile.draft.filter((one, at) => at === 0 || one.some((value, axis) => Math.abs(value - tile.draft[at - 1][axis]) > 1e-3));
  if (corners.length < 3) {
    $("zone-hint").textContent = "A zone has three corners or more.";
    return;
  }
  const zone = { name: $("zone-name").value.trim(), points: corners };
  if (await saveZones([...tile.zones, zone])) setDrawing(null);
}

function cancelZone(tile) {
  if (tile === chosen && tile.draft) setDrawing(null);
}

$("zone").onsubmit = (event) => {
  event.preventDefault();
  if (chosen.draft) return finishZone(chosen);
  setDrawing([], "Click the corners in the picture, or move the cross with the arrow keys and press Enter.");
  chosen.stage.focus();
};
$("zone-cancel").onclick = () => cancelZone(chosen);

async function start() {
  try {
    await enter();
  } catch (refused) {
    connection(refused.message, "away");
    setTimeout(start, 3000);
    return;
  }
  let opened = false;
  live = new Live({
    open: () => { connection("connected", "running"); opened = true; },
    close: () => {
      connection("reconnecting", "away");
      if (!opened) enter().catch(() => {});
      opened = false;
    },
    streams: takeStates,
    event: (event) => { events.add(event); if (event.event === "zones-changed") takeZones(event); },
    refused: (text) => words.complain(text),
    picture: ({ stream }, picture) => tiles.get(stream)?.show(picture),
  });
}

function takeZones({ stream, facts }) {
  const tile = tiles.get(stream);
  if (!tile) return;
  tile.zones = facts.zones;
  tile.draw();
  if (tile === chosen && !tile.draft) listZones();
}

start();
