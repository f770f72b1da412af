// One study: how it stands, its plots, its trials, and what one may do to it.

import {act, follow, get} from "./api.js";
import {announce, el, plainTable, refill, throttled, toast, trouble} from "./dom.js";
import {confirmDialog, field, openDialog} from "./dialog.js";
import {openForm} from "./form.js";
import {count, moment, number, pace, plural, short, span, value, whole} from "./format.js";
import {Plots} from "./plots.js";
import {Selection} from "./selection.js";
import {moodPill} from "./studies.js";
import {Table} from "./table.js";

const LONG = 100;  // characters of a label or an option in the head

export async function showStudy({main, signal, place, go, given: [uid]}) {
  const study = await get(`studies/${encodeURIComponent(uid)}`, {}, signal);
  const path = `/study/${encodeURIComponent(uid)}`;
  place([["Studies", "/"], [study.name, path]]);
  const selection = new Selection();
  const plots = new Plots(uid, study, selection, signal);
  const table = new Table(uid, study, selection, go, signal);
  table.best = study.best?.number;
  const title = el("h1", {tabindex: -1}, study.name);
  const parts = {
    mood: el("span", {}), facts: el("dl", {class: "facts"}), controls: el("div", {class: "row controls", role: "group", "aria-label": "What you may do to this study"}),
    running: el("div", {class: "two"}), notes: el("div", {}), answer: el("div", {}),
  };

  refill(main,
    el("div", {class: "head"},
      el("div", {class: "title"}, title, parts.mood,
        el("span", {class: "muted small"}, `${study.direction} ${study.metric}`)),
      parts.controls, parts.facts),
    el("nav", {class: "places", "aria-label": "Parts of this page"},
      [["plots", "Plots"], ["trials", "Trials"], ["running", "Workers and failures"], ["answer", "Answer"], ["notes", "Notes"], ["space", "Space"]]
        .map(([id, text]) => el("a", {href: `#${id}`}, text))),
    section("plots", "Plots", plots.tools, plots.node),
    section("trials", "Trials", null, table.node),
    section("running", "Workers and failures", null, parts.running),
    section("answer", "Answer", null, parts.answer),
    section("notes", "Notes", study.readonly ? null : el("button", {type: "button", on: {click: () => openNote(uid)}}, "Add a note"), parts.notes),
    section("space", "Space", null, el("div", {class: "card"}, study.space.length
      ? el("ul", {class: "lines mono"}, study.space.map((line) => el("li", {}, line)))
      : el("p", {class: "muted"}, "The space has no parameters."),
      el("p", {class: "muted small"}, `Seed ${study.seed}. Made ${moment(study.created)} in ${study.location}.`))),
    bar(uid, selection, table, go, signal));

  let now = study;
  function draw(summary) {
    if (summary.name !== now.name) {
      refill(title, summary.name);
      place([["Studies", "/"], [summary.name, path]]);
    }
    now = {...now, ...summary};
    refill(parts.mood, moodPill(now));
    facts(parts.facts, now, path);
    controls(parts.controls, uid, now);
    workers(parts.running, now, path);
    noteList(parts.notes, now.notes);
    table.best = now.best?.number;
  }
  draw(study);
  answerPart(parts.answer, uid, path, signal);
  table.load();

  const replot = throttled(() => plots.refresh(), 1000);
  let seq = study.seq, best = study.best?.number, first = true;
  follow(`studies/${encodeURIComponent(uid)}/news`, {
    change(told) {
      seq = told.summary.seq;
      draw(told.summary);
      if (first && !told.rows.length && !told.reset) {  // nothing has happened since the page was asked for
        first = false;
        return;
      }
      first = false;
      table.refresh();
      replot();
      const ended = told.rows.filter((row) => row.state !== "RUNNING" && row.state !== "WAITING");
      if (now.best && now.best.number !== best) announce(`New best: ${number(now.best.loss, 6)} in trial ${now.best.number}.`);
      else if (ended.length) announce(`${plural(now.done, "trial")} done.`);
      best = now.best?.number;
    },
    problem: ({sentence}) => trouble(sentence),
    well: () => trouble(""),
    gone({sentence}) {
      trouble(sentence);
      refill(parts.mood, el("span", {class: "pill gone"}, "deleted"));
      refill(parts.controls, el("p", {class: "muted"}, "This page shows what was known of the study. ", el("a", {href: "/"}, "All studies")));
    },
  }, signal, () => seq);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) selection.clear();
  }, {signal});
}

