// A configuration by hand: a form made from the space, in which a parameter appears with the option that it belongs to.

import {act, get} from "./api.js";
import {el} from "./dom.js";
import {field, openDialog} from "./dialog.js";
import {short, whole} from "./format.js";

const LONG = 60;  // characters of an option

/** Open the form; it begins with the values of `trial`, else of the best one. */
export async function openForm(uid, trial = null) {
  const made = await get(`studies/${encodeURIComponent(uid)}/form`, {trial});
  const inputs = made.fields.map((one) => input(one, made.values[one.column]));
  const lines = made.fields.map((one, k) => field(one.label, inputs[k], one.what, one.when.some((and) => and.length)));
  const box = el("div", {class: "fields"}, lines);

  // Columns come after those that they hang on, so one pass decides about all.
  function update() {
    const codes = [];
    made.fields.forEach((one, k) => {
      const active = one.when.some((and) => and.every(([column, code]) => codes[column] === code));
      lines[k].hidden = !active;
      inputs[k].disabled = !active;
      codes[one.column] = active && inputs[k].value !== "" ? Number(inputs[k].value) : null;
    });
  }
  box.addEventListener("input", update);
  update();

  const intro = made.of === null
    ? "What is left empty is drawn at random."
    : `It begins with the values of trial ${made.of}. What is left empty is drawn at random.`;
  return openDialog("Try a configuration", () => [
    el("p", {class: "muted"}, intro, made.missing.length ? ` The file cannot hold ${made.missing.join(", ")}, which stand for themselves by name.` : ""),
    made.fields.length ? box : el("p", {}, "The space has no parameters: there is one configuration."),
  ], {
    label: "Enqueue",
    send: async () => {
      const values = {};
      made.fields.forEach((one, k) => {
        if (!inputs[k].disabled && inputs[k].value !== "") values[one.column] = inputs[k].value;
      });
      return (await act(uid, "enqueue", {values})).sentence;
    },
  });
}

function input(one, value) {
  const data = {column: one.column};
  const text = value === null || value === undefined ? "" : String(value);
  if (one.choice) {
    const list = el("select", {data}, el("option", {value: ""}, "draw at random"),
      one.options.map((name, code) => el("option", {value: code, ...whole(name, LONG)}, short(name, LONG))));
    list.value = text;
    return list;
  }
  return el("input", {type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", data, value: text});
}

