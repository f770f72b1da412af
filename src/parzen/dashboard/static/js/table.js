// The table of trials: sorted, filtered and cut to pages by the server, walked through by keys.

import {get} from "./api.js";
import {announce, el, plain, refill, throttled} from "./dom.js";
import {count, moment, number, plural, short, span, stateText, value, whole} from "./format.js";

const PAGE = 50;
const LONG = 40;  // characters of a cell or a head
const WIDE = 40;  // parameters that have a column
const STATES = ["RUNNING", "WAITING", "OK", "FAILED", "PRUNED", "ERROR", "CANCELLED"];

export class Table {
  /**
   * @param uid of the study
   * @param study what the server told of it
   * @param selection shared with the plots
   * @param go opens a path
   * @param signal ends everything
   */
  constructor(uid, study, selection, go, signal) {
    this.uid = uid;
    this.study = study;
    this.selection = selection;
    this.go = go;
    this.signal = signal;
    this.wanted = {where: "", states: new Set(), sort: "number", order: "down", offset: 0, only: false};
    this.known = new Map();
    this.columns = this.#columns();
    this.node = this.#build();
    selection.addEventListener("change", () => this.#marked(), {signal});
    this.refresh = throttled(() => this.load(true), 400);
  }

  #columns() {
    const {labels, choices} = this.study;
    return [
      {key: "state", text: "State", cell: (row) => el("td", {}, el("span", {class: `state ${row.state}`}, stateText(row.state)))},
      {key: "loss", text: this.study.metric, number: true, cell: (row) => el("td", {class: "number", title: row.error},
        row.loss !== null ? number(row.loss, 6) : row.partial !== null ? el("span", {class: "muted"}, `(${number(row.partial, 6)})`) : "–")},
      ...labels.slice(0, WIDE).map((text, j) => ({key: `p${j}`, text, number: !choices[j],
        cell: (row) => el("td", {class: choices[j] ? "" : "number", ...whole(value(row.values[j]), LONG)}, short(value(row.values[j]), LONG))})),
      {key: "seconds", text: "Time", number: true, cell: (row) => el("td", {class: "number"}, span(row.seconds))},
      {key: "rule", text: "Rule", cell: (row) => el("td", {}, row.rule)},
      {key: "finished", text: "Ended", cell: (row) => el("td", {}, moment(row.finished))},
    ];
  }

