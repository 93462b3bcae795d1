// What a person does, with a mouse or without one.

import type { Page } from "playwright-core";

export const WAYS = ["mouse", "keyboard"] as const;
export type Way = (typeof WAYS)[number];

type Role = "link" | "button" | "checkbox";

export class Person {
  readonly page: Page;
  readonly way: Way;
  /** How often something was pressed. */
  presses = 0;

  constructor(page: Page, way: Way) {
    this.page = page;
    this.way = way;
  }

  /** Presses a link or button, once it can be pressed. */
  async press(role: Role, name: RegExp): Promise<void> {
    this.presses += 1;
    const target = this.page.getByRole(role, { name, ...(role === "link" ? {} : { disabled: false }) }).first();
    await target.waitFor();
    if (this.way === "mouse") return target.click();
    await tabTo(this.page, name);
    await this.page.keyboard.press(role === "checkbox" ? "Space" : "Enter");
  }

  /** Fills in a field. */
  async write(name: RegExp, text: string): Promise<void> {
    if (this.way === "mouse") return this.page.getByLabel(name).fill(text);
    await tabTo(this.page, name);
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.type(text);
  }
}

/** Presses Tab until what has the focus is called like that. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let count = 0; count < 200; count++) {
    await page.keyboard.press("Tab");
    const called = await page.evaluate(() => {
      const at = document.activeElement;
      const label = (at as HTMLInputElement | null)?.labels?.[0];
      return (at?.getAttribute("aria-label") ?? label?.textContent ?? at?.textContent ?? "").trim().replaceAll(/\s+/g, " ");
    });
    if (name.test(called)) return;
  }
  throw new Error(`Tab never leads to ${name}`);
}
