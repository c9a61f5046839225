import { expect, test } from "vitest";
import { pageTones } from "../style.js";
import { paper, seriesStyle, tones } from "./palette.js";

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((start) => Number.parseInt(hex.slice(start, start + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const themes = ["light", "dark"] as const;

test("contrast is computed as WCAG does", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 10);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});

test.each(themes)("every series can be seen on the %s ground", (theme) => {
  for (const [role, tone] of Object.entries(tones)) {
    if (role.startsWith("series")) expect(contrast(tone[theme], paper[theme]), role).toBeGreaterThanOrEqual(3);
  }
});

test.each(themes)("every text can be read on the grounds it stands on, %s", (theme) => {
  const { ink, muted, link, better, worse, worseGround, shade } = pageTones;
  const pairs = [
    ...[ink, muted, link, better, worse].map((text) => [text, paper]),
    ...[ink, better, muted].map((text) => [text, shade]),
    ...[ink, muted, worse].map((text) => [text, worseGround]),
  ] as const;
  for (const [text, ground] of pairs) {
    expect(contrast(text?.[theme] ?? "", ground?.[theme] ?? ""), JSON.stringify([text, ground])).toBeGreaterThanOrEqual(
      4.5,
    );
  }
});

test("eight series differ in colour, in dashes and in markers, so that each alone tells them apart", () => {
  const styles = Array.from({ length: 8 }, (_, index) => seriesStyle(index));
  for (const key of ["role", "dash", "marker"] as const) {
    expect(new Set(styles.map((style) => style[key])).size).toBe(8);
  }
});

test("64 series have 64 styles", () => {
  const styles = Array.from({ length: 64 }, (_, index) => JSON.stringify(seriesStyle(index)));
  expect(new Set(styles).size).toBe(64);
});
