// The list of studies.

import {follow, get} from "./api.js";
import {el, plain, refill, trouble} from "./dom.js";
import {count, moment, number, plural} from "./format.js";

const MOODS = {
  running: ["▶ running", "trials are running"],
  paused: ["‖ paused", "no further trial begins until somebody resumes it"],
  stopping: ["■ stopping", "it was asked to stop, and its last trials are running"],
  stopped: ["■ stopped", "it was asked to stop, and nothing is running any more"],
  done: ["✓ done", "all trials of the budget are done"],
  lost: ["lost", "whoever ran its trials is gone; the next run takes them up"],
  idle: ["idle", "no trial is running"],
  empty: ["empty", "no trial has begun yet"],
};

export const moodPill = ({mood}) => {
  const [text, title] = MOODS[mood] ?? [mood, null];
  return el("span", {class: `pill ${mood}`, title}, text);
};

export async function showStudies({main, signal, place, go}) {
  const first = await get("studies", {}, signal);
  place([["Studies", "/"]]);
  const chosen = new Set();
  const where = el("p", {class: "muted small mono"});
  const compare = el("button", {type: "button", disabled: true, on: {click: () => go(`/compare?studies=${[...chosen].join(",")}`)}}, "Compare");
  const list = el("div", {});
  refill(main,
    el("div", {class: "title spread"}, el("h1", {tabindex: -1}, "Studies"), compare), where, list);

  function tick(uid, on) {
    if (on) chosen.add(uid);
    else chosen.delete(uid);
    compare.disabled = chosen.size < 2;
    compare.textContent = chosen.size < 2 ? "Compare" : `Compare ${chosen.size} studies`;
  }

  function row(study) {
    const path = `/study/${encodeURIComponent(study.uid)}`;
    const box = el("input", {type: "checkbox", "aria-label": `Compare ${study.name}`, on: {change: (event) => tick(study.uid, event.target.checked)}});
    box.checked = chosen.has(study.uid);
    const name = el("th", {scope: "row"}, el("a", {href: path}, study.name));
    if (!study.read) {
      return el("tr", {}, el("td", {class: "narrow"}, box), name,
        el("td", {colspan: 5, class: "muted"}, study.problem || "not read yet: open it, or wait a moment"));
    }
    const total = study.budget ? ` of ${count(study.budget)}` : "";
    const bar = study.budget ? el("progress", {max: study.budget, value: Math.min(study.done, study.budget), "aria-label": "Share of the budget that is used"}) : null;
    const bad = study.counts.ERROR + study.counts.FAILED;
    return el("tr", {}, el("td", {class: "narrow"}, box), name,
      el("td", {}, moodPill(study)),
      el("td", {class: "number"}, `${count(study.done)}${total}`, bar),
      el("td", {class: "number"}, study.best ? number(study.best.loss, 6) : "–"),
      el("td", {class: "number"}, count(bad)),
      el("td", {}, moment(study.created)));
  }

  function draw(told) {
    trouble(told.problem);
    where.textContent = plain(told.location) + (told.readonly ? " · nothing can be changed from here" : "");
    if (!told.studies.length) {
      refill(list, el("div", {class: "card empty"}, el("p", {}, "There is no study here yet."),
        el("p", {}, "One appears as soon as a program makes it: ", el("code", {}, `minimize(objective, space, storage=…)`))));
      return;
    }
    const focused = document.activeElement?.closest?.("tr")?.dataset.uid;
    const kind = document.activeElement?.tagName;
    const body = el("tbody", {}, told.studies.map((study) => {
      const line = row(study);
      line.dataset.uid = study.uid;
      return line;
    }));
    refill(list, el("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "List of studies"}, el("table", {class: "studies"},
      el("caption", {class: "unseen"}, plural(told.studies.length, "study").replace("studys", "studies")),
      el("thead", {}, el("tr", {},
        el("th", {scope: "col", class: "narrow"}, el("span", {class: "unseen"}, "Compare")),
        ["Study", "State"].map((text) => el("th", {scope: "col"}, text)),
        ["Done", "Best", "Failed"].map((text) => el("th", {scope: "col", class: "number"}, text)),
        el("th", {scope: "col"}, "Made"))),
      body)));
    if (focused) {
      const again = [...body.children].find((one) => one.dataset.uid === focused);
      again?.querySelector(kind === "INPUT" ? "input" : "a")?.focus({preventScroll: true});
    }
  }

  draw(first);
  follow("news", {list: draw}, signal);
}
