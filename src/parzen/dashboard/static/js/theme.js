// Light, dark, or as the system has it.

const ORDER = ["system", "light", "dark"];
const system = matchMedia("(prefers-color-scheme: dark)");
const changed = new EventTarget();
let wanted = "system";

try {
  const kept = localStorage.getItem("parzen-theme");
  if (ORDER.includes(kept)) wanted = kept;
} catch {
  // Where nothing may be kept, it is the system's each time.
}

/** "light" or "dark", as it is shown now. */
export const theme = () => (wanted === "system" ? (system.matches ? "dark" : "light") : wanted);

/** Call when it changes, until `signal` aborts. */
export const onTheme = (act, signal) => changed.addEventListener("change", act, {signal});

function apply() {
  if (wanted === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
  const button = document.getElementById("theme");
  button.textContent = {system: "◐ System", light: "☀ Light", dark: "☾ Dark"}[wanted];
  button.setAttribute("aria-label", `Colours: ${wanted}. Press for ${ORDER[(ORDER.indexOf(wanted) + 1) % 3]}.`);
}

export function startTheme() {
  apply();
  document.getElementById("theme").addEventListener("click", () => {
    const before = theme();
    wanted = ORDER[(ORDER.indexOf(wanted) + 1) % 3];
    try {
      localStorage.setItem("parzen-theme", wanted);
    } catch {
      // As above.
    }
    apply();
    if (theme() !== before) changed.dispatchEvent(new Event("change"));
  });
  system.addEventListener("change", () => {
    if (wanted === "system") changed.dispatchEvent(new Event("change"));
  });
}
