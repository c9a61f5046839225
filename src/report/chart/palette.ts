import { type Markup, markup } from "../markup.js";

/** A colour on a light and on a dark ground. */
export interface Tone {
  readonly light: string;
  readonly dark: string;
}

/** Grounds of both themes. */
export const paper: Tone = { light: "#ffffff", dark: "#14171b" };

/**
 * What colours are for. The series are Okabe and Ito's palette ("Color Universal Design", 2008), told apart by readers of every
 * kind of colour vision. Its yellow is replaced by grey, and orange, purple and sky blue are darkened on the light ground (as is blue
 * lightened on the dark one), because a line needs a contrast of 3:1 to be seen (WCAG 2.2, 1.4.11).
 */
export const tones = {
  ink: { light: "#1b1f24", dark: "#e8eaed" },
  muted: { light: "#59616b", dark: "#a4acb6" },
  axis: { light: "#8a929c", dark: "#6d7681" },
  grid: { light: "#e6e8eb", dark: "#2a2f36" },
  series0: { light: "#1b1f24", dark: "#e8eaed" },
  series1: { light: "#d55e00", dark: "#e8741c" },
  series2: { light: "#0072b2", dark: "#3f9fdb" },
  series3: { light: "#009e73", dark: "#12b588" },
  series4: { light: "#c4689a", dark: "#d58bb4" },
  series5: { light: "#b37b00", dark: "#e69f00" },
  series6: { light: "#2b8cc4", dark: "#56b4e9" },
  series7: { light: "#7d858f", dark: "#8f98a3" },
} satisfies Record<string, Tone>;

export type Role = keyof typeof tones;

/** Fill and stroke as attributes: the light colour for any viewer, and classes by which {@link darkRules} changes it. */
export function paint(colors: { readonly fill?: Role; readonly stroke?: Role }): Markup {
  const { fill, stroke } = colors;
  const classes = [fill && `fill-${fill}`, stroke && `stroke-${stroke}`].filter((name) => name !== undefined).join(" ");
  return markup`class="${classes}" fill="${fill === undefined ? "none" : tones[fill].light}"${
    stroke === undefined ? undefined : markup` stroke="${tones[stroke].light}"`
  }`;
}

/** CSS that gives charts their colours on a dark ground. */
export const darkRules: string = Object.entries(tones)
  .map(([role, { dark }]) => `.chart .fill-${role}{fill:${dark}}.chart .stroke-${role}{stroke:${dark}}`)
  .join("");

export type MarkerShape = "circle" | "square" | "triangle" | "diamond" | "wedge" | "plus" | "cross" | "ring";

/** How one series is told from the others: by colour, by dashes and by markers, any one of which is enough. */
export interface SeriesStyle {
  readonly role: Role;
  /** SVG `stroke-dasharray`. */
  readonly dash: string;
  readonly marker: MarkerShape;
}

const dashes = ["none", "7 3", "2 2.5", "8 3 2 3", "4 2", "12 3", "8 2 2 2 2 2", "1 3"] as const;
const markers: readonly MarkerShape[] = ["circle", "square", "triangle", "diamond", "wedge", "plus", "cross", "ring"];

/** Style of the series with this number. After eight, colours return with other dashes and markers. */
export function seriesStyle(index: number): SeriesStyle {
  const turn = Math.floor(index / 8);
  return {
    role: `series${(index % 8) as 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`,
    dash: dashes[(index + turn) % 8] ?? "none",
    marker: markers[(index + 3 * turn) % 8] ?? "circle",
  };
}
