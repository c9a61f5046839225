import { Worker } from "node:worker_threads";
import { RunError, UnsupportedError } from "../errors.js";
import type { Tensor } from "../onnx/types.js";
import { type Answer, buffersOf, type Envelope, type Reply, type Request } from "./protocol.js";
import type { Device, Engine, EngineOptions, Feeds, LoadOptions, Session } from "./types.js";

/** From TypeScript sources (in tests) the worker is the compiled one: worker threads cannot load TypeScript on Node 20. */
const workerUrl = import.meta.url.endsWith(".ts")
  ? new URL("../../dist/runtime/node-worker.js", import.meta.url)
  : new URL("./node-worker.js", import.meta.url);

/** ONNX Runtime in a worker thread. */
export class WorkerEngine implements Engine {
  readonly device: Device;
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  private nextId = 0;
  private failure: Error | undefined;

  constructor(options: EngineOptions = {}) {
    this.device = options.device ?? "cpu";
    this.worker = new Worker(workerUrl, { workerData: { engine: options } });
    this.worker.on("message", (reply: Reply) => this.settle(reply));
    this.worker.on("error", (cause) =>
      this.fail(new RunError({ problem: `the engine's thread failed: ${cause.message}`, cause })),
    );
    this.worker.on("exit", () => this.fail(new RunError({ problem: "the engine was closed" })));
    // An idle engine must not keep a program alive; a waiting request does, see `ask`.
    this.worker.unref();
  }

  async load(model: Uint8Array, options: LoadOptions = {}): Promise<Session> {
    const loaded = await this.ask({ kind: "load", model, options });
    if (loaded.kind !== "loaded") throw new RunError({ problem: "the engine gave an unexpected answer" });
    const { session, inputs, outputs } = loaded;
    return {
      inputs,
      outputs,
      run: (feeds) => this.values({ kind: "run", session, feeds }, buffersOf(feeds)),
      release: async () => void (await this.ask({ kind: "release", session })),
    };
  }

  async assign(variables: Feeds): Promise<void> {
    await this.ask({ kind: "assign", variables });
  }

  read(names: readonly string[]): Promise<Record<string, Tensor>> {
    return this.values({ kind: "read", names });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private async values(request: Request, transfer: ArrayBuffer[] = []): Promise<Record<string, Tensor>> {
    const answer = await this.ask(request, transfer);
    if (answer.kind !== "values") throw new RunError({ problem: "the engine gave an unexpected answer" });
    return answer.values;
  }

  private ask(request: Request, transfer: ArrayBuffer[] = []): Promise<Answer> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const id = this.nextId++;
    const envelope: Envelope = { id, request };
    this.worker.ref();
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage(envelope, transfer);
    });
  }

  private settle({ id, answer, error }: Reply): void {
    const waiter = this.waiting.get(id);
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.worker.unref();
    if (answer !== undefined) waiter?.resolve(answer);
    else if (error?.name === "UnsupportedError") waiter?.reject(new UnsupportedError(error.details));
    else waiter?.reject(new RunError(error?.details ?? { problem: "the engine gave no answer" }));
  }

  private fail(error: Error): void {
    this.failure = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
