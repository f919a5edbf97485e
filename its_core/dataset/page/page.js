"use strict";
// Text of the definition and the manifest only ever becomes textContent, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const clips = data.clips;
const byId = (id) => document.getElementById(id);
const element = (name, text, attributes) => {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  return made;
};
const words = (text) => (text === null || text === undefined ? "not known" : String(text).replaceAll("_", " "));

// ---- filters and gallery
const FILTERS = [["incident", "Incident"], ["weather", "Weather"], ["light", "Light"], ["camera", "Camera"], ["split", "Split"], ["status", "Status"]];
const chosen = {};
let shown = clips;

function buildFilters() {
  const form = byId("filters");
  for (const [key, name] of FILTERS) {
    const label = element("label", name);
    const select = element("select", null, { id: `filter-${key}` });
    select.append(element("option", "all", { value: "" }));
    for (const value of [...new Set(clips.map((clip) => clip[key] ?? ""))].sort()) {
      if (value !== "") select.append(element("option", words(value), { value }));
    }
    select.addEventListener("change", () => { chosen[key] = select.value; filter(); });
    label.append(select);
    form.append(label);
  }
  const label = element("label", "Scenario or clip");
  const search = element("input", null, { type: "search", id: "search" });
  search.addEventListener("input", () => { chosen.text = search.value.toLowerCase(); filter(); });
  label.append(search);
  form.append(label);
  const reset = element("button", "Reset", { type: "reset" });
  form.append(reset);
  form.addEventListener("reset", () => { for (const key of Object.keys(chosen)) delete chosen[key]; filter(); });
  form.addEventListener("submit", (event) => event.preventDefault());
}

function filter() {
  const wanted = Object.entries(chosen).filter(([key, value]) => value && key !== "text");
  shown = clips.filter((clip) => wanted.every(([key, value]) => clip[key] === value)
    && (!chosen.text || `${clip.scenario} ${clip.id}`.toLowerCase().includes(chosen.text)));
  const visible = new Set(shown);
  for (const clip of clips) clip.card.hidden = !visible.has(clip);
  byId("count").textContent = `${shown.length} of ${clips.length} clips` + (data.total > clips.length ? `; the version has ${data.total}` : "");
}

function buildGallery() {
  const all = document.createDocumentFragment();
  for (const clip of clips) {
    const card = element("button", null, { type: "button", class: "card", "data-clip": clip.id });
    card.append(element("img", null, { src: clip.poster, alt: "", loading: "lazy", decoding: "async", width: data.poster[0], height: data.poster[1] }));
    card.append(element("strong", words(clip.incident)));
    card.append(element("span", clip.scenario + (clip.variant ? ` v${clip.variant}` : "")));
    card.append(element("span", [clip.camera, clip.weather, clip.light, clip.split].filter(Boolean).map(words).join(" · ")));
    card.addEventListener("click", () => open(clip));
    clip.card = card;
    all.append(card);
  }
  byId("gallery").append(all);
}

function moveFocus(event) {
  if (!event.target.classList.contains("card")) return;
  const columns = getComputedStyle(byId("gallery")).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!step) return;
  const target = shown[shown.findIndex((clip) => clip.card === event.target) + step];
  if (target) { target.card.focus(); event.preventDefault(); }
}

// ---- viewer
const viewer = byId("viewer");
let current = null;
let screens = []; // {clip, video, canvas, details}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

async function open(clip) {
  current = clip;
  const pair = clip.pair ? clips.filter((other) => other.pair === clip.pair) : [clip];
  const beside = pair.length > 1 ? [clip, ...pair.filter((other) => other !== clip)].slice(0, 3) : [clip];
  byId("viewer-title").textContent = `${words(clip.incident)}: ${clip.scenario}`;
  stop();
  screens = [];
  byId("screens").replaceChildren();
  for (const each of beside) {
    const figure = element("figure");
    const video = element("video", null, { src: each.video, preload: "auto", muted: "", playsinline: "", "aria-label": `Clip ${each.scenario}` });
    video.muted = true;
    const canvas = element("canvas", null, { width: data.size[0], height: data.size[1] });
    figure.append(video, canvas, element("figcaption", `${each.scenario} · ${words(each.incident)} · ${each.split}`));
    byId("screens").append(figure);
    const screen = { clip: each, video, canvas, details: await unpack(each.more) };
    for (const event of ["seeked", "loadeddata", "timeupdate"]) video.addEventListener(event, () => draw(screen));
    screens.push(screen);
  }
  drawTimeline();
  drawDetails();
  if (!viewer.open) viewer.showModal();
  screens.forEach(draw);
}

