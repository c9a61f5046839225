/** Whole training steps of the small networks that PyTorch's numbers are stored for, with values for every input. */
import { fileURLToPath } from "node:url";
import { type LossDefinition, losses } from "../../src/losses/index.js";
import { readModel } from "../../src/onnx/index.js";
import type { Tensor } from "../../src/onnx/types.js";
import { tensorOf } from "../../src/ops/index.js";
import { asClassifier, type BatchNormMode, planTraining } from "../../src/training/index.js";
import { buildTrainingStep } from "../../src/training/step.js";
import { stepInputs } from "../../src/training/step-inputs.js";
import { randomTensor } from "../gradients/random.js";
import type { FedGraph } from "./graphs.js";

type Network = "resnet" | "wrn" | "mobilenetv2" | "densenet" | "vgg" | "efficientnet" | "convnext" | "vit";
const all: readonly (readonly [Network, BatchNormMode])[] = [
  ...(["resnet", "wrn", "mobilenetv2", "densenet", "efficientnet"] as const).flatMap((network) =>
    (["batch", "frozen"] as const).map((mode) => [network, mode] as const),
  ),
  ...(["vgg", "convnext", "vit"] as const).map((network) => [network, "frozen"] as const),
];
const batch = 2;
const outlierBatch = 3;

/** One step of each network with the balanced energy loss, which holds what the other losses hold, and with either kind of BatchNorm. */
export const trainingSteps = (): Promise<FedGraph[]> =>
  Promise.all(all.map(([network, mode]) => trainingStep(network, mode)));

/** A few of them, with everything that convolutional networks and transformers need. */
export const someTrainingSteps = (): Promise<FedGraph[]> =>
  Promise.all([trainingStep("resnet", "batch"), trainingStep("mobilenetv2", "frozen"), trainingStep("vit", "frozen")]);

async function trainingStep(network: Network, batchNorm: BatchNormMode): Promise<FedGraph> {
  const path = fileURLToPath(new URL(`../fixtures/parity/${network}-tiny.onnx`, import.meta.url));
  const classifier = asClassifier(await readModel(path), path);
  const plan = planTraining(classifier, [3, 32, 32], "all");
  const loss = losses["balanced-energy"] as LossDefinition<object>;
  const { model, variables } = buildTrainingStep({
    model: classifier.upgraded,
    logits: classifier.logits,
    partition: plan.partition,
    parameters: plan.parameters,
    loss,
    // Margins around the energies of small random networks, so that hinges are open and closed.
    lossOptions: { ...loss.defaults, mIn: -3, mOut: -2 },
    weight: 0.1,
    prior: Array.from({ length: plan.classes }, (_, index) => (2 * (index + 1)) / (plan.classes * (plan.classes + 1))),
    batchNorm,
    classCounts: new Array<number>(plan.classes).fill(1),
    seed: 1,
    optimizer: "sgd",
    optimizerOptions: { momentum: 0.9, weightDecay: 5e-4 },
    rows: plan.rows,
    batch,
    outlierBatch,
    webGpu: true,
  });
  const feeds: Record<string, Tensor> = {
    ...variables,
    [stepInputs.labels]: tensorOf([1, 7], "int64"),
    [stepInputs.learningRate]: tensorOf(1),
  };
  let seed = 1;
  for (const [name, dims] of plan.rows) feeds[name] = randomTensor([batch + outlierBatch, ...dims], seed++);
  // At rate 1 the weights hold the gradients. Momenta on their own may be zero but for rounding, which differs.
  const outputs = model.graph.outputs.filter(({ name }) => !name.includes("/momentum"));
  const weightsOnly = { ...model, graph: { ...model.graph, outputs } };
  return { name: `A step of ${network}, ${batchNorm} statistics`, model: weightsOnly, feeds };
}
