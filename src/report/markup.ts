/** HTML and SVG as text. Whatever is put into a template is escaped, unless it is markup already. */

/** Text that is markup and must not be escaped again. Only {@link markup} and {@link trusted} make it. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

export type MarkupPart = string | number | Markup | undefined | readonly MarkupPart[];

/**
 * A template of HTML or SVG. Strings are escaped for element content and for attribute values in double quotes; numbers
 * are coordinates and keep two decimals; undefined is nothing; a list is its parts one after the other.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  let text = strings[0] ?? "";
  parts.forEach((part, index) => {
    text += partText(part) + (strings[index + 1] ?? "");
  });
  return new Markup(text);
}

/** Marks text of our own making (a stylesheet, a path) as safe. Never for anything that came from outside. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function partText(part: MarkupPart): string {
  if (part === undefined) return "";
  if (typeof part === "string") return escapeMarkup(part);
  if (typeof part === "number") return coordinate(part);
  if (part instanceof Markup) return part.text;
  return part.map(partText).join("");
}

/** A number with at most two decimals, which is finer than any screen and keeps files small. */
export function coordinate(value: number): string {
  const text = String(Math.round(value * 100) / 100);
  return text === "-0" ? "0" : text;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 forbids, even as entities.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/gu;

/** Escapes text for HTML and XML. Characters that XML cannot hold at all become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text.replace(forbidden, "\ufffd").replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
