import { OptionError } from "../../errors.js";
import type { LossName, PaperPreset } from "../../losses/index.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { lossOptions, searchOptions, toldSearch } from "../loss-options.js";
import { toggle } from "../option.js";
import { oneOf } from "../parsers.js";
import { taskOfFile, taskOption } from "../segmentation/task.js";
import {
  anyLoss,
  headDropoutOption,
  imageTraining,
  paperSettings,
  sceneTraining,
  sceneTrainingOptions,
} from "../segmentation/training-options.js";
import { shared } from "../shared-options.js";
import { runOptions, toldTraining, trainingData, updateOptions } from "../training-options.js";
import { trainingText } from "../training-text.js";

const defaultLoss = "balanced-energy";
const { loss, ...otherLossOptions } = lossOptions({
  loss: defaultLoss,
  mIn: "auto, from the model's own energies",
  mOut: "auto",
  alpha: "5",
  gamma: "auto, from how uneven the prior is; 3 for scenes",
});
const { train, batchNorm, ...updates } = updateOptions({
  train: "head",
  bn: "frozen",
  epochs: "10",
  optimizer: "sgd; adam for scenes",
  lr: "0.001; 0.0001 for scenes",
  weightDecay: "0.0005; 0 for scenes",
  holdOut: "0.05, and 0 with --no-shuffle",
});

/** The paper's settings for segmentation. */
const scenePreset = "paper-cityscapes";

/** What a preset says about image classifiers: what the loss does not look at nobody has given, and nobody need be warned of. */
async function imageSettings(preset: string | undefined, loss: string | undefined): Promise<Partial<PaperPreset>> {
  const { losses, presets } = await import("../../losses/index.js");
  const { mIn, mOut, alpha, gamma, ...rest } = presets[preset ?? ""] ?? {};
  const { hasMargins, usesPrior } = losses[(loss ?? defaultLoss) as LossName] ?? {};
  return {
    ...rest,
    ...(hasMargins && mIn !== undefined && mOut !== undefined && { mIn, mOut }),
    ...(usesPrior && alpha !== undefined && gamma !== undefined && { alpha, gamma }),
  };
}

export const tune = defineCommand({
  name: "tune",
  summary: "Fine-tune a model with outliers so that it tells them apart.",
  description:
    "Step 2: fine-tunes the model on its own training images together with outliers. The folder given by --out gets model.onnx (same inputs and outputs), run.json (what is needed to repeat it), log.csv (one line per step) and checkpoint.onnx (to go on with --resume after ctrl-C). A segmentation network is tuned on scenes that objects are pasted into: --id is then a segmentation dataset and --outliers a set of objects.",
  options: {
    model: shared.model,
    task: taskOption,
    ...trainingData,
    loss: { ...loss, parser: anyLoss },
    preset: {
      placeholder: "NAME",
      group: loss.group,
      help: "settings of the paper for one of its networks; flags win over them",
      parser: oneOf(async () => [...Object.keys((await import("../../losses/index.js")).presets), scenePreset]),
    },
    ...otherLossOptions,
    ...searchOptions,
    train,
    batchNorm,
    dropout: toggle("let the model's Dropout nodes drop units", { group: train.group }),
    ...updates,
    ...sceneTrainingOptions,
    ...headDropoutOption,
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
    {
      does: "A segmentation network, with cut-outs pasted into its training scenes",
      line: 'tune --model deeplab.onnx --id "camvid:camvid?split=train" --outliers cutouts:objects --out tuned',
    },
    {
      does: "Choose alpha and gamma of the balanced loss without a look at any test set",
      line: "tune --model model.onnx --id folder:train --outliers folder:outliers --search-alpha 0,5,10 --search-gamma 0.25,0.75 --out tuned",
    },
    { does: "The same options from a file", line: "tune --config run.yaml --seed 2 --out tuned-2" },
    { does: "Go on after ctrl-C", line: "tune --config run.yaml --out tuned --resume" },
  ],
  async run({ task, preset, device, threads, searchAlpha, searchGamma, ...options }, io) {
    const told = toldTraining(options);
    const { epochs, ...settings } = await imageSettings(preset, options.loss);
    const lists = { ...(searchAlpha && { searchAlpha }), ...(searchGamma && { searchGamma }) };
    const search = toldSearch({ ...options, ...lists }, settings);
    const { makeOutputFolder } = await import("../output-folder.js");
    await makeOutputFolder(options.out);
    const { engineChoice } = await import("../classifier-run.js");
    const engine = engineChoice({ device, threads });
    const context = { progress: io.progress, signal: io.signal, warn: io.warn };
    if ((await taskOfFile(options.model, task)) === "segmentation") {
      if (search.search !== undefined) {
        throw new OptionError({
          where: "--search-alpha and --search-gamma",
          expected: "an image classifier",
          received: "a segmentation network",
        });
      }
      const { tuneSegmentation } = await import("../../training/segmentation/index.js");
      const { segmentationText } = await import("../segmentation/training-text.js");
      const own = await sceneTraining(preset === scenePreset ? told : { ...told, preset });
      const { steps, ...paper } = preset === scenePreset ? await paperSettings(own.loss) : {};
      // A number of epochs takes the place of the preset's updates.
      const duration = steps === undefined || options.epochs !== undefined ? {} : { steps };
      const result = await tuneSegmentation({ ...paper, ...duration, ...own, engine }, context);
      return io.write(result, () => segmentationText(result));
    }
    if (preset === scenePreset) {
      throw new OptionError({
        where: `--preset ${scenePreset}`,
        expected: "a segmentation network, which it is for",
        received: "an image classifier",
      });
    }
    const { tune: fineTune } = await import("../../training/index.js");
    // A number of updates takes the place of the preset's epochs.
    const duration = epochs === undefined || options.steps !== undefined ? {} : { epochs };
    const result = await fineTune(
      { ...settings, ...duration, ...(await imageTraining(told)), ...search, engine },
      context,
    );
    await io.write(result, () => trainingText(result));
  },
});