const frameOf = (screen) => Math.min(screen.clip.frames - 1, Math.max(0, Math.floor(screen.video.currentTime * screen.clip.fps + 0.01)));

function draw(screen) {
  const { canvas, clip, details } = screen;
  const frame = frameOf(screen);
  const pen = canvas.getContext("2d");
  // The canvas has the screen's resolution, and the pen the clip's coordinates.
  const width = screen.video.clientWidth || data.size[0], height = screen.video.clientHeight || data.size[1];
  canvas.width = Math.round(width * devicePixelRatio); canvas.height = Math.round(height * devicePixelRatio);
  canvas.style.height = `${height}px`;
  pen.scale(canvas.width / data.size[0], canvas.height / data.size[1]);
  const unit = data.size[0] / width, line = 2 * unit;
  for (const track of details.tracks) {
    const colour = { at_fault: "#ff7a3d", not_at_fault: "#4fc3f7" }[track.role] || "#c3c9d0";
    const box = track.boxes[frame - track.first];
    if (byId("boxes").checked && box) {
      pen.strokeStyle = colour; pen.lineWidth = line;
      pen.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      pen.font = `${12 * unit}px sans-serif`; pen.fillStyle = colour;
      pen.fillText(`${words(track.type)} ${track.id}`, box[0], box[1] - 3 * unit);
    }
    if (byId("paths").checked) {
      pen.strokeStyle = colour; pen.lineWidth = line / 2; pen.beginPath();
      track.boxes.slice(0, frame - track.first + 1).forEach((at) => { if (at) pen.lineTo((at[0] + at[2]) / 2, at[3]); });
      pen.stroke();
    }
  }
  if (byId("impact").checked && details.impact && clip.accident !== null && Math.abs(frame - clip.accident) <= 2) {
    pen.strokeStyle = "#ff4060"; pen.lineWidth = 2 * line; pen.beginPath();
    pen.arc(details.impact[0], details.impact[1], 14 * unit, 0, 2 * Math.PI); pen.stroke();
  }
  if (screen === screens[0]) {
    canvas.dataset.frame = frame;
    byId("clock").textContent = `frame ${frame} of ${clip.frames}, ${(frame / clip.fps).toFixed(2)} s`;
    const needle = byId("timeline").querySelector("b");
    if (needle) needle.style.left = `${(100 * frame) / clip.frames}%`;
  }
}

function drawTimeline() {
  const { clip, details } = screens[0];
  const bar = byId("timeline");
  bar.replaceChildren();
  for (const [name, start, end] of details.phases) {
    const phase = element("i", name, { class: name });
    phase.style.left = `${(100 * start) / clip.frames}%`;
    phase.style.width = `${(100 * (end - start)) / clip.frames}%`;
    bar.append(phase);
  }
  bar.append(element("b"));
  bar.setAttribute("aria-label", details.phases.map(([name, start, end]) => `${name}: frames ${start} to ${end - 1}`).join("; ") || "No phases are known");
}

function rowsTable(caption, rows, heads) {
  const box = element("div", null, { class: "scroll", tabindex: "0", role: "region", "aria-label": caption });
  const table = element("table");
  table.append(element("caption", caption));
  const head = element("tr");
  heads.forEach((name) => head.append(element("th", name, { scope: "col" })));
  table.append(head);
  for (const row of rows) {
    const line = element("tr");
    row.forEach((cell) => line.append(element("td", cell ?? "")));
    table.append(line);
  }
  box.append(table);
  return box;
}