function section(id, title, tools, ...content) {
  return el("section", {class: "section", id, "aria-labelledby": `${id}-title`},
    el("div", {class: "row spread"}, el("h2", {id: `${id}-title`}, title), tools), content);
}

function fact(title, big, small, kind = "") {
  return el("div", {class: `card ${kind}`}, el("dt", {}, title), el("dd", {}, el("div", {class: "big"}, big), small));
}

function facts(node, now, path) {
  const bad = now.counts.ERROR + now.counts.FAILED;
  const total = now.budget === null ? "" : ` of ${count(now.budget)}`;
  const best = now.best;
  const chance = now.chance;
  refill(node,
    el("div", {class: "card best wide"}, el("dt", {}, `Best ${now.metric}`),
      el("dd", {}, el("div", {class: "big"}, best ? number(best.loss, 6) : "none yet"),
        best ? el("div", {class: "small"}, "in ", el("a", {href: `${path}/trial/${best.number}`}, `trial ${best.number}`),
          best.age === null ? "" : `, ${span(best.age)} ago`) : null)),
    fact("Done", `${count(now.done)}${total}`, now.budget ? el("progress", {max: now.budget, value: Math.min(now.done, now.budget), "aria-label": "Share of the budget that is used"}) : null),
    fact("Running", count(now.counts.RUNNING), el("div", {class: "small muted"}, now.lost.length ? `${count(now.lost.length)} lost` : now.counts.WAITING ? `${count(now.counts.WAITING)} waiting` : "none waiting")),
    fact("Failed", count(bad), el("div", {class: "small muted"}, `${count(now.counts.PRUNED)} pruned, ${count(now.counts.CANCELLED)} cancelled`)),
    fact("Pace", now.pace ? pace(now.pace) : "–", el("div", {class: "small muted"}, now.left ? `${span(now.left)} left` : `ran for ${span(now.busy)}`)),
    fact("Chance to improve", chance ? `${Math.round(100 * chance.probability)}\u00a0%` : "–", el("div", {class: "small muted"}, chance ? `within ${plural(chance.trials, "more trial")}` : now.done < 12 ? "too early to say" : "nothing is known"), "last"));
  if (best) {
    node.append(el("div", {class: "card wide settings-card"}, el("dt", {}, "Best configuration"), el("dd", {},
      el("ul", {class: "settings"}, now.labels.map((label, j) => (best.values[j] === null ? null
        : el("li", whole(`${label} ${value(best.values[j])}`, LONG), el("b", {}, `${short(label, LONG)} `), short(value(best.values[j]), LONG))))))));
  }
}

