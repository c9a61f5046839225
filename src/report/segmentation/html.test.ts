import sharp from "sharp";
import { expect, test } from "vitest";
import { elements } from "../../../test/report/markup-checks.js";
import { classColours, heatColours, knownColour } from "./colours.js";
import { renderSegmentationReport } from "./html.js";
import { heatPicture, labelPicture, photograph } from "./pictures.js";
import type { SegmentationReport } from "./types.js";

const size = { height: 4, width: 6 };
const labels = Uint8Array.from({ length: 24 }, (_, at) => (at % 6 < 2 ? 0 : at === 8 ? 254 : at % 6 === 5 ? 255 : 1));
const value = (number: number) => ({ value: number });
const row = (model: string, score: string, auroc: number) => ({
  ...{ model, score, ood: "pasted" },
  ...{ auroc: value(auroc), aupr: value(0.2), fpr95: value(0.4) },
});
const curves = (score: string) => ({
  ...{ set: "pasted", score },
  roc: [
    [0, 0],
    [0.5, 0.9],
    [1, 1],
  ] as const,
  histogram: { edges: [0, 1, 2], id: [5, 1], ood: [1, 2] },
});
const report: SegmentationReport = {
  title: "Anomaly segmentation of <net>",
  summary: ["By the energy score all is well."],
  protocol: "All pixels.",
  models: ["plain", "tuned"].map((name, index) => ({
    name,
    segmentation: [{ set: "test", miou: 0.5 + 0.01 * index, classIou: [0.6, null] }],
    rows: [row(name, "msp", 0.7), row(name, "energy", 0.8 + 0.05 * index)],
    curves: [curves("msp"), curves("energy")],
  })),
  baseline: "plain",
  otherProtocols: [
    {
      title: "Means over images",
      head: ["model", "score", "set", "AUROC"],
      rows: [["<net>", "energy", "pasted", "81.00"]],
    },
  ],
  classNames: ["road", "gnome"],
  sets: [
    {
      name: "pasted",
      rankedBy: "The best.",
      tellsClasses: true,
      scenes: [
        {
          ...{ name: "a&b.png", note: "among the best", ...size, labels, image: new Uint8Array(72).fill(99) },
          columns: [
            { title: "prediction", kind: "prediction", classes: new Uint8Array(24) },
            { title: "energy", kind: "map", steps: Uint8Array.from({ length: 24 }, (_, at) => 10 * at) },
          ],
        },
      ],
    },
  ],
  prior: { classNames: ["road", "gnome"], share: [0.25, 0.75], outliers: 1000 },
  facts: [["Offmap", "test"]],
  notes: ["A note."],
};

test("the page stands alone: no script, nothing from outside, every picture inside", async () => {
  const page = await renderSegmentationReport(report);
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
  const pictures = elements(page, "img");
  expect(pictures).toHaveLength(4);
  for (const { src = "", alt = "" } of pictures) {
    expect(src).toMatch(/^data:image\/webp;base64,/);
    expect(alt).toContain("a&amp;b.png");
    const { width, height } = await sharp(Buffer.from(src.split(",")[1] as string, "base64")).metadata();
    expect([width, height]).toEqual([6, 4]);
  }
});

test("names from files are escaped, and every section can be reached", async () => {
  const page = await renderSegmentationReport(report);
  expect(page).toContain("&lt;net&gt;");
  expect(page).not.toContain("<net>");
  for (const id of ["results", "protocols", "classes", "maps", "scores", "roc", "prior-section", "details"]) {
    expect(page).toContain(`<section id="${id}"`);
    expect(page).toContain(`href="#${id}"`);
  }
});

test("every picture can be enlarged with the keyboard", async () => {
  const boxes = elements(await renderSegmentationReport(report), "input");
  expect(boxes.map(({ type }) => type)).toEqual(Array(4).fill("checkbox"));
  expect(boxes[3]?.["aria-label"]).toBe("Enlarge: energy of a&amp;b.png");
});

test("the same report gives the same bytes", async () => {
  expect(await renderSegmentationReport(report)).toBe(await renderSegmentationReport(report));
});

test("sections without content are left out", async () => {
  const { prior: _prior, ...rest } = report;
  const bare = {
    ...rest,
    sets: [],
    otherProtocols: [],
    models: report.models.map((model) => ({ ...model, segmentation: [], curves: [] })),
  };
  const page = await renderSegmentationReport(bare);
  for (const id of ["protocols", "classes", "maps", "scores", "roc", "prior-section"])
    expect(page).not.toContain(`id="${id}"`);
});

test("labels have the colours of their classes, anomalies are white and void is black", () => {
  const { data } = labelPicture(labels, size, ["road", "gnome"]);
  const at = (pixel: number) => [...data.subarray(3 * pixel, 3 * pixel + 3)];
  const [road, gnome] = classColours(["road", "gnome"]);
  expect([at(0), at(2), at(8), at(5)]).toEqual([road, gnome, [255, 255, 255], [0, 0, 0]]);
});

test("labels that tell no classes are grey where there is no anomaly, and the legend says so", async () => {
  const { data } = labelPicture(labels, size, undefined);
  const at = (pixel: number) => [...data.subarray(3 * pixel, 3 * pixel + 3)];
  expect([at(0), at(8), at(5)]).toEqual([[...knownColour], [255, 255, 255], [0, 0, 0]]);
  const told = "no anomaly, of no class that is told";
  expect(await renderSegmentationReport(report)).not.toContain(told);
  const sets = report.sets.map((set) => ({ ...set, tellsClasses: false }));
  expect(await renderSegmentationReport({ ...report, sets })).toContain(told);
});

test("a map goes from dark to bright, with an outline around what the labels say is an anomaly", () => {
  const steps = new Uint8Array(24).fill(255);
  const [plain, outlined] = [heatPicture(steps, size), heatPicture(steps, size, labels)];
  const changed = Array.from({ length: 24 }, (_, pixel) => pixel).filter(
    (pixel) => plain.data[3 * pixel] !== outlined.data[3 * pixel],
  );
  expect(changed).toEqual([2, 7, 9, 14]);
  const brightness = heatColours.map(([red, green, blue]) => 0.3 * red + 0.6 * green + 0.1 * blue);
  expect(brightness.every((own, step) => step === 0 || own >= (brightness[step - 1] as number))).toBe(true);
});

test("planes become pixels", () => {
  const { data } = photograph(Uint8Array.of(1, 2, 3, 4, 5, 6), { height: 1, width: 2 });
  expect([...data]).toEqual([1, 3, 5, 2, 4, 6]);
});
