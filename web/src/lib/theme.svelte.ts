// Follows the system's theme until a person overrides it; the choice is kept in this browser.

const KEY = "prescale.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export type Choice = "system" | "light" | "dark";

function stored(): Choice {
  try {
    const text = localStorage.getItem(KEY);
    return text === "light" || text === "dark" ? text : "system";
  } catch {
    return "system"; // storage is switched off
  }
}

class Theme {
  choice = $state<Choice>(stored());
  #systemDark = $state(dark.matches);
  /** What is shown. Charts read it so that they draw again when it changes. */
  shown = $derived<"light" | "dark">(this.choice === "system" ? (this.#systemDark ? "dark" : "light") : this.choice);

  constructor() {
    dark.addEventListener("change", (event) => (this.#systemDark = event.matches));
    this.#apply();
  }

  /** system → light → dark → system. */
  next(): void {
    this.choice = this.choice === "system" ? "light" : this.choice === "light" ? "dark" : "system";
    try {
      if (this.choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, this.choice);
    } catch {
      // The choice then holds for this page only.
    }
    this.#apply();
  }

  #apply(): void {
    if (this.choice === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.choice;
  }
}

export const theme = new Theme();
