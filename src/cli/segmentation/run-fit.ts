import { join } from "node:path";
import type { Normalization } from "../../data/index.js";
import { openSegmentation } from "../../data/index.js";
import { writeFileAtomic } from "../../files.js";
import { encodePixelPart, fitPixelScores } from "../../guard/segmentation/index.js";
import { encodeModel } from "../../onnx/index.js";
import type { Device } from "../../runtime/index.js";
import { openClassifier, withEngine } from "../classifier-run.js";
import type { CommandIo } from "../command-io.js";
import { scoreOptions } from "../fitted-scores.js";
import { checkOutputFile, makeOutputFolder } from "../output-folder.js";
import { type AnyScoreName, asPixelScores } from "./score-names.js";

export interface SegmentationFitOptions {
  readonly model: string;
  readonly id: string;
  readonly score: readonly AnyScoreName[];
  readonly layer?: string | undefined;
  readonly option?: readonly string[] | undefined;
  readonly normalize?: Normalization | undefined;
  readonly out: string;
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

export async function runSegmentationFit(
  { model, id, score, layer, option = [], normalize, out, ...engineChoices }: SegmentationFitOptions,
  io: CommandIo,
): Promise<void> {
  const names = await asPixelScores(score, "--score");
  const single = names.length === 1;
  await (single ? checkOutputFile(out) : makeOutputFolder(out));
  const { classifier, normalization } = await openClassifier(model, normalize);
  const scenes = await openSegmentation(id);
  const given = scoreOptions(option);
  const options = Object.fromEntries(names.map((name) => [name, given]));
  const { progress, signal } = io;
  const started = performance.now();
  const parts = await withEngine(engineChoices, (engine) =>
    fitPixelScores(engine, classifier, scenes, names, {
      ...{ normalization, progress, signal, options },
      layer: layer === "auto" ? undefined : layer,
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const written: { score: string; options: object; features: string | null; file: string; bytes: number }[] = [];
  for (const part of parts) {
    const bytes = encodeModel(encodePixelPart(part));
    const file = single ? out : join(out, `${part.score}.onnx`);
    await writeFileAtomic(file, bytes);
    const { features = null } = part;
    written.push({ score: part.score, options: part.options, features, file, bytes: bytes.length });
  }
  await io.write({ model, id, task: "segmentation", images: scenes.length, seconds, fitted: written }, () =>
    [
      `fitted to the pixels of ${scenes.length} images in ${seconds.toFixed(1)} s`,
      ...written.map(
        (one) =>
          `${one.score}: ${one.file}, ${(one.bytes / 1000).toFixed(0)} kB${one.features === null ? "" : `, features of ${one.features}`}`,
      ),
    ].join("\n"),
  );
}
