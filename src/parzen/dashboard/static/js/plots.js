// Plots by plotly, linked by the trials that are picked out.
//
// plotly's script is read when the first plot comes into view.  Each plot is made by the server for the theme at hand; where
// not all trials are drawn the server draws those that were picked out in any case.

import {get, getNow} from "./api.js";
import {el, plain, refill, svg} from "./dom.js";
import {short, whole} from "./format.js";
import {showLegend} from "./legend.js";
import {onTheme, theme} from "./theme.js";

const MANY = 500;  // trials that a plot is asked to draw in any case
const PAPER = 680;  // pixels of a sheet between its margins
const CONFIG = {displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false};

let reading = null;

// plotly sets some styles as the attribute `style`, which the page's policy forbids, because markup that was smuggled in
// could do so too.  The same text as a property of the element needs a script of ours, and is allowed.
function stylesByProperty(prototype) {
  const {setAttribute} = prototype;
  prototype.setAttribute = function (name, text) {
    if (name === "style") this.style.cssText = text;
    else setAttribute.call(this, name, text);
  };
}

/** plotly itself. */
export function plotly() {
  reading ??= new Promise((done, failed) => {
    if (!Object.hasOwn(SVGElement.prototype, "setAttribute")) stylesByProperty(SVGElement.prototype);
    if (!Object.hasOwn(HTMLElement.prototype, "setAttribute")) stylesByProperty(HTMLElement.prototype);
    const script = el("script", {src: "/plotly.js"});
    // It brings an inline style sheet for maps along, which would be refused; there are no maps here.
    const {createElement} = document;
    document.createElement = (tag, ...more) => createElement.call(document, tag === "style" ? "template" : tag, ...more);
    script.addEventListener("load", () => {
      document.createElement = createElement;
      done(window.Plotly);
    });
    script.addEventListener("error", () => {
      document.createElement = createElement;
      reading = null;
      failed(new Error("plotly's script could not be read"));
    });
    document.head.append(script);
  });
  return reading;
}

/** Draw a figure of the server into a box; narrow boxes have their panels one below the other. */
export async function draw(box, figure, dragmode = "zoom") {
  const Plotly = await plotly();
  await put(Plotly, box, figure, dragmode);
}

/** The same at once, of a given width where there is one. */
function put(Plotly, box, figure, dragmode, width = null) {
  const layout = structuredClone(figure.layout);
  layout.dragmode = dragmode;
  layout.autosize = width === null;
  if (width !== null) layout.width = width;
  if (figure.panels > 1) {
    const wide = width ?? box.clientWidth, {room} = figure;
    const columns = Math.max(1, Math.min(figure.columns, Math.floor(wide / (room + 180))));
    const rows = Math.ceil(figure.panels / columns);
    // A gap is a share of the width of one panel; between two of them stands what is written to the left of the second.
    const panels = Math.max(wide - room - 110, 100);
    layout.grid = {...layout.grid, rows, columns, xgap: columns > 1 ? Math.min(0.6, (room * columns) / (panels + room)) : 0.1};
    layout.height = rows === 1 ? 340 : 250 * rows + 60;
  }
  layout.font = {...layout.font, family: getComputedStyle(document.body).fontFamily};
  box.classList.remove("waiting");
  if (!box.querySelector(".plot-container")) box.replaceChildren();
  const drawn = Plotly.react(box, figure.data, layout, CONFIG);
  const legend = box.previousElementSibling;
  if (legend?.classList.contains("legend")) showLegend(legend, box, figure.data);
  if (!box.whole) box.on("plotly_afterplot", () => tellWhole(box));
  box.whole = figure.whole;
  tellWhole(box);
  return drawn;
}

/** Texts that were cut tell all of themselves to whoever points at them. */
function tellWhole(box) {
  if (!Object.keys(box.whole).length) return;
  for (const text of box.querySelectorAll("svg text")) {
    const said = text.textContent.trim();
    if (!Object.hasOwn(box.whole, said)) continue;
    text.append(svg("title", {}, box.whole[said]));
    text.style.pointerEvents = "all";
  }
}

