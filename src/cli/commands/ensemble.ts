import type { Classifier } from "../../training/index.js";
import { defineCommand } from "../command.js";
import { sizeParser } from "../image-size.js";
import { integer, number, text } from "../parsers.js";

type Shape = readonly [number, number, number];

export const ensemble = defineCommand({
  name: "ensemble",
  summary: "Put several models, or thinned copies of one, into one file.",
  description:
    "Writes one ONNX file that runs all the models on the same images and gives logits whose probabilities are the mean of theirs. Of one model with --dropout it makes thinned copies (Monte-Carlo dropout): masks lie where the file keeps Dropout nodes, else on what goes into the last layer. Every other command takes the file as it takes a model; msp and entropy are those of the mean, and energy is the mean of theirs.",
  options: {
    models: {
      positional: true,
      many: {},
      placeholder: "MODELS",
      required: true,
      help: "ONNX classifiers of the same input and classes; one, with --dropout",
      parser: text("the path of an ONNX file"),
    },
    dropout: {
      placeholder: "RATE",
      help: "share of the units left out in each copy of one model",
      parser: number({ above: 0, max: 0.99 }),
    },
    samples: { placeholder: "N", help: "copies with --dropout", default: "8", parser: integer({ min: 2, max: 1000 }) },
    size: {
      placeholder: "HxW",
      help: "size of the images, for models that take any",
      parser: sizeParser,
    },
    seed: { placeholder: "S", help: "which units are left out", default: "1", parser: integer({ min: 0 }) },
    out: { placeholder: "FILE", required: true, help: "ONNX file to write", parser: text("the path of an ONNX file") },
  },
  examples: [
    { does: "Monte-Carlo dropout", line: "ensemble model.onnx --dropout 0.3 --samples 16 --out thinned.onnx" },
    { does: "Three seeds of one network", line: "ensemble seed1.onnx seed2.onnx seed3.onnx --out ensemble.onnx" },
  ],
  async run({ models, dropout, samples, seed, size, out }, io) {
    const { OptionError } = await import("../../errors.js");
    const { shapeFor } = await import("../classifier-run.js");
    const { writeFileAtomic } = await import("../../files.js");
    const { dropoutEnsemble, ensembleModel } = await import("../../guard/index.js");
    const { encodeModel, readModel } = await import("../../onnx/index.js");
    const { asClassifier, inferShapes } = await import("../../training/classifier.js");
    const { checkOutputFile } = await import("../output-folder.js");
    await checkOutputFile(out, models);
    const idle = Object.entries({ samples, seed }).find(([, told]) => told !== undefined)?.[0];
    if (dropout === undefined && idle !== undefined) {
      throw new OptionError({ where: `--${idle}`, expected: "--dropout RATE beside it", received: "none" });
    }
    const copies = { samples: samples ?? 8, seed: seed ?? 1 };
    const members = await Promise.all(models.map(async (path) => asClassifier(await readModel(path), path)));
    const shapes = members.map((member, index) => shapeFor(member, size, models[index] as string));
    const classes = members.map((member, index) => inferShapes(member, shapes[index] as Shape).classes);
    if (dropout !== undefined && members.length > 1) {
      throw new OptionError({ where: "--dropout", expected: "one model", received: String(members.length) });
    }
    const model =
      dropout === undefined
        ? ensembleModel(members, classes, models)
        : dropoutEnsemble(members[0] as Classifier, shapes[0] as Shape, { ...copies, rate: dropout });
    const bytes = encodeModel(model);
    await writeFileAtomic(out, bytes);
    await io.write(
      {
        models,
        ...(dropout === undefined ? {} : { dropout, ...copies }),
        out,
        bytes: bytes.length,
        classes: classes[0],
      },
      () =>
        `${out}: ${dropout === undefined ? `${models.length} models` : `${copies.samples} thinned copies`} of ${classes[0]} classes, ${(bytes.length / 1e6).toFixed(2)} MB`,
    );
  },
});
