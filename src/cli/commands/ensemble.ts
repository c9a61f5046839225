import { defineCommand } from "../command.js";
import { text } from "../parsers.js";

export const ensemble = defineCommand({
  name: "ensemble",
  summary: "Put several models into one, whose probabilities are their mean.",
  description:
    "Writes one ONNX file that runs all the models on the same images and gives the logarithm of their mean probabilities. Every other command takes it as it takes a model; the scores msp and entropy are those of the mean.",
  options: {
    models: {
      positional: true,
      many: {},
      placeholder: "MODELS",
      required: true,
      help: "two or more ONNX classifiers of the same input and classes",
      parser: text("the path of an ONNX file"),
    },
    out: { placeholder: "FILE", required: true, help: "ONNX file to write", parser: text("the path of an ONNX file") },
  },
  examples: [
    { does: "Three seeds of one network", line: "ensemble seed1.onnx seed2.onnx seed3.onnx --out ensemble.onnx" },
  ],
  async run({ models, out }, io) {
    const { OptionError } = await import("../../errors.js");
    const { writeFileAtomic } = await import("../../files.js");
    const { ensembleModel } = await import("../../guard/index.js");
    const { encodeModel, readModel } = await import("../../onnx/index.js");
    const { asClassifier, imageShape, inferShapes } = await import("../../training/classifier.js");
    const { checkOutputFile } = await import("../output-folder.js");
    await checkOutputFile(out);
    const members = await Promise.all(models.map(async (path) => asClassifier(await readModel(path), path)));
    const classes = members.map((member, index) => {
      const [channels, height, width] = member.shape;
      if (channels === undefined || height === undefined || width === undefined) {
        throw new OptionError({
          where: models[index] as string,
          expected: "a model that takes images of one size",
          received: "one that takes any",
          hint: "export it with fixed height and width",
        });
      }
      return inferShapes(member, imageShape(member, [channels, height, width])).classes;
    });
    const bytes = encodeModel(ensembleModel(members, classes, models));
    await writeFileAtomic(out, bytes);
    await io.write(
      { models, out, bytes: bytes.length, classes: classes[0] },
      () => `${out}: ${models.length} models of ${classes[0]} classes, ${(bytes.length / 1e6).toFixed(2)} MB`,
    );
  },
});
