// Elements.  Texts of a study become text nodes and nothing else: there is no innerHTML in this page.

// Characters that turn the order of what stands around them: somebody's label could make a line say something else.
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text whose characters stand in the order in which they were written; what would turn it is spelled, as the command line does. */
export const plain = (text) => String(text).replace(TURNING, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * An element: el("p", {class: "muted", on: {click}}, "text", other, [more]).
 * `on` are listeners, `data` a dataset; true and false set and leave out an attribute; null children are skipped.
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : name === "title" || name.startsWith("aria-") ? plain(value) : String(value));
  }
  fill(node, ...children);
  return node;
}

/** An element of SVG, with attributes only. */
export function svg(tag, properties = {}, ...children) {
  const node = document.createElementNS("http" + "://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** Put children at the end of a node; strings become text. */
export function fill(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(plain(child)));
  }
  return node;
}

/** Replace all children of a node. */
export function refill(node, ...children) {
  node.replaceChildren();
  return fill(node, ...children);
}

/** A table of keys and values; values are nodes or texts. */
export function plainTable(rows, caption) {
  return el("table", {class: "plainly"},
    caption ? el("caption", {class: "unseen"}, caption) : null,
    el("tbody", {}, rows.map(([key, ...values]) =>
      el("tr", {}, el("th", {scope: "row"}, key), values.map((value) => el("td", {}, value))))));
}

let toasts = 0;

/** A short message that goes away by itself; screen readers say it. */
export function toast(text, bad = false) {
  const box = document.getElementById("toasts");
  const message = el("div", {class: bad ? "toast bad" : "toast", id: `toast-${toasts++}`}, text);
  box.append(message);
  while (box.children.length > 3) box.firstChild.remove();
  setTimeout(() => message.remove(), bad ? 9000 : 5000);
}

/** Something for screen readers only. */
export function announce(text) {
  document.getElementById("news").textContent = plain(text);
}

/** The sentence at the top of the page; empty for none. */
export function trouble(text) {
  const box = document.getElementById("trouble");
  if (box.textContent !== plain(text)) box.textContent = plain(text);
  box.hidden = !text;
}

/** Call at most every `pause` ms, and once more at the end of a burst. */
export function throttled(act, pause) {
  let timer = null, last = 0;
  return (...given) => {
    const now = performance.now();
    clearTimeout(timer);
    const wait = Math.max(0, last + pause - now);
    timer = setTimeout(() => { last = performance.now(); act(...given); }, wait);
  };
}
