import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { lossOptions } from "../loss-options.js";
import { number, oneOf } from "../parsers.js";
import { anyLoss, imageTraining, sceneTraining, sceneTrainingOptions } from "../segmentation/training-options.js";
import { runOptions, toldTraining, trainingData, updateOptions } from "../training-options.js";
import { trainingText } from "../training-text.js";

const network = "Network:";
const { loss, ...otherLossOptions } = lossOptions({
  loss: "ce",
  mIn: "the loss's own, of the paper",
  mOut: "the loss's own",
  alpha: "the loss's own",
  gamma: "the loss's own",
});

export const train = defineCommand({
  name: "train",
  summary: "Train a network from nothing, with or without outliers.",
  description:
    "Makes a network, gives it starting values by --seed, and trains it. The folder given by --out gets model.onnx, run.json (what is needed to repeat it), log.csv (one line per step), checkpoint.onnx (to go on with --resume after ctrl-C), and, where images are held out, validation.csv (one line per epoch) and best.onnx (the epoch that did best on them). A segmentation network is trained on a segmentation dataset, with objects as --outliers where there are any.",
  options: {
    arch: {
      placeholder: "NAME",
      group: network,
      required: true,
      help: "architecture",
      parser: oneOf(async () => {
        const { architectures, segmentationArchitectures } = await import("../../nn/index.js");
        return [
          ...(Object.keys(architectures) as (keyof typeof architectures)[]),
          ...(Object.keys(segmentationArchitectures) as (keyof typeof segmentationArchitectures)[]),
        ];
      }),
    },
    width: {
      placeholder: "F",
      group: network,
      help: "factor on the channels of every layer",
      default: "1",
      parser: number({ above: 0, max: 64 }),
    },
    head: {
      placeholder: "NAME",
      group: network,
      help: "last layer: linear, or deconf, that of Generalized ODIN; losses that need further outputs get them by themselves",
      default: "linear",
      parser: oneOf(["linear", "deconf"]),
    },
    ...trainingData,
    loss: { ...loss, parser: anyLoss },
    ...otherLossOptions,
    ...updateOptions({
      ...{ train: "all", bn: "batch", epochs: "100", holdOut: "0.05, and 0 with --no-shuffle" },
      optimizer: "sgd; adamw for scenes",
      lr: "0.1; 0.001 for scenes",
      weightDecay: "0.0005; 0.01 for scenes",
    }),
    ...sceneTrainingOptions,
    ...runOptions,
    ...engineOptions,
  },
  examples: [
    {
      does: "ResNet-20 on CIFAR-10, the usual way",
      line: "train --arch resnet20 --id cifar:cifar-10-batches-bin --out resnet20",
    },
    {
      does: "ResNet-18 on long-tailed CIFAR-10, on all of its images",
      line: 'train --arch resnet18 --id "cifar:train.bin?long-tail=exp:0.01" --hold-out 0 --out resnet18-lt',
    },
    {
      does: "A folder of photos of any size, brought to 64 x 64",
      line: 'train --arch resnet18 --id "folder:photos?size=64x64&resize=crop" --out photos',
    },
    {
      does: "With outliers from the start",
      line: "train --arch resnet20 --id cifar:train.bin --outliers folder:outliers --loss oe --out oe",
    },
    {
      does: "A segmentation network at half the size of its images",
      line: 'train --arch deeplabv3plus-small --id "camvid:camvid?split=train&scale=0.5" --val "camvid:camvid?split=val&scale=0.5" --out deeplab',
    },
  ],
  async run({ arch, device, threads, ...options }, io) {
    const told = toldTraining(options);
    const { makeOutputFolder } = await import("../output-folder.js");
    await makeOutputFolder(options.out);
    const { engineChoice } = await import("../classifier-run.js");
    const { isSegmentationArchitecture } = await import("../segmentation/architectures.js");
    const engine = engineChoice({ device, threads });
    const context = { progress: io.progress, signal: io.signal, warn: io.warn };
    if (isSegmentationArchitecture(arch)) {
      const { trainSegmentation } = await import("../../training/segmentation/index.js");
      const { segmentationText } = await import("../segmentation/training-text.js");
      const result = await trainSegmentation({ arch, ...(await sceneTraining(told)), engine }, context);
      return io.write(result, () => segmentationText(result));
    }
    const { train: trainNetwork } = await import("../../training/index.js");
    const result = await trainNetwork({ arch, ...(await imageTraining(told)), engine }, context);
    await io.write(result, () => trainingText(result));
  },
});
