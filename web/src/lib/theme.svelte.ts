// Follows the system's theme until a person overrides it; the choice is kept in this browser, and so is the density.

import { keep, stored } from "./stored";

const dark = matchMedia("(prefers-color-scheme: dark)");

export const THEMES = ["system", "light", "dark"] as const;
export type Choice = (typeof THEMES)[number];
export const DENSITIES = ["comfortable", "compact"] as const;
export type Density = (typeof DENSITIES)[number];

const isChoice = (text: string): text is Choice => (THEMES as readonly string[]).includes(text);
const isDensity = (text: string): text is Density => (DENSITIES as readonly string[]).includes(text);

class Theme {
  choice = $state<Choice>(stored("theme", isChoice) ?? "system");
  density = $state<Density>(stored("density", isDensity) ?? "comfortable");
  #systemDark = $state(dark.matches);
  /** What is shown. Charts read it so that they draw again when it changes. */
  shown = $derived<"light" | "dark">(this.choice === "system" ? (this.#systemDark ? "dark" : "light") : this.choice);

  constructor() {
    dark.addEventListener("change", (event) => (this.#systemDark = event.matches));
    this.#apply();
  }

  choose(choice: Choice): void {
    this.choice = choice;
    keep("theme", choice === "system" ? null : choice);
    this.#apply();
  }

  pack(density: Density): void {
    this.density = density;
    keep("density", density === "comfortable" ? null : density);
    this.#apply();
  }

  #apply(): void {
    const root = document.documentElement;
    if (this.choice === "system") delete root.dataset["theme"];
    else root.dataset["theme"] = this.choice;
    root.dataset["density"] = this.density;
  }
}

export const theme = new Theme();