/** The plots of a study, each in a card. */
export class Plots {
  /**
   * @param uid of the study
   * @param study what the server told of it: `plots`, `labels`
   * @param selection shared with the table
   * @param signal ends everything
   */
  constructor(uid, study, selection, signal) {
    this.uid = uid;
    this.study = study;
    this.selection = selection;
    this.signal = signal;
    this.dragmode = "select";
    this.cards = new Map();
    this.queue = Promise.resolve();
    this.seen = new IntersectionObserver((entries) => this.#look(entries), {rootMargin: "200px"});
    this.near = new IntersectionObserver((entries) => this.#leave(entries), {rootMargin: "800px"});
    this.node = el("div", {class: "plots"}, study.plots.map((one) => this.#card(one)));
    this.tools = this.#tools();
    selection.addEventListener("change", () => this.#selected(), {signal});
    onTheme(() => this.refresh(true), signal);
    addEventListener("beforeprint", () => this.#print(), {signal});
    addEventListener("afterprint", () => {
      this.printing = false;
      this.refresh(true);
    }, {signal});
    signal.addEventListener("abort", () => {
      this.seen.disconnect();
      this.near.disconnect();
      for (const card of this.cards.values()) if (card.figure) window.Plotly?.purge(card.box);
    });
  }

  #tools() {
    const modes = [["select", "Pick in a box"], ["lasso", "Pick by lasso"], ["zoom", "Zoom"], ["pan", "Move"]];
    const buttons = modes.map(([mode, text]) => el("button", {type: "button", "aria-pressed": String(mode === this.dragmode), on: {
      click: () => {
        this.dragmode = mode;
        buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(modes[k][0] === mode)));
        for (const card of this.cards.values()) if (card.figure) window.Plotly.relayout(card.box, {dragmode: mode});
      },
    }}, text));
    return el("div", {class: "row"},
      el("div", {class: "choices", role: "group", "aria-label": "What dragging in a plot does"}, buttons),
      el("button", {type: "button", on: {click: () => this.refresh(true)}}, "Reset views"));
  }

  #card({name, title}) {
    const box = el("div", {class: "drawing waiting"}, "…");
    const notes = el("p", {class: "notes"});
    const heading = el("h3", {id: `plot-${name}`}, title);
    const card = {name, title, box, notes, arguments: {}, figure: null, visible: false, stale: true, busy: false, heading};
    const head = el("header", {}, heading, this.#arguments(card));
    const wide = ["slice", "parallel", "rank", "curves"].includes(name);
    card.node = el("section", {class: wide ? "card plot wide" : "card plot", "aria-labelledby": heading.id}, head,
      el("div", {class: "legend", role: "group", "aria-label": `What is shown in ${title}`}), box, notes);
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", title);
    card.node.dataset.name = name;
    this.cards.set(name, card);
    this.seen.observe(card.node);
    this.near.observe(card.node);
    return card.node;
  }

  #arguments(card) {
    const list = (label, key, options) => {
      const select = el("select", {on: {change: () => {
        card.arguments[key] = select.value;
        this.#draw(card);
      }}}, options.map(([value, text]) => el("option", {value, ...whole(text)}, short(text))));
      return el("label", {}, label, select);
    };
    if (card.name === "contour" && this.study.labels.length > 2) {
      const labels = [["", "that matters most"], ...this.study.labels.map((label, j) => [j, label])];
      return el("div", {class: "row"}, list("x", "x", labels), list("y", "y", labels));
    }
    if (card.name === "importances") return list("by", "method", [["ped-anova", "PED-ANOVA"], ["fanova", "fANOVA"]]);
    return null;
  }

  #look(entries) {
    for (const entry of entries) {
      const card = this.cards.get(entry.target.dataset.name);
      card.visible = entry.isIntersecting;
      if (card.visible && card.stale) this.#draw(card);
    }
  }

  /** Each point is an element: plots that are far away are given up, and made again by whoever comes back. */
  #leave(entries) {
    for (const entry of entries) {
      const card = this.cards.get(entry.target.dataset.name);
      if (entry.isIntersecting || !card.figure || card.busy || this.printing) continue;
      card.box.style.minHeight = `${card.box.offsetHeight}px`;
      window.Plotly.purge(card.box);
      card.figure = null;
      card.marked = false;
      card.stale = true;
      card.box.classList.add("waiting");
      refill(card.box, "…");
    }
  }

  /** The study changed: plots in view are made anew, the others when they come into view. */
  refresh(force = false) {
    for (const card of this.cards.values()) {
      card.stale = true;
      if (force && card.figure) card.reset = true;
      if (card.visible) this.#draw(card);
    }
  }

  /** One plot after the other, so that the first is there soon; what takes long does not pile up. */
  #draw(card) {
    if (card.busy) {
      card.again = true;
      return;
    }
    card.busy = true;
    this.queue = this.queue.then(() => this.#make(card));
  }

