/** Runs training steps on an engine: compiles one graph per batch size, keeps the variables going round, reads the losses. */
import { RunError } from "../errors.js";
import { encodeModel } from "../onnx/index.js";
import type { Tensor } from "../onnx/types.js";
import { blockSize, type Engine, type Session } from "../runtime/index.js";
import {
  buildTrainingStep,
  labelsInput,
  learningRateInput,
  type StepOptions,
  type StepReadings,
  stepReadings,
} from "./step.js";

/** What one step is fed. */
export interface StepBatch {
  /** Joined rows of every boundary tensor: the in-distribution images first, then the outliers. */
  readonly features: Readonly<Record<string, Float32Array>>;
  readonly labels: BigInt64Array;
  /** Number of outliers in the batch. */
  readonly outliers: number;
}

export class Trainer<Options extends object> {
  private readonly sessions = new Map<string, Promise<Session>>();
  private variableNames: readonly string[] = [];
  private block: number | undefined;
  private writtenNames: readonly string[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly options: Omit<StepOptions<Options>, "batch" | "outlierBatch" | "block" | "webGpu">,
  ) {}

  /** Sets the variables to the untouched model's, or to those of a checkpoint. */
  async start(checkpoint?: Readonly<Record<string, Tensor>>): Promise<void> {
    this.block = await blockSize(this.engine);
    // The variables do not depend on the batch size, so the smallest step will do.
    const { variables, written } = buildTrainingStep({ ...this.options, batch: 1, outlierBatch: 1 });
    this.variableNames = Object.keys(variables);
    this.writtenNames = written;
    await this.engine.assign(checkpoint ?? variables);
  }

  /** One update; the readings are from before it. */
  async step(batch: StepBatch, learningRate: number): Promise<StepReadings> {
    const size = batch.labels.length;
    const session = await this.sessionFor(size, batch.outliers);
    const feeds: Record<string, Tensor> = {
      [labelsInput]: { dtype: "int64", dims: [size], data: batch.labels },
      [learningRateInput]: { dtype: "float32", dims: [], data: Float32Array.of(learningRate) },
    };
    for (const [name, data] of Object.entries(batch.features)) {
      feeds[name] = { dtype: "float32", dims: [size + batch.outliers, ...(this.options.rows.get(name) ?? [])], data };
    }
    const outputs = await session.run(feeds);
    return Object.fromEntries(
      stepReadings.map((name) => [name, (outputs[name]?.data as Float32Array | undefined)?.[0] ?? Number.NaN]),
    ) as StepReadings;
  }

  /** All variables: what a checkpoint holds. */
  variables(): Promise<Record<string, Tensor>> {
    return this.engine.read(this.variableNames);
  }

  /** The variables that are initializers of the model. */
  trained(): Promise<Record<string, Tensor>> {
    return this.engine.read(this.writtenNames);
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).release();
    this.sessions.clear();
  }

  private sessionFor(batch: number, outlierBatch: number): Promise<Session> {
    const key = `${batch}+${outlierBatch}`;
    let session = this.sessions.get(key);
    if (session === undefined) {
      const form = { block: this.block, webGpu: this.engine.device === "webgpu" };
      const { model, updates } = buildTrainingStep({ ...this.options, ...form, batch, outlierBatch });
      session = this.engine.load(encodeModel(model), { updates });
      this.sessions.set(key, session);
    }
    return session;
  }
}

/** @throws RunError for a loss that is NaN or infinite */
export function checkLoss(readings: StepReadings, step: number): void {
  if (Number.isFinite(readings.loss)) return;
  throw new RunError({
    where: `step ${step}`,
    problem: `the loss became ${readings.loss} (cross entropy ${readings.crossEntropy}, regularization ${readings.regularization})`,
    hint: "lower --lr or --weight, move the margins towards the model's own energies (--m-in auto --m-out auto), or use --bn batch; the last checkpoint is kept",
  });
}
