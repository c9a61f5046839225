import sharp from "sharp";
import { expect, test } from "vitest";
import { elements, parseSvg, unbalancedTag } from "../../test/report/markup-checks.js";
import { type SampleOptions, sampleReport } from "../../test/report/sample-report.js";
import { DataError } from "../errors.js";
import { renderReport } from "./html.js";
import type { Report } from "./types.js";

const shapes: [string, SampleOptions][] = [
  ["four models and four sets", {}],
  ["one model, one set, no training, no prior", { models: ["m.onnx"], sets: ["photos"], trained: false, classes: 0 }],
  [
    "two models, four scores, 100 classes",
    { models: ["a", "b"], scores: ["msp", "max-logit", "energy", "entropy"], classes: 100 },
  ],
  [
    "eight models, ten sets, 1000 classes, intervals, long names",
    {
      models: Array.from({ length: 8 }, (_, index) => `${"a-very-long-model-name-".repeat(4)}${index}`),
      sets: Array.from({ length: 10 }, (_, index) => `${"set_without_spaces_".repeat(4)}${index}`),
      classes: 1000,
      intervals: true,
    },
  ],
];

const charts = (html: string) => html.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
const sectionIds = (html: string) => elements(html, "section").map(({ id }) => id);

/** The cells of the row that begins with this model, in the block of a metric. */
function cellsOf(html: string, metric: string, model: string): string[] {
  const block =
    html.split('<tbody class="metric">').find((part) => part.includes(`colspan`) && part.includes(`>${metric}`)) ?? "";
  const row = block.split(/<tr[^>]*>/).find((part) => part.startsWith(`<th scope="row">${model}</th>`)) ?? "";
  return [...row.matchAll(/<td[^>]*>.*?<\/td>/g)].map(([cell]) => cell);
}

