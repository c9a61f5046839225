import { type Markup, markup, trusted } from "../markup.js";
import { displayWidth, truncate } from "../text-width.js";
import { darkRules, paint, paper } from "./palette.js";

/** What every chart has. */
export interface ChartText {
  /** Prefix of the ids inside the chart, unique in the document. Letters, digits and hyphens. */
  readonly id: string;
  /** Shown above the plot. */
  readonly title: string;
  /** What the chart shows, in words, for readers who do not see it. */
  readonly description: string;
  /** Short text at the right of the title line, for example a key figure. */
  readonly note?: string;
}

export const fontSize = 11;
/** Mean width of a character in pixels, on the safe side: in the widest of usual sans-serif fonts it is 0.6 of the font size. */
const characterWidth = 0.6 * fontSize;
const boldWidth = 1.12;

/** Estimated width of a text in pixels at the chart's font size. */
export function textWidth(text: string): number {
  return displayWidth(text) * characterWidth;
}

/** Text cut to a width in pixels. */
export function fitText(text: string, width: number): string {
  return truncate(text, Math.max(1, Math.floor(width / characterWidth)));
}

export interface TextOptions {
  readonly anchor?: "start" | "middle" | "end";
  readonly bold?: boolean;
  readonly muted?: boolean;
  /** Degrees, clockwise. */
  readonly rotate?: number;
}

/** Text at a point on its base line. */
export function label(x: number, y: number, text: string, options: TextOptions = {}): Markup {
  const { anchor = "start", bold = false, muted = false, rotate } = options;
  return markup`<text x="${x}" y="${y}" text-anchor="${anchor}"${bold ? markup` font-weight="600"` : undefined}${
    rotate === undefined ? undefined : markup` transform="rotate(${rotate} ${x} ${y})"`
  } ${paint({ fill: muted ? "muted" : "ink" })}>${text}</text>`;
}

/** Text cut to `width` pixels; what was cut can be read by pointing at it. */
export function fittedLabel(x: number, y: number, text: string, width: number, options: TextOptions = {}): Markup {
  const fitted = fitText(text, options.bold ? width / boldWidth : width);
  if (fitted === text) return label(x, y, text, options);
  return markup`<g><title>${text}</title>${label(x, y, fitted, options)}</g>`;
}

export const titleHeight = 22;

/** A chart as an SVG element that can stand in HTML or, through {@link standaloneSvg}, in a file of its own. */
export function frame(text: ChartText, width: number, height: number, ...content: readonly Markup[]): Markup {
  const noteWidth = text.note === undefined ? 0 : textWidth(text.note) + 8;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${text.id}-title ${text.id}-description" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif" font-size="${fontSize}"><title id="${text.id}-title">${text.title}</title><desc id="${text.id}-description">${text.description}</desc>${fittedLabel(0, 13, text.title, width - noteWidth, { bold: true })}${
    text.note === undefined ? undefined : label(width, 13, text.note, { anchor: "end", muted: true })
  }${content}</svg>`;
}

/**
 * The text of an SVG file with one chart: on its own ground, light or dark as the reader's system is. Viewers that know no
 * CSS show the light one.
 */
export function standaloneSvg(chart: Markup): string {
  const ground = markup`<rect class="paper" x="-16" y="-16" width="100%" height="100%" fill="${paper.light}"/>`;
  const style = trusted(
    `<style>@media (prefers-color-scheme: dark){.paper{fill:${paper.dark}}${darkRules}}</style>${ground.text}`,
  );
  const svg = chart.text
    .replace(/viewBox="0 0 (\S+) (\S+)" width="\S+" height="\S+"/, (_, width: string, height: string) => {
      const [outerWidth, outerHeight] = [Number(width) + 32, Number(height) + 32];
      return `viewBox="-16 -16 ${outerWidth} ${outerHeight}" width="${outerWidth}" height="${outerHeight}"`;
    })
    .replace("</desc>", () => `</desc>${style.text}`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg}\n`;
}
