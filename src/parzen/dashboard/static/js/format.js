// Numbers, times and states in words, as the rest of parzen says them.

const SIGNS = {OK: "✓", ERROR: "✕", FAILED: "✕", PRUNED: "✂", RUNNING: "▶", WAITING: "…", CANCELLED: "⊘"};

/** A number to so many significant digits; whole numbers below a million keep all of theirs. */
export function number(x, digits = 4) {
  if (x === null || x === undefined) return "–";
  if (typeof x !== "number") return String(x);
  if (!Number.isFinite(x)) return String(x);
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x);
  const size = Math.floor(Math.log10(Math.abs(x)));
  if (size >= -4 && size < 6) {
    const text = x.toFixed(Math.min(Math.max(0, digits - 1 - size), 20));
    return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
  }
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  return `${mantissa.includes(".") ? mantissa.replace(/0+$/, "").replace(/\.$/, "") : mantissa}e${Number(power)}`;
}

export const value = (x) => (x === null || x === undefined ? "–" : typeof x === "number" ? number(x) : String(x));
export const count = (n) => Number(n).toLocaleString("en");

/** A duration: 0.3 ms, 1.9 s, 12:34, 2 d 03 h. */
export function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.1) return `${number(seconds * 1000, 2)} ms`;
  if (seconds < 10) return `${number(seconds, 2)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  const two = (n) => String(n).padStart(2, "0");
  if (hours < 1) return `${minutes}:${two(Math.floor(seconds) % 60)} min`;
  if (hours < 24) return `${hours}:${two(minutes % 60)} h`;
  return `${days} d ${two(hours % 24)} h`;
}

/** Trials by the second, the minute or the hour, whichever gives a number that one can picture; a space that does not break. */
export function pace(perSecond) {
  const [unit, each] = [["s", 1], ["min", 60], ["h", 3600]].find(([, seconds]) => perSecond * seconds >= 1) ?? ["day", 86400];
  return `${number(perSecond * each, 2)}\u00a0/\u00a0${unit}`;
}

/** Text of at most `limit` characters, cut in its middle. */
export function short(text, limit = 40) {
  if (text.length <= limit) return text;
  const end = Math.floor((limit - 1) / 3);
  return `${text.slice(0, limit - 1 - end)}…${text.slice(text.length - end)}`;
}

/** Attributes of an element whose text was cut: all of it, for whoever points at it. */
export const whole = (text, limit = 40) => ({title: text.length > limit ? text : null});

const MOMENT = new Intl.DateTimeFormat("en-GB", {dateStyle: "medium", timeStyle: "short"});
const CLOCK = new Intl.DateTimeFormat("en-GB", {timeStyle: "medium"});

/** A moment given in seconds since the epoch; today's by the clock only. */
export function moment(at) {
  if (!at) return "–";
  const date = new Date(at * 1000);
  return date.toDateString() === new Date().toDateString() ? CLOCK.format(date) : MOMENT.format(date);
}

/** A state with its sign, which tells it apart without colours. */
export const stateText = (state) => `${SIGNS[state] ?? ""} ${state}`;
export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