  async #make(card) {
    card.stale = false;
    const began = performance.now();
    try {
      const keep = card.thinned ? this.selection.numbers.slice(0, MANY).join(",") : "";
      const path = `studies/${encodeURIComponent(this.uid)}/plots/${card.name}`;
      const figure = await get(path, {...card.arguments, theme: theme(), keep}, this.signal);
      if (figure.problem) {
        if (card.figure) window.Plotly.purge(card.box);
        card.figure = null;
        card.box.className = "drawing waiting";
        refill(card.box, el("p", {}, figure.problem));
        card.notes.textContent = "";
        return;
      }
      if (card.reset && card.figure) window.Plotly.purge(card.box);
      card.reset = false;
      figure.layout.uirevision = "kept";  // a zoom outlives new trials
      await draw(card.box, figure, this.dragmode);
      if (this.signal.aborted) return;
      if (!card.figure) this.#listen(card);
      card.figure = figure;
      card.thinned = figure.notes.some((note) => note.includes(" are drawn"));
      card.notes.textContent = figure.notes.join(" ");
      if (card.name === "contour") card.heading.textContent = plain(`Contour: ${figure.title}`);
      card.box.setAttribute("aria-label", `${card.title}. ${figure.notes.join(" ")} The trials are in the table below.`);
      this.#mark(card);
      this.onDrawn?.(card.name);
    } catch (error) {
      if (this.signal.aborted) return;
      if (!card.figure) {
        refill(card.box, el("p", {}, `${error.message} `), el("button", {type: "button", on: {click: () => this.#draw(card)}}, "Try again"));
      }
      card.stale = true;
    } finally {
      card.busy = false;
      if (card.again && !this.signal.aborted) {
        card.again = false;
        setTimeout(() => this.#draw(card), Math.max(400, 2 * (performance.now() - began)));
      }
    }
  }

  /** All plots, as wide as a sheet: nobody scrolls on paper, and the page is photographed as soon as this returns. */
  #print() {
    if (!window.Plotly) return;
    this.printing = true;
    for (const card of this.cards.values()) {
      const path = `studies/${encodeURIComponent(this.uid)}/plots/${card.name}`;
      const figure = card.figure ?? getNow(path, {...card.arguments, theme: theme()});
      if (!figure) continue;
      if (figure.problem) {
        refill(card.box, el("p", {}, figure.problem));
        continue;
      }
      put(window.Plotly, card.box, figure, this.dragmode, PAPER);
      if (!card.figure) this.#listen(card);
      card.figure = figure;
      card.stale = true;
      card.notes.textContent = figure.notes.join(" ");
    }
  }

  #listen(card) {
    const numbers = (event) => (event?.points ?? []).map(trialOf).filter((one) => one !== null);
    card.box.on("plotly_selected", (event) => {
      if (event) this.selection.set(numbers(event));
    });
    card.box.on("plotly_deselect", () => this.selection.clear());
    card.box.on("plotly_click", (event) => {
      const [number] = numbers(event);
      if (number === undefined) return;
      if (event.event?.ctrlKey || event.event?.metaKey || event.event?.shiftKey) this.selection.toggle(number);
      else this.selection.set([number]);
    });
  }

  #selected() {
    for (const card of this.cards.values()) {
      if (!card.figure) continue;
      this.#mark(card);
      if (card.thinned && this.selection.size) {
        clearTimeout(card.later);
        card.later = setTimeout(() => { if (card.visible) this.#draw(card); else card.stale = true; }, 350);
      }
    }
  }

  /** Picked trials stay as they are, the others fade; lines get a copy on top. */
  #mark(card) {
    const Plotly = window.Plotly;
    const {data} = card.figure;
    const some = this.selection.size > 0;
    if (!some && !card.marked) return;
    card.marked = some;
    const at = [], places = [];
    const x = [], y = [];
    data.forEach((trace, k) => {
      if (!trace.customdata?.length) return;
      if (trace.mode === "lines") {
        if (some) copyPaths(trace, this.selection, x, y);
        return;
      }
      at.push(k);
      places.push(some ? trace.customdata.flatMap((number, i) => (this.selection.has(number) ? [i] : [])) : null);
    });
    const extra = card.box.data.length > data.length;
    const lines = data.some((trace) => trace.mode === "lines" && trace.customdata?.length);
    if (extra) Plotly.deleteTraces(card.box, data.length);
    if (at.length) {
      const faded = data.map((trace, k) => k).filter((k) => at.includes(k));
      Plotly.restyle(card.box, {selectedpoints: places, "unselected.marker.opacity": some ? 0.1 : null}, faded);
    }
    if (some && lines) {
      const colour = getComputedStyle(document.documentElement).getPropertyValue("--best");
      const line = data.find((trace) => trace.mode === "lines" && trace.customdata?.length);
      Plotly.addTraces(card.box, {
        type: "scatter", mode: "lines", x, y, xaxis: line.xaxis, yaxis: line.yaxis, showlegend: false, hoverinfo: "skip",
        line: {width: 2.5, color: resolved(colour)},
      });
    }
  }
}

function trialOf(point) {
  const number = point.customdata;
  return Number.isInteger(number) ? number : null;
}

function copyPaths(trace, selection, x, y) {
  for (let i = 0; i < trace.x.length; i++) {
    if (!selection.has(trace.customdata[i])) continue;
    x.push(trace.x[i]);
    y.push(trace.y[i]);
  }
}

/** A colour of the style sheet as plotly reads it: light-dark() decided. */
function resolved(colour) {
  const probe = el("span", {hidden: true});
  probe.style.color = colour;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
