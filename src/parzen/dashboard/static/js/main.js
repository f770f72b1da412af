// Where one is, and what is shown there.

import {announce, el, plain, refill, trouble} from "./dom.js";
import {openDialog} from "./dialog.js";
import {plotly} from "./plots.js";
import {startTheme} from "./theme.js";
import {showStudies} from "./studies.js";
import {showStudy} from "./study.js";
import {showTrial} from "./trial.js";
import {showStudyComparison, showTrialComparison} from "./compare.js";

const ROUTES = [
  [/^\/$/, showStudies],
  [/^\/compare$/, showStudyComparison],
  [/^\/study\/([^/]+)$/, showStudy],
  [/^\/study\/([^/]+)\/compare$/, showTrialComparison],
  [/^\/study\/([^/]+)\/trial\/(\d+)$/, showTrial],
];

let leaving = new AbortController();
let shown = null;

/** Go to a path of this page. */
export function go(path) {
  if (path !== location.pathname + location.search) history.pushState(null, "", path);
  show();
}

/** What a page says about itself: [text, path] from the outside in, and the document's title. */
function place(crumbs) {
  const last = crumbs.length - 1;
  refill(document.getElementById("crumbs"), crumbs.map(([text, path], k) =>
    el("li", {}, k === last ? el("span", {"aria-current": "page"}, text) : el("a", {href: path}, text))));
  document.title = plain([...crumbs].reverse().map(([text]) => text).concat("parzen").join(" · "));
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const {signal} = leaving;
  const main = document.getElementById("main");
  trouble("");
  const first = shown === null;
  shown = location.pathname + location.search;
  const path = location.pathname;
  const found = ROUTES.map(([pattern, page]) => [pattern.exec(path), page]).find(([match]) => match);
  refill(main, el("p", {class: "loading"}, "Loading…"));
  if (!found) {
    place([["Studies", "/"], ["Nothing here", path]]);
    refill(main, el("h1", {tabindex: -1}, "There is no such page"), el("p", {}, el("a", {href: "/"}, "All studies")));
    return;
  }
  const [match, page] = found;
  try {
    await page({
      main, signal, place, go,
      query: new URLSearchParams(location.search),
      given: match.slice(1).map(decodeURIComponent),
    });
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 503) {  // it is being read
      refill(main, el("h1", {tabindex: -1}, "One moment"), el("p", {class: "loading"}, error.message));
      setTimeout(() => { if (!signal.aborted) show(); }, 700);
      return;
    }
    refill(main,
      el("h1", {tabindex: -1}, error.status === 410 || error.status === 404 ? "It is not there" : "That did not work"),
      el("p", {}, error.message),
      el("p", {class: "row"},
        el("button", {type: "button", on: {click: show}}, "Try again"),
        el("a", {class: "button", href: "/"}, "All studies")));
    if (!(error.status >= 400)) console.error(error);
  }
  if (signal.aborted) return;
  if (!first) {  // a browser itself says what it has just opened, and begins at the top
    main.querySelector("h1")?.focus({preventScroll: true});
    announce(document.title);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.hasAttribute("download")) return;
  event.preventDefault();
  scrollTo(0, 0);
  go(link.getAttribute("href"));
});
window.addEventListener("popstate", () => {
  if (location.pathname + location.search !== shown) show();  // and not for a place within the page
});

const KEYS = [
  [["Tab"], "to the next control"],
  [["↑", "↓", "Home", "End"], "from row to row in a table"],
  [["Page Up", "Page Down"], "to the page before or after"],
  [["Enter"], "opens the trial of a row"],
  [["Space"], "picks the trial of a row out, or puts it back; the plots mark it too, where dragging has no keys"],
  [["Esc"], "closes a dialog, or puts all picked trials back"],
  [["/"], "to the condition of the table"],
  [["?"], "this list"],
];

function showKeys() {
  openDialog("Keys", () => [el("dl", {class: "keys"}, KEYS.map(([keys, what]) => [
    el("dt", {}, keys.map((key) => [el("kbd", {}, key), " "])), el("dd", {}, what)]))]);
}

document.getElementById("keys").addEventListener("click", showKeys);
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") showKeys();
  else if (event.key === "/") {
    const box = document.querySelector("#where");
    if (box) {
      event.preventDefault();
      box.focus();
    }
  }
});

startTheme();
if (location.pathname !== "/") plotly().catch(() => {});  // while the rest is asked for; an error is met again by whoever draws
show();
