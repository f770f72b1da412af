// Studies beside each other, and trials beside each other: what differs is marked.

import {get} from "./api.js";
import {el, refill} from "./dom.js";
import {count, moment, number, short, stateText, value, whole} from "./format.js";
import {draw} from "./plots.js";
import {moodPill} from "./studies.js";
import {onTheme, theme} from "./theme.js";

/** A table with a column for each thing; rows whose values are not all the same are marked. */
function sideBySide(heads, rows, caption) {
  return el("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": caption}, el("table", {},
    el("caption", {class: "unseen"}, `${caption}. Rows that differ are marked ≠.`),
    el("thead", {}, el("tr", {}, el("td", {}), heads.map((head) => el("th", {scope: "col"}, head)))),
    el("tbody", {}, rows.map(([label, values, compared = true]) => {
      const texts = values.map((one) => (one instanceof Node ? one.textContent : String(one)));
      const differs = compared && new Set(texts).size > 1;
      return el("tr", {class: differs ? "differs" : ""}, el("th", {scope: "row", ...whole(label)}, short(label)), values.map((one) => el("td", {}, one)));
    }))));
}

export async function showTrialComparison({main, signal, place, query, given: [uid]}) {
  const base = `studies/${encodeURIComponent(uid)}`;
  const path = `/study/${encodeURIComponent(uid)}`;
  const [study, told] = await Promise.all([get(base, {}, signal), get(`${base}/rows`, {numbers: query.get("trials") ?? ""}, signal)]);
  place([["Studies", "/"], [study.name, path], ["Compare trials", `${path}/compare`]]);
  const {trials, labels} = told;
  if (trials.length < 2) {
    refill(main, el("h1", {tabindex: -1}, "Compare trials"), el("p", {}, "Pick two trials or more in the table or in a plot of ", el("a", {href: path}, study.name), "."));
    return;
  }
  const metrics = [...new Set(trials.flatMap((one) => Object.keys(one.metrics)))].filter((name) => name !== study.metric);
  const only = el("input", {type: "checkbox", id: "only-different"});
  const box = el("div", {});
  const rows = [
    ["state", trials.map((one) => el("span", {class: `state ${one.state}`}, stateText(one.state)))],
    [study.metric, trials.map((one) => (one.loss === null ? "–" : number(one.loss, 8)))],
    ...metrics.map((name) => [name, trials.map((one) => number(one.metrics[name] ?? null, 6))]),
    ...labels.map((label, j) => [label, trials.map((one) => value(one.values[j]))]).filter(([, values]) => values.some((one) => one !== "–")),
    ["rule", trials.map((one) => one.rule)],
    ["seconds", trials.map((one) => number(one.seconds, 3)), false],
    ...(trials.some((one) => one.error) ? [["error", trials.map((one) => one.error ?? "–")]] : []),
  ];
  const show = () => refill(box, sideBySide(trials.map((one) => el("a", {href: `${path}/trial/${one.number}`}, `Trial ${one.number}`)),
    only.checked ? rows.filter(([, values]) => new Set(values.map((one) => (one instanceof Node ? one.textContent : String(one)))).size > 1) : rows, "Trials"));
  only.addEventListener("change", show);
  show();
  refill(main, el("div", {class: "title spread"}, el("h1", {tabindex: -1}, `Compare ${trials.length} trials`),
    el("label", {class: "row", for: "only-different"}, only, "Only what differs")), el("div", {class: "section"}, box));
}

export async function showStudyComparison({main, signal, place, query}) {
  const studies = query.get("studies") ?? "";
  const told = await get("compare", {studies, theme: theme()}, signal);
  place([["Studies", "/"], ["Compare studies", "/compare"]]);
  const every = told.studies;
  const labels = [...new Set(every.flatMap((one) => one.labels))];
  const best = (one, label) => {
    const j = one.labels.indexOf(label);
    return j < 0 ? "not in its space" : value(one.best?.values[j]);
  };
  const directions = new Set(every.map((one) => one.direction));
  const boxes = Object.fromEntries(["convergence", "edf"].map((name) => [name, el("div", {class: "drawing waiting", role: "img", "aria-label": name === "edf" ? "How good the trials are" : "Best so far"}, "…")]));
  refill(main,
    el("h1", {tabindex: -1}, `Compare ${every.length} studies`),
    directions.size > 1 ? el("p", {class: "wrong"}, "One minimises and another maximises: their curves are not to be compared.") : null,
    el("section", {class: "section"}, el("h2", {}, "Curves"), el("div", {class: "plots"},
      el("section", {class: "card plot"}, el("h3", {}, "Best so far"), el("div", {class: "legend"}), boxes.convergence, el("p", {class: "notes"})),
      el("section", {class: "card plot"}, el("h3", {}, "How good the trials are"), el("div", {class: "legend"}), boxes.edf, el("p", {class: "notes"})))),
    el("section", {class: "section"}, el("h2", {}, "Answers"), sideBySide(
      every.map((one) => el("a", {href: `/study/${encodeURIComponent(one.uid)}`}, one.name)),
      [
        ["state", every.map(moodPill), false],
        ["direction", every.map((one) => one.direction)],
        ["best", every.map((one) => (one.best ? number(one.best.loss, 6) : "–"))],
        ["done", every.map((one) => `${count(one.done)}${one.budget ? ` of ${count(one.budget)}` : ""}`)],
        ["failed", every.map((one) => count(one.counts.ERROR + one.counts.FAILED))],
        ["pruned", every.map((one) => count(one.counts.PRUNED))],
        ["seed", every.map((one) => String(one.seed)), false],
        ["made", every.map((one) => moment(one.created)), false],
        ...labels.map((label) => [label, every.map((one) => best(one, label))]),
      ], "Answers of the studies")));

  async function curves(plots) {
    for (const [name, box] of Object.entries(boxes)) {
      const figure = plots[name];
      if (figure.problem) {
        refill(box, figure.problem);
        continue;
      }
      await draw(box, figure);
      box.nextElementSibling.textContent = figure.notes.join(" ");
    }
  }
  await curves(told.plots);
  onTheme(async () => curves((await get("compare", {studies, theme: theme()}, signal)).plots), signal);
}
