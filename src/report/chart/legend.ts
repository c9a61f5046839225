import { type Markup, markup } from "../markup.js";
import { fittedLabel, label, textWidth } from "./frame.js";

export interface LegendItem {
  readonly name: string;
  /** Draws the sample, `sampleWidth` wide, centred on this height. */
  readonly sample: (x: number, y: number) => Markup;
}

export const sampleWidth = 26;
const rowHeight = 16;
const gap = 14;

export interface Legend {
  readonly markup: Markup;
  /** Height it takes, in pixels. */
  readonly height: number;
}

/** A legend in rows above a plot, wrapped at `width`. `top` is its upper edge. */
export function legendRows(items: readonly LegendItem[], width: number, top: number): Legend {
  let x = 0;
  let row = 0;
  const parts = items.map(({ name, sample }) => {
    const nameWidth = Math.min(textWidth(name) + 2, width - sampleWidth - 6);
    const itemWidth = sampleWidth + 6 + nameWidth;
    if (x > 0 && x + itemWidth > width) {
      x = 0;
      row += 1;
    }
    const y = top + row * rowHeight + rowHeight / 2;
    const part = markup`${sample(x, y)}${fittedLabel(x + sampleWidth + 6, y + 4, name, nameWidth)}`;
    x += itemWidth + gap;
    return part;
  });
  return { markup: markup`<g>${parts}</g>`, height: (row + 1) * rowHeight + 4 };
}

/** Size of {@link legendColumn}, in pixels. */
export function columnSize(items: readonly LegendItem[]): { readonly width: number; readonly height: number } {
  const names = Math.max(...items.map(({ name }) => textWidth(name) + 2));
  return { width: sampleWidth + 6 + names, height: items.length * rowHeight };
}

/** A legend in one column whose lower right corner is given. */
export function legendColumn(items: readonly LegendItem[], right: number, bottom: number): Markup {
  const left = right - columnSize(items).width;
  return markup`<g>${items.map(({ name, sample }, index) => {
    const y = bottom - (items.length - index - 0.5) * rowHeight;
    return markup`${sample(left, y)}${label(left + sampleWidth + 6, y + 4, name)}`;
  })}</g>`;
}