function drawDetails() {
  const { clip, details } = screens[0];
  const list = byId("details");
  list.replaceChildren(element("h3", "Prompt"), element("pre", details.prompt), element("h3", "Labels"));
  list.append(rowsTable("Labels and where they come from", details.labels, ["label", "value", "source"]));
  list.append(element("h3", "How it was made"));
  list.append(rowsTable("Attempts", details.attempts, ["outcome", "reason", "started", "seconds"]));
  list.append(rowsTable("Lineage", details.lineage, ["", ""]));
  list.append(element("a", "the clip", { href: clip.video }));
  if (clip.annotations) list.append(element("a", "its annotations", { href: clip.annotations }));
}

function stop() { screens.forEach((screen) => screen.video.pause()); byId("play").textContent = "Play"; }
function play() {
  if (!screens.length) return;
  if (!screens[0].video.paused) { stop(); return; }
  const at = screens[0].video.ended ? 0 : screens[0].video.currentTime;
  screens.forEach((screen) => { screen.video.currentTime = at; screen.video.play(); });
  byId("play").textContent = "Pause";
  const tick = () => {
    screens.forEach(draw);
    if (screens.length && !screens[0].video.paused && !screens[0].video.ended) requestAnimationFrame(tick); else byId("play").textContent = "Play";
  };
  requestAnimationFrame(tick);
}
function step(frames) {
  stop();
  const target = Math.max(0, Math.min(screens[0].clip.frames - 1, frameOf(screens[0]) + frames));
  screens.forEach((screen) => { screen.video.currentTime = (target + 0.5) / screen.clip.fps; });
}
function turn(by) {
  const next = shown[shown.indexOf(current) + by];
  if (next) open(next);
}
function seek(event) {
  const box = byId("timeline").getBoundingClientRect();
  screens.forEach((screen) => { screen.video.currentTime = ((event.clientX - box.left) / box.width) * screen.clip.frames / screen.clip.fps; });
}

function keys(event) {
  if (!viewer.open || event.target.tagName === "INPUT") return;
  const action = {
    ArrowLeft: () => turn(-1), ArrowRight: () => turn(1), ",": () => step(-1), ".": () => step(1),
    b: () => byId("boxes").click(), t: () => byId("paths").click(), i: () => byId("impact").click(),
  }[event.key];
  if (event.key === " " && event.target.tagName !== "BUTTON") { play(); event.preventDefault(); }
  else if (action) { action(); event.preventDefault(); }
}

// ---- charts
function buildCharts() {
  for (const chart of data.charts) {
    const box = element("div", null, { class: "chart" });
    box.append(element("h3", chart.title));
    const most = Math.max(1, ...chart.bars.map(([, value]) => value));
    for (const [name, value] of chart.bars) {
      const line = element("div");
      line.append(element("span", words(name)), element("meter", null, { min: 0, max: most, value, "aria-label": `${words(name)}: ${value}` }), element("span", value.toLocaleString("en")));
      box.append(line);
    }
    byId("chart-list").append(box);
  }
  if (data.missing.length) byId("missing").append(rowsTable("Rows and clips that were not made", data.missing, ["row", "scenario", "outcome", "column", "value", "reason"]));
  else byId("missing").append(element("p", "Every row and every clip was made."));
}

buildFilters();
buildGallery();
filter();
buildCharts();
byId("gallery").addEventListener("keydown", moveFocus);
document.addEventListener("keydown", keys);
byId("play").addEventListener("click", play);
byId("back").addEventListener("click", () => step(-1));
byId("forward").addEventListener("click", () => step(1));
byId("previous").addEventListener("click", () => turn(-1));
byId("next").addEventListener("click", () => turn(1));
byId("close").addEventListener("click", () => viewer.close());
byId("timeline").addEventListener("click", seek);
for (const id of ["boxes", "paths", "impact"]) byId(id).addEventListener("change", () => screens.forEach(draw));
viewer.addEventListener("close", () => { stop(); if (current) current.card.focus(); });
if (location.hash.startsWith("#clip=")) {
  const named = clips.find((clip) => clip.id === location.hash.slice(6));
  if (named) open(named);
}
document.documentElement.dataset.ready = "true";
