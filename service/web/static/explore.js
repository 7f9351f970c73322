// Explore: scrubbing through the years changes classes and words, from intervals that the server
// has computed. Nothing is decided here.

const scrubber = document.querySelector(".scrubber");
const range = document.getElementById("scrub");
const matrix = document.getElementById("matrix");
const headline = document.getElementById("headline");
const field = document.getElementById("as_of");
const why = document.getElementById("why");
const find = document.getElementById("find");
const knownOnly = document.getElementById("known-only");
const DAY = 86400000;
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const GLYPHS = { available: "✓", conditional: "◐", not_offered: "○", suspended: "‖", blocked: "✕", unknown: "?", mixed: "≠" };

const iso = (number) => new Date(number * DAY).toISOString().slice(0, 10);
const number = (day) => Math.floor(Date.parse(`${day}T00:00:00Z`) / DAY);
const people = (day) => `${Number(day.slice(8))} ${MONTHS[Number(day.slice(5, 7)) - 1]} ${day.slice(0, 4)}`;
const word = (state) => state.replace("_", " ");

for (const one of document.querySelectorAll(".needs-script")) if (one !== why) one.hidden = false;

// The matrix has a row for each place and a cell for each service; where neighbours of which nothing
// was ever recorded are one cell, it is as wide. The map has one service, which has one cell for each
// place: its shape, or its chip and perhaps a dot.
const service = scrubber.dataset.service;
const rows = service === undefined ? [...matrix.tBodies[0].rows].map(ofMatrix) : [...matrix.querySelectorAll("[id]:has(a)")].map(ofMap);

function ofMatrix(row) {
  let column = 0;
  const cells = [...row.cells].slice(1).map((cell) => {
    column += cell.colSpan;
    return { marks: [cell], text: cell.firstChild, lead: "", column: column - cell.colSpan, width: cell.colSpan };
  });
  return { row, id: row.id, cells, name: row.cells[0].textContent.trim().toLowerCase(), link: row.querySelector("a") };
}

function ofMap(row) {
  const link = row.querySelector("a");
  const text = row.querySelector("title, i").firstChild;
  const dot = row.localName === "li" ? matrix.querySelector(`svg > use[href$="#${row.id}"]`) : null;
  const marks = row.localName === "li" ? [link, dot].filter(Boolean) : [link.firstElementChild];
  const lead = text.data.slice(0, text.data.lastIndexOf(": ") + 2);
  return { row, id: row.id, cells: [{ marks, text, lead, column: null, width: 1 }], link };
}

let told = null;
let shown = field.value;
let settled = scrubber.dataset.day;
let opener = null;
let following = null;

const loading = fetch(`/intervals/${scrubber.dataset.provider}.json?known_at=${scrubber.dataset.known}`)
  .then((response) => { if (!response.ok) throw new Error(response.status); return response.json(); })
  .then((found) => {
    told = found;
    if (iso(Number(range.value)) !== settled) show(iso(Number(range.value)));
    scrubber.setAttribute("aria-busy", "false");
  })
  .catch(() => { range.disabled = true; headline.append(" The intervals could not be loaded: use the links below the line."); });

function stateOn(timeline, day) {
  let state = timeline[0][1];
  for (let at = 1; at < timeline.length && timeline[at][0] <= day; at += 1) state = timeline[at][1];
  return state;
}

function show(day) {
  if (told === null) return;
  shown = day;
  const states = told.timelines.map((timeline) => stateOn(timeline, day));
  const counts = new Array(told.states.length).fill(0);
  const only = told.services.indexOf(service);
  for (const { id, cells } of rows) {
    const timelines = told.cells[id];
    for (const { marks, text, lead, column, width } of cells) {
      const state = states[timelines[column ?? only]];
      const name = told.states[state];
      counts[state] += width;
      if (marks[0].getAttribute("class") !== name[0]) {
        for (const mark of marks) mark.setAttribute("class", name[0]);
        text.data = lead + word(name);
      }
    }
  }
  const total = counts.reduce((sum, one) => sum + one, 0);
  const unknown = counts[told.states.indexOf("unknown")];
  const strong = document.createElement("strong");
  strong.textContent = people(day);
  const parts = told.states.flatMap((name, at) => {
    if (counts[at] === 0) return [];
    const count = document.createElement("span");
    count.className = `count s-${name}`;
    count.textContent = `${GLYPHS[name]} ${word(name)} ${counts[at]}`;
    return [count, " "];
  });
  headline.replaceChildren(strong, ": ", ...parts, `${total - unknown} of ${total} cells rest on a source.`);
  range.setAttribute("aria-valuetext", people(day));
  field.value = day;
}

