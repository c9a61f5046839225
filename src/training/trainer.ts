/** Runs training steps on an engine: compiles one graph per batch size, keeps the variables going round, reads the losses. */
import { RunError } from "../errors.js";
import type { Tensor } from "../onnx/types.js";
import { tensorOf } from "../ops/index.js";
import { blockSize, type Engine, type Feeds, type Session, sessionBytes } from "../runtime/index.js";
import { type StepReadings, stepReadings } from "./step.js";
import type { TrainingStep } from "./step-assembly.js";
import { stepInputs } from "./step-inputs.js";
import type { BatchSizes } from "./step-options.js";
import type { FormOptions } from "./step-updates.js";

/** What one step is fed. */
export interface StepBatch {
  readonly sizes: BatchSizes;
  /** Boundary tensors, their rows joined as {@link BatchSizes} says, labels, and what else the loss or the options call for. */
  readonly feeds: Feeds;
}

export class Trainer {
  private readonly sessions = new Map<string, Promise<Session>>();
  private variableNames: readonly string[] = [];
  private block: number | undefined;
  private written: ReadonlyMap<string, string> = new Map();
  private optimizerNumbers: TrainingStep["optimizerNumbers"] = () => [];

  /** @param build  the step for batches of one size */
  constructor(
    private readonly engine: Engine,
    private readonly build: (sizes: BatchSizes & FormOptions) => TrainingStep,
  ) {}

  /**
   * Sets the variables to the untouched model's, or to those of a checkpoint.
   *
   * @param smallest  sizes of a batch: variables do not depend on them
   */
  async start(smallest: BatchSizes, checkpoint?: Readonly<Record<string, Tensor>>): Promise<void> {
    this.block = await blockSize(this.engine);
    const { variables, written, optimizerNumbers } = this.build(smallest);
    this.variableNames = Object.keys(variables);
    this.written = written;
    this.optimizerNumbers = optimizerNumbers;
    await this.engine.assign(checkpoint ?? variables);
  }

  /**
   * One update; the readings are from before it.
   *
   * @param update  1 for the first of the run
   */
  async step({ sizes, feeds }: StepBatch, learningRate: number, update: number): Promise<StepReadings> {
    const session = await this.sessionFor(sizes);
    const offered: Record<string, Tensor> = {
      ...feeds,
      [stepInputs.learningRate]: tensorOf(learningRate),
      [stepInputs.optimizerNumbers]: tensorOf(this.optimizerNumbers(update)),
    };
    const called = new Set(session.inputs.map(({ name }) => name));
    const outputs = await session.run(Object.fromEntries(Object.entries(offered).filter(([name]) => called.has(name))));
    return Object.fromEntries(
      stepReadings.map((name) => [name, (outputs[name]?.data as Float32Array | undefined)?.[0] ?? Number.NaN]),
    ) as StepReadings;
  }

  /** All variables: what a checkpoint holds. */
  variables(): Promise<Record<string, Tensor>> {
    return this.engine.read(this.variableNames);
  }

  /** New values of the model's initializers. */
  async trained(): Promise<Record<string, Tensor>> {
    const values = await this.engine.read([...this.written.values()]);
    return Object.fromEntries([...this.written].map(([name, variable]) => [name, values[variable] as Tensor]));
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).release();
    this.sessions.clear();
  }

  private sessionFor(sizes: BatchSizes): Promise<Session> {
    const key = JSON.stringify(sizes);
    let session = this.sessions.get(key);
    if (session === undefined) {
      const { model, updates } = this.build({
        ...sizes,
        block: this.block,
        webGpu: this.engine.device === "webgpu",
      });
      session = this.engine.load(sessionBytes(model), { updates });
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
    hint: divergenceHint,
  });
}

const divergenceHint =
  "start again, without --resume, with a lower --lr or --weight, margins near the model's own energies (--m-in auto --m-out auto), or --bn batch";

/** After the last update, which no loss was read behind. @throws RunError for parameters that are NaN or infinite */
export function checkParameters(trained: Readonly<Record<string, Tensor>>, step: number): void {
  const broken = Object.entries(trained).find(([, { data }]) => data.some((value) => !Number.isFinite(Number(value))));
  if (broken === undefined) return;
  throw new RunError({
    where: `step ${step}`,
    problem: `the parameter ${broken[0]} became NaN or infinite`,
    hint: divergenceHint,
  });
}