function controls(node, uid, now) {
  if (now.readonly) {
    refill(node, el("p", {class: "muted small"}, "Read-only: nothing can be changed from here."));
    return;
  }
  const over = whyOver(now);
  const shape = `${now.paused} ${over} ${now.budget} ${now.counts.RUNNING > 0}`;
  if (node.dataset.shape === shape) return;  // a button that is under somebody's finger stays
  const focused = node.contains(document.activeElement) ? document.activeElement.textContent : null;
  node.dataset.shape = shape;
  const simple = (text, action) => el("button", {type: "button", on: {click: () => tell(uid, action)}}, text);
  refill(node,
    now.paused ? simple("Resume", "resume") : over ? null : simple("Pause", "pause"),
    over ? null : el("button", {type: "button", class: "grave", on: {click: () => confirmDialog("Stop the study?",
      "No further trial begins. Those that are running are told so: they end early if their objective asks should_stop(), else they go on to their end. "
      + "Then the program that runs the study goes on to its own end. Whoever runs it again later goes on from there.", "Stop it", async () => (await act(uid, "stop")).sentence)}}, "Stop…"),
    el("button", {type: "button", on: {click: () => openBudget(uid, now)}}, "Budget…"),
    el("button", {type: "button", on: {click: () => openForm(uid).catch((error) => toast(error.message, true))}}, "Try a configuration…"),
    el("button", {type: "button", on: {click: () => openNote(uid)}}, "Note…"),
    el("p", {class: "muted small hint"}, over
      || `${now.paused ? "Paused: no trial begins until Resume; those that are running go on to their end." : "Pause: running trials go on to their end, and no other begins until Resume."} Stop: no other begins, running trials are asked to end, and the run ends with them.`));
  if (focused) [...node.children].find((one) => one.textContent === focused)?.focus();
}

/** Why there is nothing to pause or to stop; empty where there is. */
function whyOver(now) {
  if (now.counts.RUNNING) return "";
  const resumed = now.paused ? " It is paused as well: a run that begins waits until Resume." : "";
  if (now.budget !== null && now.done >= now.budget) {
    return `${now.budget === 1 ? "The one trial is" : `All ${count(now.budget)} trials are`} done, so that there is nothing to pause or to stop. A higher budget lets a run go on.${resumed}`;
  }
  if (now.mood === "stopped") return `It was stopped, so that there is nothing to pause or to stop. Whoever runs it again goes on from here.${resumed}`;
  return "";
}

/** Do something that needs no question, and say what came of it. */
export async function tell(uid, action, given = {}) {
  try {
    toast((await act(uid, action, given)).sentence);
  } catch (error) {
    toast(error.message, true);
  }
}

function openBudget(uid, now) {
  const input = el("input", {type: "number", min: 1, step: 1, value: now.budget ?? Math.max(now.trials, 1)});
  openDialog("Budget", () => [field("Trials in all", input, `${count(now.done)} ${now.done === 1 ? "is" : "are"} done. Whoever runs the study hears of it at once. Leave it empty for no limit.`)], {
    label: "Set",
    send: async () => (await act(uid, "budget", {trials: input.value === "" ? null : Number(input.value)})).sentence,
  });
}

/** A note about the study, or about a trial. */
export function openNote(uid, trial = null) {
  const text = el("textarea", {rows: 5, maxlength: 10000});
  openDialog(trial === null ? "Note about the study" : `Note about trial ${trial}`, () => [field("Note", text, "Plain text. It stays in the study's log.")], {
    label: "Keep",
    send: async () => (await act(uid, "note", {text: text.value, trial})).sentence,
  });
}

export function noteList(node, notes) {
  refill(node, notes.length
    ? el("div", {class: "card"}, notes.map((note) => el("div", {class: "note"}, el("div", {class: "muted small"}, moment(note.at)), note.text)))
    : el("p", {class: "muted"}, "No notes yet."));
}

