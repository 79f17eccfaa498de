const data = JSON.parse(document.getElementById("data").textContent);
const MESSAGES = ["offer", "hashes", "chunk", "request", "state", "other"];
const CONTENTS = ["erased", "old image", "new image", "data"];
const MARKS = [
  ["boot", "▲", "boot"],
  ["cut", "◆", "power cut"],
  ["failure", "◆", "does not start"],
  ["sleep", "●", "sleep"],
  ["connection", "●", "connection ends"],
  ["fault", "●", "fault"],
  ["broker", "■", "broker"],
  ["publisher", "■", "publisher"],
];
const PALE = ["idle", "waiting", "checking", "ready-to-reboot"];
const STATES = [...new Set(data.lanes.flatMap((lane) => lane.states.map(([, state]) => state)))];
const byId = (id) => document.getElementById(id);

/** Gives an element the color of a kind, a state or a content. */
function paint(element, name) {
  if (element.dataset.paint === name) return;
  element.dataset.paint = name;
  element.style.color = `var(--${name.replaceAll(" ", "-")})`;
}

function html(name, text, color) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (color !== undefined) paint(element, color);
  return element;
}

function svg(name, { color, ...attributes }, title) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  if (color !== undefined) paint(element, color);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (title !== undefined) element.append(svg("title", {}));
  if (title !== undefined) element.firstChild.textContent = title;
  return element;
}

function seconds(ms) {
  if (ms < 600_000) return `${(ms / 1_000).toFixed(3)} s`;
  const minutes = Math.floor(ms / 60_000);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min ${Math.floor((ms % 60_000) / 1_000)} s`;
}

function sizeOf(bytes) {
  return bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(1)} KiB`;
}

/** Returns a time for the axis. */
function short(ms) {
  return ms < 600_000 ? `${(ms / 1_000).toFixed(1)} s` : seconds(ms);
}

// Time to place: quiet times longer than a second count by their logarithm, so that an hour of sleep stays narrow.
const laneTimes = (lane) =>
  [lane.sent, lane.received, lane.lost, lane.states, lane.marks, lane.flash?.changes ?? []].flat().map(([at]) => at);
const times = [...new Set([0, data.endMs, ...data.lanes.flatMap(laneTimes)])].sort((left, right) => left - right);
const places = [0];
for (let index = 1; index < times.length; index++) {
  const gap = times[index] - times[index - 1];
  places.push(places[index - 1] + (gap <= 1_000 ? gap : 1_000 + 500 * Math.log2(gap / 1_000)));
}
const placeEnd = Math.max(1, places.at(-1));

