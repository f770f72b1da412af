// Dialogs: the browser's own, which keep the focus inside and close by Esc.

import {el, plain, toast} from "./dom.js";

let titles = 0;

/**
 * Open a dialog.  `content` gives its nodes; `send` is called on its main button and may throw an error whose sentence is
 * shown; without it the dialog only tells something.
 */
export function openDialog(title, content, {label = "Done", send = null, grave = false} = {}) {
  const before = document.activeElement;
  const heading = `dialog-title-${titles++}`;
  const wrong = el("p", {class: "wrong", role: "alert"});
  const main = send ? el("button", {type: "submit", class: grave ? "grave" : "main"}, label) : null;
  const form = el("form", {novalidate: true},
    el("h2", {id: heading}, title),
    content(),
    wrong,
    el("div", {class: "row"},
      el("button", {type: "button", on: {click: () => dialog.close()}}, send ? "Cancel" : "Close"), main));
  const dialog = el("dialog", {"aria-labelledby": heading}, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!send) { dialog.close(); return; }
    main.disabled = true;
    wrong.textContent = "";
    for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    try {
      const sentence = await send(form);
      dialog.close();
      if (sentence) toast(sentence);
    } catch (error) {
      wrong.textContent = plain(error.message);
      const column = error.told?.column;
      const input = column === undefined ? null : form.querySelector(`[data-column="${Number(column)}"]`);
      if (input) {
        input.setAttribute("aria-invalid", "true");
        input.focus();
      }
    } finally {
      main.disabled = false;
    }
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  (form.querySelector("input, select, textarea") ?? form.querySelector("button")).focus();
  return dialog;
}

/** Ask before something that cannot be taken back. */
export function confirmDialog(title, sentence, label, act) {
  return openDialog(title, () => [el("p", {}, sentence)], {label, grave: true, send: act});
}

/** A labelled input with a hint below it. */
export function field(label, input, hint = "", inner = false) {
  const id = input.id || `field-${titles++}`;
  input.id = id;
  const told = hint ? el("div", {class: "hint", id: `${id}-hint`}, hint) : null;
  if (told) input.setAttribute("aria-describedby", told.id);
  return el("div", {class: inner ? "field inner" : "field"}, el("label", {for: id}, label), input, told);
}