  #build() {
    this.where = el("input", {
      type: "search", id: "where", autocomplete: "off", spellcheck: "false", "aria-describedby": "where-wrong where-hint",
      placeholder: this.study.labels.length ? "lr < 0.1 and opt == adam, or a word".replace("lr", firstNumber(this.study)).replace("opt == adam", "loss < 1") : "loss < 1, or a word",
      on: {input: throttled(() => { this.wanted.where = this.where.value; this.wanted.offset = 0; this.load(); }, 300)},
    });
    this.wrong = el("p", {class: "wrong", id: "where-wrong", role: "alert"});
    const chips = STATES.map((state) => el("button", {type: "button", "aria-pressed": "false", data: {state}, on: {click: (event) => {
      const {states} = this.wanted;
      if (!states.delete(state)) states.add(state);
      event.currentTarget.setAttribute("aria-pressed", String(states.has(state)));
      this.wanted.offset = 0;
      this.load();
    }}}, stateText(state)));
    this.only = el("button", {type: "button", hidden: true, "aria-pressed": "false", on: {click: () => this.showOnly(!this.wanted.only)}}, "Picked only");
    this.head = el("thead", {}, el("tr", {},
      el("th", {scope: "col"}, el("span", {class: "unseen"}, "Picked")),
      this.#sorter("number", "Trial", true),
      this.columns.map((column) => this.#sorter(column.key, column.text, column.number))));
    this.body = el("tbody", {on: {keydown: (event) => this.#key(event), click: (event) => this.#click(event)}});
    this.caption = el("caption", {class: "unseen"}, "Trials");
    this.table = el("table", {class: "trials"}, this.caption, this.head, this.body);
    this.total = el("span", {class: "muted small", role: "status"});
    this.back = el("button", {type: "button", "aria-label": "Page before", on: {click: () => this.turn(-1)}}, "‹ Before");
    this.forth = el("button", {type: "button", "aria-label": "Page after", on: {click: () => this.turn(1)}}, "After ›");
    this.page = el("input", {type: "text", inputmode: "numeric", "aria-label": "Page", size: 5, class: "number", on: {change: () => {
      const page = Math.max(1, Math.floor(Number(this.page.value)) || 1);
      this.wanted.offset = (page - 1) * PAGE;
      this.load();
    }}});
    this.pages = el("span", {class: "muted small"});
    const more = this.study.labels.length > WIDE ? el("p", {class: "muted small"}, `The first ${WIDE} of ${this.study.labels.length} parameters have a column; conditions may name all.`) : null;
    return el("div", {},
      el("div", {class: "filters"},
        el("label", {class: "where"}, "Condition, or words to look for", this.where), this.#range()),
      this.wrong,
      el("p", {class: "unseen", id: "where-hint"}, "Comparisons with and, or, not and parentheses; labels with spaces stand in back-ticks. A word by itself is looked for in options, states, rules, workers and errors."),
      el("div", {class: "states", role: "group", "aria-label": "States that are shown; none pressed shows all"}, chips, this.only),
      more,
      el("div", {class: "scroll", role: "region", "aria-label": "Table of trials", tabindex: -1}, this.table),
      el("div", {class: "row spread pager"}, this.total, el("div", {class: "row"}, this.back, this.page, this.pages, this.forth)));
  }

  /** Lower and upper bound of one parameter, put into words in the condition. */
  #range() {
    const names = ["loss", "seconds", "number", ...this.study.labels.filter((label, j) => !this.study.choices[j])];
    const what = el("select", {"aria-label": "Value"}, names.map((name) => el("option", {value: name, ...whole(name, LONG)}, short(name, LONG))));
    const low = el("input", {type: "text", inputmode: "decimal", size: 6, "aria-label": "From", placeholder: "from"});
    const high = el("input", {type: "text", inputmode: "decimal", size: 6, "aria-label": "To", placeholder: "to"});
    const add = () => {
      if (low.value.trim() === "" && high.value.trim() === "") return;
      const name = /^[^\s<>=!()`"',]+$/.test(what.value) ? what.value : `\`${what.value}\``;
      const text = `${low.value.trim() && `${low.value.trim()} <= `}${name}${high.value.trim() && ` <= ${high.value.trim()}`}`;
      this.where.value = this.where.value.trim() ? `${this.where.value.trim()} and ${text}` : text;
      low.value = high.value = "";
      this.where.dispatchEvent(new Event("input"));
    };
    const enter = (event) => { if (event.key === "Enter") add(); };
    low.addEventListener("keydown", enter);
    high.addEventListener("keydown", enter);
    return el("div", {class: "row", role: "group", "aria-label": "Add a range to the condition"}, what, low, high,
      el("button", {type: "button", on: {click: add}}, "Add range"));
  }

  #sorter(key, text, isNumber = false) {
    const sign = el("span", {"aria-hidden": "true"});
    return el("th", {scope: "col", class: isNumber ? "number" : "", data: {key}},
      el("button", {type: "button", ...whole(text, LONG), on: {click: () => {
        const first = key === "number" || key === "finished" ? "down" : "up";
        const {sort, order} = this.wanted;
        Object.assign(this.wanted, {sort: key, order: sort !== key ? first : order === "up" ? "down" : "up", offset: 0});
        this.load();
      }}}, short(text, LONG), sign));
  }

  /** Show picked trials only, or all. */
  showOnly(on) {
    this.wanted.only = on;
    this.wanted.offset = 0;
    this.only.setAttribute("aria-pressed", String(on));
    this.load();
  }

  turn(by) {
    this.wanted.offset = Math.max(0, this.wanted.offset + by * PAGE);
    return this.load();
  }

  /** Ask the server for the page that is wanted; `fresh` marks rows that are new to it. */
  async load(fresh = false) {
    this.asked?.abort();
    this.asked = new AbortController();
    const {where, states, sort, order, offset, only} = this.wanted;
    const query = {where, states: [...states].join(","), sort, order, offset, limit: PAGE};
    if (only) query.only = this.selection.numbers.join(",") || "x";
    try {
      const signal = AbortSignal.any([this.asked.signal, this.signal]);
      const told = await get(`studies/${encodeURIComponent(this.uid)}/trials`, query, signal);
      this.wrong.textContent = "";
      this.where.removeAttribute("aria-invalid");
      this.#show(told, fresh);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.wrong.textContent = plain(error.message);
      if (error.status === 400) this.where.setAttribute("aria-invalid", "true");
    }
  }

  #show(told, fresh) {
    const focused = this.body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.number : null;
    const inside = focused !== null && document.activeElement.tagName === "INPUT";
    const {sort, order} = this.wanted;
    this.wanted.offset = told.offset;
    for (const head of this.head.querySelectorAll("th[data-key]")) {
      const here = head.dataset.key === sort;
      if (here) head.setAttribute("aria-sort", order === "up" ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
      head.querySelector("span").textContent = here ? (order === "up" ? " ▲" : " ▼") : "";
    }
    this.table.setAttribute("aria-rowcount", told.total + 1);
    const before = this.known;
    this.known = new Map();
    const rows = told.rows.map((row, k) => {
      const sign = `${row.state} ${row.loss} ${row.partial}`;
      this.known.set(row.number, sign);
      const line = this.#row(row, told.offset + k + 2);
      if (fresh && before.get(row.number) !== sign) line.classList.add("fresh");
      return line;
    });
    if (!rows.length) {
      rows.push(el("tr", {}, el("td", {colspan: this.columns.length + 2, class: "empty"},
        told.all ? "No trial meets this." : "No trial yet: they appear here as they come.")));
    }
    refill(this.body, rows);
    const again = focused === null ? null : [...this.body.children].find((row) => row.dataset.number === focused);
    const first = again ?? this.body.firstElementChild;
    if (first?.dataset.number !== undefined) first.tabIndex = 0;
    if (again) (inside ? again.querySelector("input") : again).focus({preventScroll: true});
    const pages = Math.max(1, Math.ceil(told.total / PAGE)), page = told.offset / PAGE + 1;
    if (document.activeElement !== this.page) this.page.value = page;
    this.pages.textContent = `of ${count(pages)}`;
    this.back.disabled = page <= 1;
    this.forth.disabled = page >= pages;
    this.total.textContent = told.total === told.all ? plural(told.total, "trial") : `${count(told.total)} of ${plural(told.all, "trial")}`;
    this.caption.textContent = `Trials, page ${page} of ${pages}`;
    this.onShown?.();
  }

  #row(row, place) {
    const picked = this.selection.has(row.number);
    const box = el("input", {type: "checkbox", tabindex: -1, "aria-label": `Pick trial ${row.number}`});
    box.checked = picked;
    const path = `/study/${encodeURIComponent(this.uid)}/trial/${row.number}`;
    const line = el("tr", {tabindex: -1, "aria-rowindex": place, "aria-selected": String(picked), data: {number: row.number}},
      el("td", {}, box),
      el("th", {scope: "row", class: "number"}, el("a", {href: path, class: "plain", tabindex: -1}, row.number), row.number === this.best ? " ★" : ""),
      this.columns.map((column) => column.cell(row)));
    if (row.number === this.best) line.classList.add("best");
    return line;
  }

  #marked() {
    this.only.hidden = !this.selection.size && !this.wanted.only;
    this.only.textContent = `Picked only (${count(this.selection.size)})`;
    for (const row of this.body.children) {
      if (row.dataset.number === undefined) continue;
      const picked = this.selection.has(Number(row.dataset.number));
      row.setAttribute("aria-selected", String(picked));
      row.querySelector("input").checked = picked;
    }
    if (this.wanted.only) this.load();
  }

  #click(event) {
    const row = event.target.closest("tr");
    if (row?.dataset.number === undefined || event.target.closest("a")) return;
    this.selection.toggle(Number(row.dataset.number));
    this.#focus(row);
  }

  #focus(row) {
    if (row?.dataset.number === undefined) return;
    for (const other of this.body.querySelectorAll("tr[tabindex='0']")) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
  }

  async #key(event) {
    const row = event.target.closest("tr");
    if (row?.dataset.number === undefined) return;
    const moves = {ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling, Home: this.body.firstElementChild, End: this.body.lastElementChild};
    if (event.key in moves) {
      event.preventDefault();
      this.#focus(moves[event.key]);
    } else if (event.key === "PageDown" || event.key === "PageUp") {
      event.preventDefault();
      const button = event.key === "PageDown" ? this.forth : this.back;
      if (button.disabled) return;
      await this.turn(event.key === "PageDown" ? 1 : -1);
      this.#focus(this.body.firstElementChild);
      announce(`${this.caption.textContent}`);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.go(`/study/${encodeURIComponent(this.uid)}/trial/${row.dataset.number}`);
    } else if (event.key === " ") {
      event.preventDefault();
      this.selection.toggle(Number(row.dataset.number));
    }
  }
}

function firstNumber(study) {
  const at = study.choices.indexOf(false);
  return at < 0 || /\s/.test(study.labels[at]) ? "seconds" : study.labels[at];
}
