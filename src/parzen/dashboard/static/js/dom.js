// Elements.  Texts of a study become text nodes and nothing else: there is no innerHTML in this page.

// What has no shape of its own, or turns the order of what stands around it: somebody's label could make a line say something
// else.  Line ends and tabs stay, because tracebacks are told with theirs.
const UNSEEN = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

function spelled(one) {
  const code = one.codePointAt(0), [mark, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${mark}${code.toString(16).padStart(digits, "0")}`;
}

/** Text in which everything is seen, in the order in which it was written; what would not be is spelled as `plain` of `_wording.py` does. */
export const plain = (text) => String(text).replace(UNSEEN, spelled);

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
