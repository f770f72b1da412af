// Speaking with the server: JSON by fetch, news by server-sent events.

import {trouble} from "./dom.js";

/** What the server said no to, in its sentence. */
export class Refused extends Error {
  constructor(status, told) {
    super(told?.error || `the server answered ${status}`);
    this.status = status;
    this.told = told ?? {};
  }
}

async function told(answer) {
  let body = null;
  try {
    body = await answer.json();
  } catch {
    // An answer without JSON is told by its status.
  }
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

function address(path, query) {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return `/api/${path}${pairs.length ? `?${new URLSearchParams(pairs)}` : ""}`;
}

/** Read something; `query` is a mapping, of which empty values are left out. */
export async function get(path, query = {}, signal) {
  return told(await fetch(address(path, query), {signal, headers: {Accept: "application/json"}}));
}

/** The same while everything else waits, for a page that is about to be printed; null where it is not there. */
export function getNow(path, query = {}) {
  const request = new XMLHttpRequest();
  request.open("GET", address(path, query), false);
  try {
    request.send();
    return request.status === 200 ? JSON.parse(request.responseText) : null;
  } catch {
    return null;
  }
}

/** Do something to a study; gives the server's answer with its `sentence`. */
export async function act(uid, action, given = {}) {
  return told(await fetch(`/api/studies/${encodeURIComponent(uid)}/do`, {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({action, ...given}),
  }));
}

const STREAMS = 4;  // of the six connections that a browser has for one server, over all its pages

/**
 * Room for one more stream among all pages of this server: what gives it back, or null where there is none.  Where pages cannot
 * agree (an address without TLS that is not this machine's has no locks, a frame without an origin is refused them) each has its
 * own.
 */
async function room() {
  if (!navigator.locks) return () => {};
  for (let k = 0; k < STREAMS; k += 1) {
    const free = await new Promise((resolve) => {
      navigator.locks.request(`parzen news ${k}`, {ifAvailable: true}, (lock) => {
        if (lock === null) return resolve(null);
        return new Promise((done) => resolve(done));  // held until it is called
      }).catch(() => resolve(() => {}));
    });
    if (free) return free;
  }
  return null;
}

/**
 * Follow events until `signal` aborts.  A connection that breaks is made again, from the last event that came; one of a tab
 * that nobody sees is closed, because browsers have few connections for one server; where four pages have a stream, further
 * ones ask every other second.  What is `gone` does not come back, and is not asked for again.
 */
export function follow(path, handlers, signal, after = () => null) {
  let source = null;
  const link = document.getElementById("link");
  const say = (text, kind) => { link.textContent = text; link.className = `link ${kind}`; };
  let broken = false, over = false, opening = false, free = null;

  async function open() {
    if (source || opening || over || signal.aborted) return;
    opening = true;
    free = await room();
    opening = false;
    if (over || signal.aborted || document.hidden) {
      close();
      return;
    }
    const brief = free === null;
    let answered = false;
    const from = after();
    const query = new URLSearchParams({...(from === null ? {} : {after: from}), ...(brief ? {brief: 1} : {})});
    source = new EventSource(`/api/${path}${query.size ? `?${query}` : ""}`);
    source.onopen = () => {
      answered = true;
      say("live", "live");
      if (broken) trouble("");
      broken = false;
    };
    source.onerror = () => {
      if (signal.aborted || !source) return;
      if (brief && answered && source.readyState === EventSource.CONNECTING) {  // its end, as it was asked for
        answered = false;
        return;
      }
      const refused = source.readyState === EventSource.CLOSED;  // the server said no, or is away
      if (refused) close();
      if (refused && handlers.gone) why();
      else lost(refused);
    };
    for (const [kind, handle] of Object.entries(handlers)) {
      source.addEventListener(kind, (event) => {
        if (kind === "gone") end();
        handle(JSON.parse(event.data));
      });
    }
  }

  function lost(again) {
    broken = true;
    say("connecting", "lost");
    trouble("The connection to parzen is lost: this page shows what it knew last, and goes on by itself when the server is there again.");
    if (again) setTimeout(open, 1500);
  }

  /** A stream that is refused does not say why: a study that was deleted while nobody looked answers 404 or 410. */
  async function why() {
    try {
      await get(path.replace(/\/news$/, ""), {}, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && (error.status === 404 || error.status === 410)) {
        end();
        handlers.gone({sentence: error.message});
        return;
      }
    }
    lost(true);
  }

  function end() {
    over = true;
    close();
    say("deleted", "lost");
  }

  function close() {
    source?.close();
    free?.();
    source = free = null;
  }

  function look() {
    if (over) return;
    if (document.hidden) {
      close();
      say("asleep", "");
    } else {
      open();
    }
  }

  document.addEventListener("visibilitychange", look, {signal});
  signal.addEventListener("abort", () => { close(); say("", ""); });
  look();
  return close;
}