test.each(shapes)(
  "%s: tags are balanced, ids unique and found, charts well-formed, nothing is NaN",
  async (_, options) => {
    const html = await renderReport(sampleReport(options));
    expect(unbalancedTag(html)).toBeUndefined();
    const ids = [...html.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const wanted = [
      ...[...html.matchAll(/aria-labelledby="([^"]+)"/g)].flatMap(([, list = ""]) => list.split(" ")),
      ...[...html.matchAll(/(?:href="#|url\(#)([^")]+)/g)].map(([, id]) => id),
    ];
    expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
    const text = html.replace(/base64,[^"]+/g, "");
    expect(/.{0,40}(?:NaN|undefined|\[object)/.exec(text)?.[0]).toBeUndefined();
    for (const svg of charts(html)) await parseSvg(svg);
  },
);

test("the file asks the network for nothing and runs nothing", async () => {
  const html = await renderReport(sampleReport());
  expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(
    /https?:|\bsrc="(?!data:image\/png;base64,)|@import|<script|<link|url\((?!#)/,
  );
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
});

test("the same report gives the same bytes", async () => {
  expect(await renderReport(sampleReport())).toBe(await renderReport(sampleReport()));
});

test("names from outside are shown as they are and never read as markup", async () => {
  const hostile = `</style></title><script>alert(1)</script><img src=x onerror="alert(2)">'&`;
  const sample = sampleReport({ models: [hostile, `${hostile}2`], sets: [hostile, "b"], scores: [hostile] });
  const report: Report = {
    ...sample,
    title: hostile,
    summary: [hostile, hostile],
    protocol: hostile,
    prior: { classNames: [hostile, "cat"], share: [0.5, 0.5], outliers: 2 },
    facts: [[hostile, hostile]],
    notes: [hostile],
    models: sample.models.map((model) => ({
      ...model,
      mistakes: model.mistakes?.map((m) => ({ ...m, predicted: hostile, set: hostile })) ?? [],
    })),
  };
  const html = await renderReport(report);
  expect(html).not.toContain("<script");
  expect(html).not.toContain("<img src=x");
  expect(html).toContain(
    "<h1>&lt;/style&gt;&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;alert(2)&quot;&gt;&#39;&amp;</h1>",
  );
  expect(unbalancedTag(html)).toBeUndefined();
  for (const svg of charts(html)) await parseSvg(svg);
});

const two: Report = {
  ...sampleReport({ models: [], classes: 0 }),
  baseline: "untouched",
  models: [
    ["untouched", 0.8, 0.7, 0.9173],
    ["tuned", 0.951, 0.68, 0.9151],
  ].map(([name, far, near, accuracy]) => ({
    name: name as string,
    accuracy: accuracy as number,
    curves: [],
    rows: [
      ["far", far],
      ["near", near],
    ].map(([ood, auroc]) => ({
      model: name as string,
      score: "energy",
      ood: ood as string,
      auroc: { value: auroc as number },
      aupr: { value: auroc as number },
      fpr95: { value: 1 - (auroc as number) },
    })),
  })),
};

test("the best of each column is bold, and only that", async () => {
  const html = await renderReport(two);
  const bold = (model: string) =>
    cellsOf(html, "AUROC", model).map((cell) => /<strong>(.*?)<\/strong>/.exec(cell)?.[1]);
  expect(bold("untouched")).toEqual([undefined, undefined, "70.00"]);
  expect(bold("tuned")).toEqual(["81.55", "95.10", undefined]);
  const lowest = cellsOf(html, "FPR95", "tuned").map((cell) => cell.includes("<strong>"));
  expect(lowest).toEqual([true, true, false]);
});

test("differences have a sign, and what got worse is marked by colour, by a glyph and in words", async () => {
  const html = await renderReport(two);
  const [average = "", far = "", near = ""] = cellsOf(html, "AUROC", "tuned");
  expect(average).toContain('<small class="better">+6.55<span class="sr">, better</span></small>');
  expect(far).toContain("+15.10");
  expect(near).toBe(
    '<td class="worse">68.00<small class="worse">−2.00 <span aria-hidden="true">✗</span><span class="sr">, worse</span></small></td>',
  );
  expect(cellsOf(html, "FPR95", "tuned")[1]).toContain('<small class="better">−15.10');
  expect(cellsOf(html, "FPR95", "tuned")[2]).toContain('<small class="worse">+2.00');
  expect(cellsOf(html, "AUROC", "untouched").join("")).not.toContain("<small");
});

test("accuracy is compared with the untouched model's", async () => {
  const html = await renderReport(two);
  expect(html).toContain("<td><strong>91.73</strong></td>");
  expect(html).toContain('<td class="worse">91.51<small class="worse">−0.22');
});

test("an accuracy that does not exist is a dash, and neither best nor worse", async () => {
  const accuracyGroups = { many: 0.9, medium: Number.NaN, few: Number.NaN };
  const html = await renderReport({ ...two, models: two.models.map((model) => ({ ...model, accuracyGroups })) });
  const row = /<th scope="row">tuned<\/th>((?:<td[^>]*>(?:(?!<\/td>).)*<\/td>)*)<\/tr><\/tbody>/.exec(
    html.slice(html.indexOf("Accuracy on the in-distribution")),
  )?.[1];
  expect(row).toContain('<strong>90.00</strong><small class="same">');
  expect(row?.endsWith("<td>–</td><td>–</td>")).toBe(true);
});

test("an average stands beside every set, and not alone for a single one", async () => {
  const heads = async (report: Report) =>
    [...(await renderReport(report)).matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/g)]
      .map(([, name]) => name)
      .slice(0, -2);
  expect(await heads(two)).toEqual(["Model", "Average", "far", "near"]);
  const single = { ...two, models: two.models.map((model) => ({ ...model, rows: model.rows.slice(0, 1) })) };
  expect(await heads(single)).toEqual(["Model", "far"]);
});

test("sections are there when there is something to show", async () => {
  expect(sectionIds(await renderReport(sampleReport()))).toEqual([
    "results",
    "scores",
    "roc",
    "prior-section",
    "training",
    "mistakes",
    "details",
  ]);
  expect(sectionIds(await renderReport({ ...two, facts: [], notes: [] }))).toEqual(["results"]);
});

test("a row of histograms begins with the untouched model, wherever it stands in the report", async () => {
  const sample = sampleReport({ sets: ["textures"] });
  const html = await renderReport({ ...sample, models: [...sample.models].reverse() });
  const titles = [...html.matchAll(/id="histogram-1-\d-title">(.*?)</g)].map(([, title]) => title);
  expect(titles[0]).toBe("untouched");
  expect(titles).toHaveLength(4);
});

test("models that are scored differently stand side by side for each OOD set", async () => {
  const sample = sampleReport({ models: ["untouched", "oe"], sets: ["far", "near"] });
  const [untouched, oe] = sample.models as [Report["models"][number], Report["models"][number]];
  const html = await renderReport({
    ...sample,
    models: [untouched, { ...oe, curves: oe.curves.map((curves) => ({ ...curves, score: "msp" })) }],
  });
  const titles = [...html.matchAll(/id="(?:histogram|roc)-[\d-]+-title">(.*?)</g)].map(([, title]) => title);
  expect(titles).toEqual(["untouched, energy", "oe, msp", "untouched, energy", "oe, msp", "far", "near"]);
});

test("images keep their pixels", async () => {
  const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => (index * 37) % 256);
  const image = { data, width: 5, height: 3, channels: 3 };
  const mistakes = [{ image, set: "s", predicted: "cat", confidence: 0.99987 }];
  const html = await renderReport({ ...two, models: two.models.map((model) => ({ ...model, mistakes })) });
  const [, png = ""] = /data:image\/png;base64,([^"]+)/.exec(html) ?? [];
  const { data: decoded, info } = await sharp(Buffer.from(png, "base64")).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 5, height: 3, channels: 3 });
  expect(new Uint8Array(decoded)).toEqual(data);
  expect(html).toContain("cat<small>99.99 %</small><small>s</small>");
});

test("an image that does not have the size it claims is refused", async () => {
  const image = { data: new Uint8Array(10), width: 2, height: 2, channels: 3 };
  const mistakes = [{ image, set: "s", predicted: "cat", confidence: 1 }];
  const report = { ...two, models: two.models.map((model) => ({ ...model, mistakes })) };
  await expect(renderReport(report)).rejects.toThrow(DataError);
});
