/** Images with their labels, predictions and anomaly maps side by side, as in the figures of papers. */
import { percentage } from "../format.js";
import { type Markup, markup } from "../markup.js";
import {
  anomalyColour,
  classColours,
  heatColours,
  hexOf,
  knownColour,
  outlineColour,
  type Rgb,
  voidColour,
} from "./colours.js";
import { heatPicture, labelPicture, photograph, webpDataUri } from "./pictures.js";
import type { SegmentationReport, ShownScene, ShownSet } from "./types.js";

/** Pictures are enlarged by a hidden check box: no script is needed, and the keyboard reaches it. */
export const sceneStyle = `
.scenes{display:grid;grid-template-columns:repeat(var(--columns),minmax(118px,1fr));gap:6px;font:12px/1.35 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;min-width:calc(var(--columns)*124px)}
.scenes>*{min-width:0}
.scenes .head{font-weight:600;align-self:end;overflow-wrap:anywhere}
.scenes .row{grid-column:1/-1;color:var(--muted);margin-top:8px}
.zoom{display:block;cursor:zoom-in;line-height:0}
.zoom input{position:absolute;opacity:0;pointer-events:none}
.zoom img{width:100%;height:auto;background:var(--shade)}
.zoom .name{display:none}
.zoom input:focus-visible+img{outline:2px solid var(--link);outline-offset:2px}
.zoom input:checked+img{position:fixed;inset:0;width:100vw;height:100vh;object-fit:contain;padding:4vmin;background:rgba(0,0,0,.88);z-index:9;cursor:zoom-out;image-rendering:pixelated}
.zoom input:checked~.name{display:block;position:fixed;left:0;right:0;bottom:1vmin;text-align:center;color:#fff;z-index:10;font-size:15px;line-height:1.3}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;font:13px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;margin:8px 0}
.legend i{display:inline-block;width:13px;height:13px;margin-right:5px;vertical-align:-2px;border:1px solid var(--rule)}
.heat{max-width:420px;font:12px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;margin:8px 0;font-variant-numeric:tabular-nums}
.heat div{height:14px}
.heat p{display:flex;justify-content:space-between;margin:0;max-width:none}
@media print{.scenes{min-width:0;grid-template-columns:repeat(var(--columns),1fr);font-size:6.5pt}.scenes img,.legend i,.heat div{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;

/** One section for all sets; none without images. */
export async function scenesSection({
  sets,
  classNames,
}: SegmentationReport): Promise<{ id: string; title: string; content: Markup }[]> {
  const shown = sets.filter(({ scenes }) => scenes.length > 0);
  if (shown.length === 0) return [];
  const figures: Markup[] = [];
  for (const set of shown) figures.push(await setFigure(set, classNames));
  const content = markup`<p class="explain">Anomaly maps share one scale, across scores, models and images: a colour says which share of the known pixels of the whole set score at least as high. What has one colour costs equally many false alarms, whatever the score. Labelled anomalies have an outline in the maps. A click enlarges a picture, another one puts it back.</p>${heatLegend()}${classLegend(
    classNames,
    shown.every(({ tellsClasses }) => tellsClasses),
  )}${figures}`;
  return [{ id: "maps", title: "Where it looks", content }];
}

async function setFigure(
  { name, rankedBy, tellsClasses, scenes }: ShownSet,
  classNames: readonly string[],
): Promise<Markup> {
  const columns = scenes[0]?.columns ?? [];
  const rows: Markup[] = [];
  for (const scene of scenes) rows.push(await sceneRow(scene, classNames, tellsClasses));
  const heads = ["image", "label", ...columns.map(({ title }) => title)];
  return markup`<figure><h3>${name}</h3><p class="key">${rankedBy}</p><div class="scroll wide" tabindex="0" role="region" aria-label="Images of ${name}"><div class="scenes" style="--columns:${heads.length}">${heads.map((head) => markup`<div class="head">${head}</div>`)}${rows}</div></div></figure>`;
}

async function sceneRow(scene: ShownScene, classNames: readonly string[], tellsClasses: boolean): Promise<Markup> {
  const { image, labels, columns, name, note } = scene;
  const pictures = [
    { title: "image", uri: await webpDataUri(photograph(image, scene), "smooth") },
    {
      title: "label",
      uri: await webpDataUri(labelPicture(labels, scene, tellsClasses ? classNames : undefined), "flat"),
    },
  ];
  for (const column of columns) {
    const uri =
      column.kind === "prediction"
        ? await webpDataUri(labelPicture(column.classes, scene, classNames), "flat")
        : await webpDataUri(heatPicture(column.steps, scene, labels), "smooth");
    pictures.push({ title: column.title, uri });
  }
  const cells = pictures.map(
    ({ title, uri }) =>
      markup`<label class="zoom"><input type="checkbox" aria-label="Enlarge: ${title} of ${name}"><img src="${uri}" width="${scene.width}" height="${scene.height}" alt="${title} of ${name}" loading="lazy"><span class="name">${name}: ${title}</span></label>`,
  );
  return markup`<div class="row">${name}: ${note}</div>${cells}`;
}

function classLegend(names: readonly string[], allTellClasses: boolean): Markup {
  const colours = classColours(names);
  const items: (readonly [string, Rgb])[] = [
    ...names.map((name, index) => [name, colours[index] as Rgb] as const),
    ["anomaly", anomalyColour],
    ...(allTellClasses ? [] : [["no anomaly, of no class that is told", knownColour] as const]),
    ["void", voidColour],
    ["outline of an anomaly", outlineColour],
  ];
  return markup`<div class="legend">${items.map(([name, colour]) => markup`<span><i style="background:${hexOf(colour)}"></i>${name}</span>`)}</div>`;
}

/** Ticks at whole powers of ten of the false positive rate. */
function heatLegend(): Markup {
  const stops = Array.from({ length: 17 }, (_, index) => hexOf(heatColours[Math.round((index * 255) / 16)] as Rgb));
  const rates = [1, 0.1, 0.01, 0.001].map((rate) => `${percentage(rate).replace(/\.?0+$/, "")} %`);
  return markup`<div class="heat" role="img" aria-label="Scale of the anomaly maps, from dark: 100 percent of the known pixels score at least as high, to bright: 0.1 percent or fewer"><div style="background:linear-gradient(90deg,${stops.join(",")})"></div><p>${rates.map((rate) => markup`<span>${rate}</span>`)}</p></div>`;
}