function address(day) {
  const url = new URL(location.href);
  url.searchParams.set("provider", scrubber.dataset.provider);
  url.searchParams.set("as_of", day);
  if (service !== undefined) url.searchParams.set("service", service);
  return url;
}

// A link in a picture has an address of another kind than one in a text.
function target(link, day) {
  const url = new URL(link.getAttribute("href"), location.href);
  url.searchParams.set("as_of", day);
  return url;
}

function links(day) {
  for (const { link } of rows) link.setAttribute("href", target(link, day));
  for (const link of document.querySelectorAll(".permalink, .also a[href*='as_of=']")) {
    link.setAttribute("href", link.getAttribute("href").replace(/as_of=[^&]*/, `as_of=${day}`));
  }
  // Of another day another service may be the best recorded, which is shown where none is named.
  const pinned = document.querySelector(".permalink");
  if (service !== undefined && pinned && !pinned.href.includes("service=")) pinned.setAttribute("href", `${pinned.getAttribute("href")}&service=${service}`);
  const said = document.getElementById("shown");
  if (said) said.textContent = `${people(day)} (${day})`;
  step("before", told.changes.findLast((one) => one < day), (one) => `‹ change of ${one}`);
  step("after", told.changes.find((one) => one > day), (one) => `change of ${one} ›`);
  settled = day;
}

function step(id, day, words) {
  const link = document.getElementById(id);
  link.hidden = day === undefined;
  if (link.hidden) return;
  link.href = address(day);
  link.textContent = words(day);
}

// What was dragged over is no page to go back to: the entry that it began at is put right again.
function settle(day) {
  clearTimeout(following);
  following = null;
  if (told === null) return;
  if (day === settled) { history.replaceState(null, "", address(day)); return; }
  history.replaceState(null, "", address(settled));
  history.pushState(null, "", address(day));
  links(day);
}

function go(day) {
  loading.then(() => { range.value = number(day); show(day); settle(day); });
}

range.addEventListener("input", () => {
  const day = iso(Number(range.value));
  show(day);
  following ??= setTimeout(follow, 100);
});
// Browsers take only so many addresses in a second.
function follow() {
  clearTimeout(following);
  following = null;
  history.replaceState(null, "", address(shown));
}
range.addEventListener("change", () => settle(iso(Number(range.value))));
range.addEventListener("keydown", (event) => {
  const months = { PageUp: 1, PageDown: -1 }[event.key];
  if (months === undefined) return;
  event.preventDefault();
  const from = new Date(Number(range.value) * DAY);
  const date = new Date(from);
  date.setUTCMonth(date.getUTCMonth() + months);
  if (date.getUTCDate() !== from.getUTCDate()) date.setUTCDate(0);
  go(iso(Math.min(Math.max(date / DAY, range.min), range.max)));
});
addEventListener("popstate", () => {
  const day = new URL(location.href).searchParams.get("as_of") ?? scrubber.dataset.day;
  if (day && /^\d{4}-\d{2}-\d{2}$/.test(day)) loading.then(() => { range.value = number(day); show(day); links(day); });
});

function change(step) {
  if (told === null) return;
  const days = told.changes;
  const next = step > 0 ? days.find((day) => day > shown) : days.findLast((day) => day < shown);
  if (next) go(next);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "[") change(-1);
  else if (event.key === "]") change(1);
  else if (event.key === "t") go(new Date().toISOString().slice(0, 10));
  else if (event.key === "/" && find) { event.preventDefault(); find.focus(); }
  else if (event.key === "Escape" && !why.hidden) shut();
});

function filter() {
  const wanted = find.value.trim().toLowerCase();
  for (const { row, id, cells, name } of rows) {
    const known = !knownOnly.checked || cells.some(({ marks }) => marks[0].className !== "u");
    row.classList.toggle("gone", !known || !(name.includes(wanted) || id.toLowerCase() === wanted));
  }
}
find?.addEventListener("input", filter);
knownOnly?.addEventListener("change", filter);

function shut() {
  why.hidden = true;
  opener.focus();
}

// The picture is hidden from who does not see it: the focus must not go there.
const isDrawn = (link) => link instanceof SVGElement;
matrix.addEventListener("mousedown", (event) => { if (isDrawn(event.target)) event.preventDefault(); });
matrix.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!rows.some((one) => one.link === link) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const url = target(link, shown);
  const part = new URL(url);
  part.searchParams.set("part", "why");
  fetch(part).then((response) => (response.ok ? response.text() : Promise.reject(response.status))).then((html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const close = document.createElement("button");
    close.className = "close";
    close.textContent = "Close";
    close.addEventListener("click", shut);
    opener = isDrawn(link) ? matrix : link;
    why.replaceChildren(close, ...page.body.childNodes);
    why.hidden = false;
    close.focus();
  }).catch(() => { location.href = url; });
});
