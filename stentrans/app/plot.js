// Draws a Plotly figure and keeps zoom and pan while its content changes under the user.

const VIEW = "at"; // the page's address names what part of the section is looked at
const views = new Map(); // revision -> {x, y}: survives leaving the page and coming back
let loading = null;

/** Plotly itself, fetched once, from the app's own server. */
function loadPlotly(address) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null; // the next figure tries again
      reject(new Error("plotly.js could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

/** Address of a file of the server, below whatever path the app is served at. */
function served(path) {
  const own = document.querySelector('script[src*="/static/js/"]');
  return new URL(own ? `../..${path}` : `.${path}`, own ? own.src : document.baseURI).href;
}

/** A link opens where its sender looked; taken once, by the first map of the page. */
function takeLinkedView(revision) {
  if (views.size) return;
  const told = new URLSearchParams(location.search).get(VIEW);
  const numbers = (told ?? "").split(",").map(Number);
  const isView = numbers.length === 4 && numbers.every(Number.isFinite);
  views.set(revision, isView ? { x: numbers.slice(0, 2), y: numbers.slice(2) } : null);
}

/** Keep a view for this section, null for all of it, and write it into the page's address. */
function remember(box, view) {
  views.set(box.asked.revision, view);
  const address = new URL(location.href);
  if (view) address.searchParams.set(VIEW, [...view.x, ...view.y].map(Math.round).join());
  else address.searchParams.delete(VIEW);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

function setByName(target, dotted, value) {
  const names = dotted.split(".");
  const last = names.pop();
  names.reduce((inner, name) => (inner[name] ??= {}), target)[last] = value;
}

/** Columns, height and bars that suit the width at hand, by dotted names. */
function fitting(layouts, width) {
  const chosen = layouts.filter((one) => one.width <= width).at(-1) ?? layouts[0];
  return chosen?.layout ?? {};
}

/** Take the height that the figure will have, so that the page below does not jump. */
function makeRoom(box, height) {
  if (height) box.style.minHeight = `${height}px`;
}

function look(box, view) {
  const { x, y } = view ?? box.whole;
  box.plotly.relayout(box, { "xaxis.range": [...x], "yaxis.range": [...y] });
}

const scaled = ([a, b], by) => [(a + b + (a - b) * by) / 2, (a + b + (b - a) * by) / 2];
const moved = ([a, b], by) => [a + (b - a) * by, b + (b - a) * by];
const seen = (box) => ({ x: box.layout.xaxis.range, y: box.layout.yaxis.range });

/** What keys do to a map that has the focus: size of the view, step to the right, step upwards. */
const KEYS = {
  "+": [0.8, 0, 0],
  "-": [1.25, 0, 0],
  "Shift+ArrowLeft": [1, -0.1, 0],
  "Shift+ArrowRight": [1, 0.1, 0],
  "Shift+ArrowUp": [1, 0, 0.1],
  "Shift+ArrowDown": [1, 0, -0.1],
};

function onKey(box, event) {
  const name = (event.shiftKey && event.key.startsWith("Arrow") ? "Shift+" : "") + event.key;
  if (!box.whole || !(name in KEYS || name === "0")) return;
  event.preventDefault();
  event.stopPropagation();
  if (name === "0") return look(box, null);
  const [size, right, up] = KEYS[name];
  const { x, y } = seen(box);
  look(box, { x: moved(scaled(x, size), right), y: moved(scaled(y, size), up) });
}

function listen(box) {
  box.on("plotly_relayout", (change) => {
    if (!box.whole || !Object.keys(change).some((name) => name.includes("axis"))) return;
    const { x, y } = seen(box);
    const whole = [...box.whole.x, ...box.whole.y];
    const isWhole = [...x, ...y].every((number, i) => number === whole[i]);
    remember(box, isWhole ? null : { x: [...x], y: [...y] });
  });
  box.on("plotly_afterplot", () => swipe(box));
  box.on("plotly_doubleclick", () => box.whole && look(box, null));
  box.on("plotly_selected", (event) => {
    const points = event?.points?.filter((point) => point.data.name === "measured") ?? [];
    if (!points.length) return; // also told when the line below is taken away
    box.tell("selected", [...new Set(points.map((point) => point.pointIndex))]);
    box.plotly.relayout(box, { selections: [] });
  });
}

/** The second of two maps in one place is cut off left of a line, the first right of it. */
function swipe(box) {
  const { slider, line } = box;
  const shown = Boolean(box.asked.swipe);
  slider.hidden = line.hidden = !shown;
  if (!shown) return;
  const { _offset: left, _length: width } = box._fullLayout.xaxis;
  const { _offset: top, _length: height } = box._fullLayout.yaxis;
  const at = (width * slider.value) / 100;
  const sides = { xy: [0, at], x2y2: [at, width - at] };
  for (const [subplot, [start, length]] of Object.entries(sides)) {
    const layer = box.querySelector(`.overplot > .${subplot}`);
    if (!layer) continue;
    const id = `swipe-${box.asked.key}-${subplot}`;
    let clip = box.querySelector(`#${id}`);
    if (!clip) {
      clip = document.createElementNS("http://www.w3.org/2000/svg", "clipPath");
      clip.id = id;
      clip.append(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
      box.querySelector(".main-svg defs").append(clip);
    }
    const rect = clip.firstChild;
    for (const [name, value] of Object.entries({ x: start, y: 0, width: length, height }))
      rect.setAttribute(name, value);
    for (const child of layer.children) child.setAttribute("clip-path", `url(#${id})`);
  }
  Object.assign(slider.style, { left: `${left}px`, width: `${width}px`, top: `${top + height}px` });
  Object.assign(line.style, { left: `${left + at}px`, top: `${top}px`, height: `${height}px` });
}

function config(box, isMap) {
  const { home: icon } = box.plotly.Icons;
  const whole = { name: "whole", title: "Whole section", icon, click: () => look(box, null) };
  return {
    displaylogo: false,
    doubleClick: false,
    displayModeBar: isMap ? "hover" : false,
    // Two fingers scroll the page of a phone; its maps keep to buttons.
    scrollZoom: isMap && !matchMedia("(pointer: coarse)").matches,
    modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", whole]],
  };
}

async function draw(box) {
  const asked = box.asked;
  box.plotly = await loadPlotly(served(asked.plotly));
  if (box.isGone || box.asked !== asked) return; // taken away, or a newer figure came meanwhile
  const { data, layout } = JSON.parse(asked.spec);
  const isMap = asked.layouts.length > 0;
  const fitted = fitting(asked.layouts, box.clientWidth);
  for (const [name, value] of Object.entries(fitted)) setByName(layout, name, value);
  makeRoom(box, layout.height);
  const { fontFamily: family } = getComputedStyle(box);
  layout.font = { ...layout.font, family };
  layout.hoverlabel = { ...layout.hoverlabel, font: { family } };
  if (isMap) {
    box.whole = { x: layout.xaxis.range, y: layout.yaxis.range };
    takeLinkedView(asked.revision);
    const view = views.get(asked.revision) ?? box.whole;
    [layout.xaxis.range, layout.yaxis.range] = [[...view.x], [...view.y]];
    remember(box, views.get(asked.revision) ?? null);
    if (matchMedia("(pointer: coarse)").matches && layout.dragmode === "pan") {
      layout.dragmode = false; // a finger scrolls the page
    }
  }
  // Told once: given again, Plotly takes it for another one and draws everything anew, twice.
  await box.plotly.react(box, data, layout, box.isListening ? undefined : config(box, isMap));
  if (!box.isListening) listen(box);
  box.isListening = true;
  swipe(box);
}

/** One thing at a time: a newer figure, or taking it away, waits until Plotly has drawn. */
function afterDrawing(box, act) {
  box.drawing = (box.drawing ?? Promise.resolve())
    .then(() => act(box))
    .catch((error) => console.error(error));
}

function clear(box) {
  if (!box.isGone) return; // the page took it up again
  box.plotly?.purge(box);
  box.isListening = false;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".stentrans-plot");
  box.asked = data;
  box.isGone = false;
  box.tell = setTriggerValue;
  box.setAttribute("aria-label", data.alt);
  makeRoom(box, fitting(data.layouts, box.clientWidth).height);
  parentElement.querySelector(".stentrans-slider").setAttribute("aria-label", data.swipe ?? "");
  if (!box.watch) {
    let width = box.clientWidth;
    box.watch = new ResizeObserver(() => {
      if (box.clientWidth === width || !box.clientWidth) return;
      width = box.clientWidth;
      afterDrawing(box, draw);
    });
    box.watch.observe(box);
    box.onkeydown = (event) => onKey(box, event);
    [box.slider, box.line] = ["slider", "line"].map((name) =>
      parentElement.querySelector(`.stentrans-${name}`),
    );
    box.slider.oninput = () => swipe(box);
  }
  afterDrawing(box, draw);
  return () => {
    if (box.asked !== data) return; // only the last figure is taken away
    box.watch.disconnect();
    box.watch = null;
    box.isGone = true;
    afterDrawing(box, clear);
  };
}
