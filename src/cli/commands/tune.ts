import { OptionError } from "../../errors.js";
import { count, percentage } from "../../report/format.js";
import type { TuneResult } from "../../training/index.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { toggle } from "../option.js";
import { integer, number, numberOrAuto, oneOf, text } from "../parsers.js";
import { dataset, shared } from "../shared-options.js";

const data = "Model and data:";
const loss = "Loss:";
const training = "Training:";
const run = "Run:";

export const tune = defineCommand({
  name: "tune",
  summary: "Fine-tune a classifier with outliers so that it tells them apart.",
  description:
    "Step 2: fine-tunes the model on its own training images together with outliers. The folder given by --out gets model.onnx (same inputs and outputs), run.json (what is needed to repeat it), log.csv (one line per step) and checkpoint.onnx (to go on with --resume after ctrl-C).",
  options: {
    model: shared.model,
    id: {
      placeholder: "DS",
      group: data,
      required: true,
      help: "labelled training images of the model",
      parser: dataset,
    },
    outliers: {
      placeholder: "DS",
      group: data,
      help: "images that show none of the classes; required unless --loss ce",
      parser: dataset,
    },
    normalization: { ...shared.normalize, flag: "normalize" },
    loss: {
      placeholder: "NAME",
      group: loss,
      help: "what is added to the cross entropy",
      default: "balanced-energy",
      parser: oneOf(async () => {
        const { losses } = await import("../../losses/index.js");
        return Object.keys(losses) as (keyof typeof losses)[];
      }),
    },
    preset: {
      placeholder: "NAME",
      group: loss,
      help: "settings of the paper for one of its networks; flags win over them",
      parser: oneOf(async () => Object.keys((await import("../../losses/index.js")).presets)),
    },
    weight: {
      placeholder: "W",
      group: loss,
      help: "weight of the loss beside the cross entropy",
      default: "the loss's own",
      parser: number({ min: 0, max: 1e6 }),
    },
    mIn: {
      placeholder: "E|auto",
      group: loss,
      help: "energy below which training images are left alone",
      default: "auto, from the model's own energies",
      parser: numberOrAuto({ min: -1e6, max: 1e6 }),
    },
    mOut: {
      placeholder: "E|auto",
      group: loss,
      help: "energy above which outliers are left alone",
      default: "auto",
      parser: numberOrAuto({ min: -1e6, max: 1e6 }),
    },
    alpha: {
      placeholder: "A",
      group: loss,
      help: "how much a dominating class raises the outlier margin (balanced-energy)",
      default: "5",
      parser: number({ min: 0, max: 1e6 }),
    },
    gamma: {
      placeholder: "G|auto",
      group: loss,
      help: "exponent on the prior (balanced-energy)",
      default: "auto, from how uneven the prior is",
      parser: numberOrAuto({ min: 0, max: 100 }),
    },
    gammaWeight: {
      placeholder: "G",
      group: loss,
      help: "exponent on the prior in the weights of the outliers, where it differs from that in the margin",
      default: "as --gamma",
      parser: number({ min: 0, max: 100 }),
    },
    balanceBy: {
      placeholder: "WAY",
      group: loss,
      help: "divide the weights Z of the outliers by their sum, or by their number",
      default: "sum",
      parser: oneOf(["sum", "mean"]),
    },
    detachZ: toggle("stop the gradient at Z", { group: loss }),
    prior: {
      placeholder: "FILE",
      group: loss,
      help: "prior written by `offmap prior`; measured when not given",
      parser: text("the path of a JSON file"),
    },
    train: {
      placeholder: "WHAT",
      group: training,
      many: { separator: "," },
      help: "head (the last layer), all, or patterns over parameter names such as layer4.*,fc.*",
      default: "head",
      parser: text("head, all or a pattern"),
    },
    batchNorm: {
      flag: "bn",
      placeholder: "MODE",
      group: training,
      help: "BatchNorm of the trained part: statistics of the batch, or those the model has",
      default: "frozen",
      parser: oneOf(["batch", "frozen"]),
    },
    epochs: {
      placeholder: "N",
      group: training,
      help: "passes over the training images",
      default: "10",
      parser: integer({ min: 1, max: 1e6 }),
    },
    steps: {
      placeholder: "N",
      group: training,
      help: "updates, instead of epochs",
      parser: integer({ min: 1, max: 1e9 }),
    },
    batch: {
      placeholder: "N",
      group: training,
      help: "training images per update",
      default: "128",
      parser: integer({ min: 1, max: 65536 }),
    },
    outlierBatch: {
      placeholder: "N",
      group: training,
      help: "outliers per update",
      default: "256",
      parser: integer({ min: 1, max: 65536 }),
    },
    learningRate: {
      flag: "lr",
      placeholder: "R",
      group: training,
      help: "learning rate",
      default: "0.001",
      parser: number({ above: 0, max: 1000 }),
    },
    momentum: {
      placeholder: "M",
      group: training,
      help: "momentum (Nesterov)",
      default: "0.9",
      parser: number({ min: 0, max: 1 }),
    },
    weightDecay: {
      placeholder: "D",
      group: training,
      help: "weight decay",
      default: "0.0005",
      parser: number({ min: 0, max: 1 }),
    },
    schedule: {
      placeholder: "NAME",
      group: training,
      help: "learning rate over the run",
      default: "cosine",
      parser: oneOf(["cosine", "constant"]),
    },
    noAugment: toggle("no random crop and flip", { group: training }),
    noShuffle: toggle("images and outliers in their own order, from the first", { group: training }),
    holdOut: {
      placeholder: "SHARE",
      group: training,
      help: "share of the training images kept out to watch accuracy on",
      default: "0.05, and 0 with --no-shuffle",
      parser: number({ min: 0, max: 0.5 }),
    },
    seed: {
      placeholder: "S",
      group: run,
      help: "start of all randomness",
      default: "1",
      parser: integer({ min: 0, max: 2 ** 31 - 1 }),
    },
    out: {
      placeholder: "DIR",
      group: run,
      required: true,
      help: "folder for the results",
      parser: text("the path of a folder"),
    },
    checkpointEvery: {
      placeholder: "N",
      group: run,
      help: "updates between checkpoints",
      default: "100",
      parser: integer({ min: 1, max: 1e9 }),
    },
    resume: toggle("go on with the run in --out", { group: run }),
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
  async run({ preset, train, noAugment, noShuffle, device, threads, ...options }, io) {
    if (options.steps !== undefined && options.epochs !== undefined) {
      throw new OptionError({ where: "tune", expected: "either --steps or --epochs", received: "both" });
    }
    const { makeOutputFolder } = await import("../output-folder.js");
    await makeOutputFolder(options.out);
    const { presets } = await import("../../losses/index.js");
    const { tune: fineTune } = await import("../../training/index.js");
    const { engineChoice } = await import("../classifier-run.js");
    const { epochs, ...settings } = preset === undefined ? {} : (presets[preset] ?? {});
    const result = await fineTune(
      {
        ...settings,
        // A number of updates takes the place of the preset's epochs.
        ...(epochs === undefined || options.steps !== undefined ? {} : { epochs }),
        ...options,
        ...(train === undefined ? {} : { train: train.join(",") }),
        ...(noAugment ? { augment: false } : {}),
        ...(noShuffle ? { shuffle: false } : {}),
        engine: engineChoice({ device, threads }),
      },
      { progress: io.progress, signal: io.signal, warn: io.warn },
    );
    await io.write(result, () => tuneText(result));
  },
});

function tuneText(result: TuneResult): string {
  const { margins } = result;
  return [
    `${count(result.steps)} steps, ${(1000 * result.seconds_per_step).toFixed(0)} ms each, ${count(result.images_per_second)} images/s; loss ${result.loss.toFixed(4)}`,
    ...(margins === null ? [] : [`margins: ${margins.reason}`]),
    `accuracy ${percentage(result.accuracy_before)} % before, ${percentage(result.accuracy_after)} % after`,
    `tuned model: ${result.out}`,
  ].join("\n");
}
