// One trial in full.

import {follow, get} from "./api.js";
import {confirmDialog} from "./dialog.js";
import {el, plainTable, refill, toast, trouble} from "./dom.js";
import {openForm} from "./form.js";
import {moment, number, short, span, stateText, value, whole} from "./format.js";
import {draw} from "./plots.js";
import {noteList, openNote, tell} from "./study.js";
import {onTheme, theme} from "./theme.js";
import {act} from "./api.js";

const LONG = 100;  // characters of a label or an option; the configuration has all of it

export async function showTrial({main, signal, place, go, given: [uid, text]}) {
  const n = Number(text);
  const base = `studies/${encodeURIComponent(uid)}`;
  const path = `/study/${encodeURIComponent(uid)}`;
  const [study, first] = await Promise.all([get(base, {}, signal), get(`${base}/trials/${n}`, {}, signal)]);
  const placed = () => place([["Studies", "/"], [study.name, path], [`Trial ${n}`, `${path}/trial/${n}`]]);
  placed();
  const notes = el("div", {});
  const curve = el("div", {class: "drawing waiting"}, "…");
  curve.setAttribute("role", "img");
  curve.setAttribute("aria-label", `What trial ${n} reported on the way`);
  const box = el("div", {});
  refill(main, box);
  let shape = "";

  async function drawCurve() {
    const figure = await get(`${base}/trials/${n}/curve`, {theme: theme()}, signal);
    if (figure.problem) {
      curve.className = "muted";
      refill(curve, figure.problem);
    } else {
      curve.className = "drawing";
      await draw(curve, figure);
    }
  }

  function show(trial) {
    const next = JSON.stringify(trial);
    if (next === shape) return;
    shape = next;
    const focused = document.activeElement?.dataset?.what;
    refill(box,
      el("div", {class: "head"},
        el("div", {class: "title"}, el("h1", {tabindex: -1}, `Trial ${n}`),
          el("span", {class: `pill state ${trial.state}`}, stateText(trial.state)),
          trial.number === trial.best_number ? el("span", {class: "pill"}, "★ best") : null),
        el("div", {class: "row controls"},
          n > 0 ? el("a", {class: "button", href: `${path}/trial/${n - 1}`, "aria-label": "Trial before"}, "‹") : null,
          n < trial.last ? el("a", {class: "button", href: `${path}/trial/${n + 1}`, "aria-label": "Trial after"}, "›") : null,
          study.readonly ? null : buttons(trial),
          trial.best_number !== null && trial.best_number !== n ? el("a", {class: "button", href: `${path}/compare?trials=${n},${trial.best_number}`}, "Compare with the best") : null),
        facts(trial)),
      trial.error ? el("section", {class: "section"}, el("h2", {}, {PRUNED: "Why it was pruned", FAILED: "Why it failed"}[trial.state] ?? "Error"),
        el("div", {class: "card"}, el("p", {}, el("strong", {}, trial.error.kind), trial.error.message ? `: ${trial.error.message}` : ""),
          trial.error.traceback ? el("pre", {tabindex: 0, "aria-label": "Traceback"}, trial.error.traceback) : null)) : null,
      el("div", {class: "two section"},
        el("div", {class: "stack"},
          el("section", {class: "card"}, el("h2", {}, "Parameters"), params(trial)),
          el("section", {class: "card"}, el("h2", {}, "Configuration"), el("pre", {tabindex: 0, "aria-label": "Configuration"}, trial.config))),
        el("div", {class: "stack"},
          el("section", {class: "card"}, el("h2", {}, "On the way"), curve),
          el("section", {class: "card"}, el("h2", {}, "Why this trial"), why(trial)),
          more(trial),
          el("section", {class: "card"}, el("div", {class: "row spread"}, el("h2", {}, "Notes"),
            study.readonly ? null : el("button", {type: "button", data: {what: "note"}, on: {click: () => openNote(uid, n)}}, "Add a note")), notes))),
      logs(trial));
    noteList(notes, trial.notes);
    if (focused) box.querySelector(`[data-what="${focused}"]`)?.focus();
    drawCurve().catch((error) => { if (!signal.aborted) refill(curve, error.message); });
  }

  function buttons(trial) {
    return [
      trial.can.cancel ? el("button", {type: "button", class: "grave", data: {what: "cancel"}, on: {click: () => confirmDialog(`Cancel trial ${n}?`,
        "It ends without a result and does not count towards the budget.", "Cancel the trial", async () => (await act(uid, "cancel", {trial: n})).sentence)}}, "Cancel…") : null,
      trial.can.rerun ? el("button", {type: "button", data: {what: "rerun"}, on: {click: () => tell(uid, "rerun", {trial: n})}}, "Run again") : null,
      el("button", {type: "button", data: {what: "alike"}, on: {click: () => openForm(uid, n).catch((error) => toast(error.message, true))}}, "Try one like it…"),
    ];
  }

  function facts(trial) {
    const metrics = Object.entries(trial.metrics).filter(([name]) => name !== study.metric);
    const rows = [
      [study.metric, el("strong", {}, trial.loss === null ? "none" : number(trial.loss, 8))],
      ...metrics.map(([name, x]) => [name, number(x, 6)]),
      ["proposed by", trial.source],
      ["joined", moment(trial.asked)],
      ["began", moment(trial.started)],
      ["ended", moment(trial.finished)],
      ["time", span(trial.seconds)],
      ["worker", worker(trial.worker)],
      ["attempt", `${trial.attempt}${trial.lost ? `, ${trial.lost} lost` : ""}`],
    ];
    return el("dl", {class: "card few"}, rows.map(([key, x]) => el("div", {}, el("dt", {}, key), el("dd", {}, x))));
  }

  /** Host and process, as everywhere else; the rest of the name tells runs of one process apart. */
  function worker(name) {
    const parts = (name ?? "–").split("/");
    return parts.length === 6 ? el("span", {title: name}, `${parts[0]} ${parts[3]}`) : parts.join("/");
  }

  const cell = (x) => el("td", {class: typeof x === "number" ? "number whole" : "number", ...whole(value(x), LONG)}, short(value(x), LONG));

  function params(trial) {
    const rows = trial.labels.map((label, j) => [label, trial.values[j], trial.best?.[j] ?? null]).filter(([, x, y]) => x !== null || y !== null);
    if (!rows.length) return el("p", {class: "muted"}, "None.");
    const compare = trial.best && trial.best_number !== n;
    return el("table", {class: "params"}, el("thead", {}, el("tr", {}, el("th", {scope: "col"}, "Parameter"), el("th", {scope: "col", class: "number"}, "Here"),
      compare ? el("th", {scope: "col", class: "number"}, `Best (${trial.best_number})`) : null)),
    el("tbody", {}, rows.map(([label, x, y]) => el("tr", {class: compare && value(x) !== value(y) ? "differs" : ""}, el("th", {scope: "row", ...whole(label, LONG)}, short(label, LONG)),
      cell(x), compare ? cell(y) : null))));
  }

  function why(trial) {
    if (!trial.why) return el("p", {class: "muted"}, "The log does not say.");
    return [
      el("ul", {class: "lines"}, trial.why.sentences.map((one) => el("li", {}, one))),
      trial.why.nearest.length ? el("p", {class: "small"}, "Most alike of those that had ended: ", trial.why.nearest.map(([k, outcome], i) => [i ? ", " : "", el("a", {href: `${path}/trial/${k}`}, `trial ${k}`), ` (${outcome})`])) : null,
    ];
  }

  function more(trial) {
    const extra = Object.entries(trial.extra).filter(([name]) => name !== "attachments" || !trial.attachments.length);
    const files = trial.attachments.map((name) => el("li", {}, el("a", {href: `/api/${base}/trials/${n}/attachments/${name.split("/").map(encodeURIComponent).join("/")}`, download: true}, name)));
    if (!extra.length && !files.length) return null;
    return el("section", {class: "card"}, el("h2", {}, "What it returned beside"), extra.length ? plainTable(extra.map(([name, x]) => [name, value(x)])) : null,
      files.length ? [el("h3", {}, "Attachments"), el("ul", {class: "lines"}, files)] : null);
  }

  function logs(trial) {
    if (!trial.logs.length) return null;
    return el("section", {class: "section"}, el("h2", {}, "What the program printed"), trial.logs.map((one) => el("div", {class: "card"},
      el("p", {class: "muted small mono"}, one.name ? `${one.folder}/${one.name}` : one.folder, one.cut ? " (its end)" : ""),
      one.problem ? el("p", {class: "muted"}, one.problem) : el("pre", {tabindex: 0, "aria-label": one.name}, one.text || "(nothing)"))));
  }

  show(first);
  onTheme(() => drawCurve().catch(() => {}), signal);
  const again = async () => show(await get(`${base}/trials/${n}`, {}, signal));
  follow(`${base}/news`, {
    change(told) {
      if (told.summary.name !== study.name) {
        study.name = told.summary.name;
        placed();
      }
      if (told.reset || told.rows.some((row) => row.number === n) || told.summary.notes) again().catch(() => {});
    },
    problem: ({sentence}) => trouble(sentence),
    well: () => trouble(""),
    gone: ({sentence}) => trouble(sentence),
  }, signal, () => first.seq);
}
