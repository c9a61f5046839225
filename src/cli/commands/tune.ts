import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { toggle } from "../option.js";
import { oneOf } from "../parsers.js";
import { shared } from "../shared-options.js";
import { lossOptions, runOptions, toldTraining, trainingData, updateOptions } from "../training-options.js";
import { trainingText } from "../training-text.js";

const { loss, ...otherLossOptions } = lossOptions({
  loss: "balanced-energy",
  mIn: "auto, from the model's own energies",
  mOut: "auto",
  alpha: "5",
  gamma: "auto, from how uneven the prior is",
});
const { train, batchNorm, ...updates } = updateOptions({
  train: "head",
  bn: "frozen",
  epochs: "10",
  lr: "0.001",
  holdOut: "0.05, and 0 with --no-shuffle",
});

export const tune = defineCommand({
  name: "tune",
  summary: "Fine-tune a classifier with outliers so that it tells them apart.",
  description:
    "Step 2: fine-tunes the model on its own training images together with outliers. The folder given by --out gets model.onnx (same inputs and outputs), run.json (what is needed to repeat it), log.csv (one line per step) and checkpoint.onnx (to go on with --resume after ctrl-C).",
  options: {
    model: shared.model,
    ...trainingData,
    loss,
    preset: {
      placeholder: "NAME",
      group: loss.group,
      help: "settings of the paper for one of its networks; flags win over them",
      parser: oneOf(async () => Object.keys((await import("../../losses/index.js")).presets)),
    },
    ...otherLossOptions,
    train,
    batchNorm,
    dropout: toggle("let the model's Dropout nodes drop units", { group: train.group }),
    ...updates,
    ...runOptions,
    ...engineOptions,
  },
  examples: [
    {
      does: "Tune the last layer; margins are chosen to fit the model",
      line: "tune --model model.onnx --id folder:train --outliers folder:outliers --out tuned",
    },
    {
      does: "Tune everything with the paper's settings for ResNet-18 on long-tailed CIFAR-10",
      line: 'tune --model resnet18.onnx --id "cifar:train.bin?long-tail=exp:0.01" --outliers folder:outliers --preset paper-cifar10-lt-resnet18 --out tuned',
    },
    { does: "The same options from a file", line: "tune --config run.yaml --seed 2 --out tuned-2" },
    { does: "Go on after ctrl-C", line: "tune --config run.yaml --out tuned --resume" },
  ],
  async run({ preset, device, threads, ...options }, io) {
    const told = toldTraining(options);
    const { makeOutputFolder } = await import("../output-folder.js");
    await makeOutputFolder(options.out);
    const { presets } = await import("../../losses/index.js");
    const { tune: fineTune } = await import("../../training/index.js");
    const { engineChoice } = await import("../classifier-run.js");
    const { epochs, ...settings } = preset === undefined ? {} : (presets[preset] ?? {});
    // A number of updates takes the place of the preset's epochs.
    const duration = epochs === undefined || options.steps !== undefined ? {} : { epochs };
    const result = await fineTune(
      { ...settings, ...duration, ...told, engine: engineChoice({ device, threads }) },
      { progress: io.progress, signal: io.signal, warn: io.warn },
    );
    await io.write(result, () => trainingText(result));
  },
});