function workers(node, now, path) {
  const trialLink = (n) => el("a", {href: `${path}/trial/${n}`}, `#${n}`);
  const lost = new Set(now.lost);
  const runs = now.running.slice(0, 30).map((one) => el("tr", {},
    el("th", {scope: "row"}, trialLink(one.number)), el("td", {}, one.worker), el("td", {class: "number"}, lost.has(one.number) ? "lost" : span(one.seconds)),
    el("td", {class: "number"}, one.loss === null ? "–" : `${number(one.loss)} at ${number(one.step)}`)));
  const people = now.workers.slice(0, 30).map((one) => [one.name,
    one.trials.length ? [one.gone ? "lost with " : "runs ", one.trials.slice(0, 4).map((n) => [trialLink(n), " "])] : `idle for ${span(one.seconds)}`, plural(one.done, "trial")]);
  const failures = now.failures.map((one) => [`${count(one.count)} ×`, one.kind, ["as in ", trialLink(one.number), one.message ? `: ${one.message}` : ""]]);
  const others = now.other_failures;
  if (others.kinds) failures.push([`${count(others.count)} ×`, plural(others.kinds, "other kind"), ""]);
  refill(node,
    el("div", {class: "card"}, el("h3", {}, "Running now"), runs.length
      ? el("table", {}, el("thead", {}, el("tr", {}, ["Trial", "Worker"].map((t) => el("th", {scope: "col"}, t)), ["For", "Reported"].map((t) => el("th", {scope: "col", class: "number"}, t)))), el("tbody", {}, runs))
      : el("p", {class: "muted"}, "Nothing runs.")),
    el("div", {class: "card"}, el("h3", {}, "Workers"), people.length ? plainTable(people, "Workers") : el("p", {class: "muted"}, "Nobody has worked lately.")),
    el("div", {class: "card"}, el("h3", {}, "Failures"), failures.length ? plainTable(failures, "Failures by kind") : el("p", {class: "muted"}, "Nothing has failed.")));
}

function answerPart(node, uid, path, signal) {
  const button = el("button", {type: "button", on: {click: load}}, "Work out the answer");
  refill(node, el("div", {class: "card"}, el("p", {class: "muted"}, "Which configurations are as good as the best, and what you should know before you believe it. It takes the server a second or a few."), button));

  async function load() {
    button.disabled = true;
    button.textContent = "Working…";
    try {
      const told = await get(`studies/${encodeURIComponent(uid)}/answer`, {}, signal);
      const region = told.region;
      refill(node, el("div", {class: "two"},
        el("div", {class: "card"}, el("h3", {}, "As good as the best"), region
          ? [el("p", {}, `Go on with `, el("a", {href: `${path}/trial/${region.number}`}, `trial ${region.number}`), `: ${number(region.expected)} is expected of it. ${plural(region.size, "trial")} cannot be told apart from it (within ${number(region.within, 3)}, ${region.why}).`),
            el("ul", {class: "lines"}, region.sentences.map((one) => el("li", {}, one)))]
          : el("p", {class: "muted"}, told.problem)),
        el("div", {class: "card"}, el("h3", {}, "What to know"), told.findings.length
          ? told.findings.map((one) => el("div", {class: "finding"}, el("p", {}, one.sentence), el("p", {class: "muted small"}, one.advice)))
          : el("p", {class: "muted"}, "Nothing was found that speaks against this study."))),
      el("p", {}, el("button", {type: "button", on: {click: () => answerPart(node, uid, path, signal)}}, "Work it out anew")));
      announce("The answer is there.");
    } catch (error) {
      if (signal.aborted) return;
      button.disabled = false;
      button.textContent = "Try again";
      toast(error.message, true);
    }
  }
}

function bar(uid, selection, table, go, signal) {
  const path = `/study/${encodeURIComponent(uid)}`;
  const text = el("strong", {role: "status"});
  const open = el("button", {type: "button", on: {click: () => {
    const {numbers} = selection;
    go(numbers.length === 1 ? `${path}/trial/${numbers[0]}` : `${path}/compare?trials=${numbers.slice(0, 12).join(",")}`);
  }}}, "Open");
  const only = el("button", {type: "button", on: {click: () => {
    table.showOnly(true);
    document.getElementById("trials").scrollIntoView();
  }}}, "Show in the table");
  const node = el("div", {class: "bar", role: "region", "aria-label": "Picked trials", hidden: true}, text, open, only,
    el("button", {type: "button", on: {click: () => { selection.clear(); table.showOnly(false); }}}, "Clear"));
  selection.addEventListener("change", () => {
    const n = selection.size;
    node.hidden = n === 0;
    text.textContent = n === 1 ? `Trial ${selection.numbers[0]} picked` : `${plural(n, "trial")} picked`;
    open.textContent = n === 1 ? "Open" : n > 12 ? "Compare the first 12" : "Compare";
  }, {signal});
  return node;
}
