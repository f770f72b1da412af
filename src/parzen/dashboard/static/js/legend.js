// The legend of a plot, beside it and not in it: it can be pressed by keys, wraps on a phone, and takes no room that plotly
// would have to find.

import {el, refill, svg} from "./dom.js";

const PATHS = {
  "x-thin": "M4 3 L12 11 M12 3 L4 11",
  "triangle-up": "M8 2.5 L13 11.5 L3 11.5 Z",
  diamond: "M8 1.5 L13.5 7 L8 12.5 L2.5 7 Z",
  "line-ns": "M8 2 L8 12",
};

/** What one trace looks like, small. */
function swatch(trace) {
  const box = svg("svg", {viewBox: "0 0 16 14", width: 16, height: 14, "aria-hidden": "true"});
  const {marker} = trace;
  if (trace.type === "bar") {
    box.append(svg("rect", {x: 2, y: 2, width: 12, height: 10, fill: marker.color}));
  } else if (trace.fill) {
    box.append(svg("rect", {x: 0, y: 3, width: 16, height: 8, fill: trace.fillcolor}));
  } else if (trace.mode === "lines") {
    const dash = {dash: "4 3", dot: "2 2"}[trace.line.dash] ?? "none";
    box.append(svg("path", {d: "M0 7 L16 7", stroke: trace.line.color, "stroke-width": 2.2, "stroke-dasharray": dash}));
  } else if (marker) {
    const colour = typeof marker.color === "string" ? marker.color : "currentColor";
    const {symbol} = marker;
    const thin = ["x-thin", "line-ns", "circle-open"].includes(symbol);
    const paint = {fill: thin ? "none" : colour, stroke: thin ? colour : "none", "stroke-width": 1.8};
    box.append(symbol in PATHS ? svg("path", {d: PATHS[symbol], ...paint}) : svg("circle", {cx: 8, cy: 7, r: 4, ...paint}));
  }
  return box;
}

/** Fill `node` with what a figure's traces are called; pressing one hides and shows its traces. */
export function showLegend(node, box, data) {
  const entries = new Map();
  data.forEach((trace, k) => {
    if (!trace.name) return;
    const known = entries.get(trace.name);
    if (known) known.places.push(k);
    else if (trace.showlegend !== false) entries.set(trace.name, {trace, places: [k]});
  });
  // Bands are two traces, of which the first has no name.
  refill(node, entries.size < 2 ? [] : [...entries].map(([name, {trace, places}]) => {
    const button = el("button", {type: "button", class: "quiet", "aria-pressed": "true", on: {click: () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      window.Plotly.restyle(box, {visible: shown}, places);
    }}}, swatch(trace), plainText(name));
    return button;
  }));
}

/** Names come escaped for plotly, which reads tags in them; here they are texts again. */
function plainText(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