/** Returns the last index whose value is not above `value`. */
function lastUpTo(values, value) {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Maps between two ascending lists, in straight lines from point to point. */
function along(from, to, value) {
  const index = lastUpTo(from, value);
  const span = from[index + 1] - from[index];
  if (!(span > 0)) return to[index];
  return to[index] + ((value - from[index]) / span) * (to[index + 1] - to[index]);
}
const shareOf = (ms) => along(times, places, ms) / placeEnd;
const timeOf = (share) => along(places, times, share * placeEnd);

byId("verdict").textContent = data.verdict.text;
byId("verdict").classList.toggle("good", data.verdict.isGood);
for (const [label, text] of data.facts) {
  const row = html("div");
  row.append(html("dt", label), html("dd", text));
  byId("facts").append(row);
}
byId("omitted").textContent = data.omitted.join(" ");
const hasWorld = (lane) => lane.type !== "world" || lane.marks.length > 0;
const lanes = data.lanes.filter(hasWorld);
for (const { name, type } of lanes) {
  const label = html("div", name);
  label.className = type === "world" ? "world" : "";
  label.title = name;
  byId("names").append(label);
}

/** Adds a line of a legend. */
function addLegend(id, title, entries) {
  if (entries.length === 0) return;
  const line = html("div", title);
  line.className = "legend";
  for (const [sign, text, color] of entries) {
    const entry = html("span");
    entry.append(html(sign === "" ? "i" : "b", sign, color), text);
    line.append(entry);
  }
  byId(id).append(line);
}
const kindsSeen = new Set(
  lanes.flatMap((lane) => [lane.sent, lane.received, lane.lost].flat().map(([, kind]) => kind)),
);
const marksSeen = new Set(lanes.flatMap((lane) => lane.marks.map(([, kind]) => kind)));
const isLossy = lanes.some((lane) => lane.lost.length > 0);
addLegend("legend", "Messages, ↑ sent and ↓ received:", [
  ...MESSAGES.filter((_, kind) => kindsSeen.has(kind)).map((kind) => ["", kind, kind]),
  ...(isLossy ? [["✕", "lost", "lost"]] : []),
]);
addLegend(
  "legend",
  "Marks:",
  MARKS.filter(([kind]) => marksSeen.has(kind)).map(([kind, sign, text]) => [sign, text, kind]),
);
addLegend(
  "legend",
  "Devices:",
  STATES.map((state) => ["", state, state]),
);
addLegend(
  "contents",
  "Sectors:",
  CONTENTS.map((content) => ["", content === "data" ? "other data, or torn" : content, content]),
);

const LANE = 54;
const WORLD = 40;
const TOP = 24;
const tops = [];
let height = TOP;
for (const { type } of lanes) {
  tops.push(height);
  height += type === "world" ? WORLD : LANE;
}
const scroll = byId("scroll");
let width = 0;
let head;

/** Draws arrows of one kind as one path. Where many would overlap, one stands for them. */
function arrows(messages, kind, color, draw) {
  let path = "";
  let last = -9;
  for (const [at, messageKind] of messages) {
    const x = Math.round(shareOf(at) * width);
    if (messageKind !== kind || x - last < 2) continue;
    last = x;
    path += draw(x);
  }
  return path === "" ? [] : [svg("path", { d: path, class: "arrow", color })];
}
const up = (top) => (x) => `M${x} ${top + 21}V${top + 4}M${x - 3} ${top + 8}l3 -4l3 4`;
const down = (top) => (x) => `M${x} ${top + 33}V${top + 50}M${x - 3} ${top + 46}l3 4l3 -4`;
const cross = (top) => (x) => `M${x - 3} ${top + 39}l6 6m0 -6l-6 6`;

const SHAPES = {
  boot: (x, y) => `M${x - 5} ${y + 5}h10l-5 -10z`,
  cut: (x, y) => `M${x} ${y - 7}l6 7l-6 7l-6 -7z`,
  failure: (x, y) => `M${x} ${y - 7}l6 7l-6 7l-6 -7z`,
  broker: (x, y) => `M${x - 5} ${y - 5}h10v10h-10z`,
  publisher: (x, y) => `M${x - 5} ${y - 5}h10v10h-10z`,
};
const circle = (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z`;

function drawLane(lane, top) {
  const parts = [svg("line", { x1: 0, x2: width, y1: top + 0.5, y2: top + 0.5, class: "rule" })];
  const middle = top + (lane.type === "world" ? WORLD : LANE) / 2;
  lane.states.forEach(([at, state], index) => {
    const x = shareOf(at) * width;
    const end = shareOf(lane.states[index + 1]?.[0] ?? data.endMs) * width;
    const box = { x, y: middle - 5, width: Math.max(0, end - x), height: 10, class: "fill", color: state };
    parts.push(svg("rect", box, `${lane.name} is ${state} from ${seconds(at)}`));
  });
  MESSAGES.forEach((color, kind) => {
    parts.push(...arrows(lane.sent, kind, color, up(top)), ...arrows(lane.received, kind, color, down(top)));
    parts.push(...arrows(lane.lost, kind, "lost", cross(top)));
  });
  let free = 0;
  const isEnd = ([, kind]) => kind === "connection";
  // A power cut also ends the connection, and matters more.
  const marks = lane.type === "world" ? lane.marks : lane.marks.toSorted((left, right) => isEnd(right) - isEnd(left));
  for (const [at, kind, text] of marks) {
    const x = shareOf(at) * width;
    const shape = (SHAPES[kind] ?? circle)(x, lane.type === "world" ? top + 11 : middle);
    parts.push(svg("path", { d: shape, class: "fill mark", color: kind }, `${seconds(at)}: ${text}`));
    if (lane.type !== "world" || x < free) continue;
    const label = svg("text", { x: x + 2, y: top + 32 });
    label.textContent = text.length > 34 ? `${text.slice(0, 33)}…` : text;
    free = x + 8 + label.textContent.length * 6.2;
    parts.push(label);
  }
  return parts;
}

function drawAxis() {
  const parts = [];
  let free = 0;
  times.forEach((at, index) => {
    const gap = (times[index + 1] ?? at) - at;
    const x = shareOf(at) * width;
    if (gap > 10_000) {
      const middle = (x + shareOf(times[index + 1]) * width) / 2;
      const text = `… ${short(gap)} …`;
      for (const edge of [x, shareOf(times[index + 1]) * width])
        parts.push(svg("line", { x1: edge, x2: edge, y1: TOP, y2: height, class: "break" }));
      if (middle - text.length * 3 > free + 4 && middle + text.length * 3.2 < width) {
        parts.push(svg("text", { x: middle, y: 16, "text-anchor": "middle" }));
        parts.at(-1).textContent = text;
        free = middle + text.length * 3.2;
      }
      return;
    }
    const text = short(at);
    if (x < free + 70 && index > 0) return;
    if (x + text.length * 6.2 > width) return;
    parts.push(svg("text", { x: x + 2, y: 16 }), svg("line", { x1: x, x2: x, y1: 6, y2: TOP, class: "rule" }));
    parts.at(-2).textContent = text;
    free = x + text.length * 6.2;
  });
  return parts;
}

function draw() {
  const room = Math.max(300, scroll.clientWidth);
  const detailed = Math.min(30_000, Math.max(room, (placeEnd / 1_000) * 120));
  width = Math.floor(room * (detailed / room) ** (Number(byId("zoom").value) / 100));
  const picture = svg("svg", { width, height, role: "img", "aria-label": "Lanes of devices over time" });
  picture.append(...drawAxis(), ...lanes.flatMap((lane, index) => drawLane(lane, tops[index])));
  head = svg("line", { y1: 0, y2: height, class: "head" });
  picture.append(head);
  picture.addEventListener("click", (event) => show(timeOf(Math.min(1, Math.max(0, event.offsetX / width)))));
  scroll.replaceChildren(picture);
  show(now);
}

const devices = lanes
  .filter(({ flash }) => flash !== null)
  .map((lane) => {
    const card = html("article");
    card.className = "device";
    const title = html("h3", lane.name);
    const chip = html("span");
    chip.className = "chip";
    title.append(chip);
    const app = html("p");
    card.append(title, app);
    const cells = [];
    for (const { name, sectors, shown } of lane.flash.partitions) {
      const row = html("div");
      const map = html("span");
      row.className = "partition";
      map.className = shown > 96 ? "map dense" : "map";
      for (let sector = 0; sector < shown; sector++) {
        cells.push(html("i"));
        map.append(cells.at(-1));
      }
      if (shown < sectors) map.append(html("em", shown === 0 ? `${sectors} erased` : `+ ${sectors - shown} erased`));
      row.append(html("b", name), map);
      card.append(row);
    }
    byId("devices").append(card);
    return { lane, chip, app, cells };
  });

function showDevice({ lane, chip, app, cells }) {
  const state = lane.states.filter(([at]) => at <= now).at(-1)?.[1] ?? "off";
  chip.textContent = state;
  chip.style.background = `var(--${state})`;
  chip.style.color = PALE.includes(state) ? "#1d1f21" : "#fff";
  app.textContent = lane.marks.filter(([at, kind]) => at <= now && kind === "boot").at(-1)?.[2] ?? "";
  const contents = [...lane.flash.start];
  for (const [at, sector, content] of lane.flash.changes) if (at <= now) contents[sector] = content;
  cells.forEach((cell, index) => {
    const content = CONTENTS[Number(contents[index])];
    paint(cell, content);
  });
}

const VERBS = [
  ["sent", "sends"],
  ["received", "receives"],
  ["lost", "misses"],
];
const events = lanes
  .flatMap((lane) => [
    ...VERBS.flatMap(([list, verb]) =>
      lane[list].map(([at, kind, count, bytes]) => [
        at,
        lane.name,
        `${verb} ${MESSAGES[kind]}${count > 1 ? ` (${count})` : ""}, ${sizeOf(bytes)}`,
      ]),
    ),
    ...lane.marks.map(([at, , text]) => [at, lane.name, text]),
    ...lane.states.map(([at, state]) => [at, lane.name, `is ${state}`]),
  ])
  .sort((left, right) => left[0] - right[0]);
const eventTimes = events.map(([at]) => at);

function showEvents() {
  const end = events.length > 0 && eventTimes[0] <= now ? lastUpTo(eventTimes, now) + 1 : 0;
  byId("events").replaceChildren(
    ...events
      .slice(Math.max(0, end - 18), end)
      .reverse()
      .map(([at, who, what]) => {
        const row = html("tr");
        row.append(html("td", (at / 1_000).toFixed(3)), html("td", who), html("td", what));
        row.firstChild.className = "number";
        return row;
      }),
  );
}

let now = 0;
function show(ms) {
  now = Math.min(data.endMs, Math.max(0, ms));
  const x = shareOf(now) * width;
  head.setAttribute("x1", x);
  head.setAttribute("x2", x);
  if (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth)
    scroll.scrollLeft = x - scroll.clientWidth / 2;
  byId("time").textContent = seconds(now);
  byId("slider").value = String(Math.round(shareOf(now) * 10_000));
  for (const device of devices) showDevice(device);
  showEvents();
}

let playing = false;
function setPlaying(isPlaying) {
  playing = isPlaying;
  byId("play").textContent = playing ? "Pause" : "Play";
  if (playing) requestAnimationFrame((at) => playFrom(at, shareOf(now) >= 1 ? 0 : shareOf(now)));
}
/** Plays one second of busy time in a second. */
function playFrom(startedAt, from) {
  const step = (at) => {
    if (!playing) return;
    const share = from + (at - startedAt) / placeEnd;
    show(timeOf(Math.min(1, share)));
    if (share >= 1) setPlaying(false);
    else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
byId("play").addEventListener("click", () => setPlaying(!playing));
byId("slider").addEventListener("input", () => show(timeOf(Number(byId("slider").value) / 10_000)));
byId("zoom").addEventListener("input", draw);
byId("previous").addEventListener("click", () => show(times[Math.max(0, lastUpTo(times, now - 0.001))]));
byId("next").addEventListener("click", () => show(times.find((at) => at > now) ?? data.endMs));
addEventListener("resize", draw);
draw();
// At its start a run has little to show.
show(data.endMs);
