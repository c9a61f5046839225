/**
 * ONNX Runtime's WebGPU provider in a headless Chromium: a server on localhost hands the page models and takes the results.
 * Chromium brings SwiftShader, a WebGPU adapter that computes on the CPU, so no graphics card is needed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { encodeModel } from "../../src/onnx/index.js";
import type { DataType, Model, Tensor, TensorData } from "../../src/onnx/types.js";
import { type Placement, readPlacement } from "./placement.js";

/** A model's outputs, and where its nodes ran. */
export interface BrowserRun {
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly placement: Placement;
}

/** The browser gave no answer in time or ended; a new one is needed. */
export class BrowserLost extends Error {}

/** Executable named by the variable CHROMIUM, or Debian's. */
const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";
const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";
const startMilliseconds = 45_000;
const jobMilliseconds = 180_000;
const closeMilliseconds = 3_000;

interface WireTensor {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  /** Little-endian bytes in base64: JSON has no infinities and no 64-bit integers. */
  readonly data: string;
}
interface Adapter {
  /** The adapter's architecture, such as "swiftshader". */
  readonly adapter: string;
  /** Major version of Chromium. */
  readonly chromium: string;
  /** Version of onnxruntime-web. */
  readonly runtime: string;
}
type Ready = Adapter | NoBrowser;
type JobResult =
  | { readonly outputs: Readonly<Record<string, WireTensor>>; readonly placementLog: readonly string[] }
  | { readonly error: string; readonly placementLog: readonly string[] };

/** Why no WebGPU can be tested here, as a reason to skip. */
export interface NoBrowser {
  readonly unavailable: string;
}

/** Starts Chromium, or says why that is not possible on this machine. */
export async function openBrowser(): Promise<WebGpuBrowser | NoBrowser> {
  if (!existsSync(executable)) return { unavailable: `there is no ${executable}; set CHROMIUM to a Chromium` };
  const browser = new WebGpuBrowser();
  const started = await browser.start();
  if (!("unavailable" in started)) return browser;
  await browser.close();
  return started;
}

export class WebGpuBrowser {
  private readonly server: Server = createServer((request, response) => {
    this.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  private readonly profile = mkdtempSync(join(tmpdir(), "offmap-chromium-"));
  private readonly killed = () => this.kill();
  private chromium: ChildProcess | undefined;
  private found: Ready | undefined;
  private ready: ((ready: Ready) => void) | undefined;
  private finish: ((result: JobResult) => void) | undefined;
  private job: string | undefined;
  private waitingPage: ServerResponse | undefined;

  /** Loads a model with the WebGPU provider alone and runs it once. One call at a time. */
  async run(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<BrowserRun> {
    const wire = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toWire(tensor)]));
    const result = await this.withLimit<JobResult>(jobMilliseconds, (finish) => {
      this.finish = finish;
      this.job = JSON.stringify({ model: Buffer.from(encodeModel(model)).toString("base64"), feeds: wire });
      this.handOver();
    });
    if ("error" in result) throw new Error(result.error);
    return {
      outputs: new Map(Object.entries(result.outputs).map(([name, tensor]) => [name, fromWire(tensor)])),
      placement: readPlacement(result.placementLog),
    };
  }

  /** What the models run on. */
  get adapter(): Adapter {
    if (this.found === undefined || "unavailable" in this.found) throw new Error("the browser has not started");
    return this.found;
  }

  async start(): Promise<Ready> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    const { port } = this.server.address() as AddressInfo;
    try {
      this.found = await this.withLimit<Ready>(startMilliseconds, (ready) => {
        this.ready = ready;
        this.chromium = this.launch(`http://127.0.0.1:${port}/`);
      });
    } catch (error) {
      this.found = { unavailable: (error as Error).message };
    }
    return this.found;
  }

  async close(): Promise<void> {
    process.off("exit", this.killed);
    if (this.chromium !== undefined && isRunning(this.chromium)) {
      // Chromium ends its own processes when asked; what is left after that is killed.
      const ended = once(this.chromium, "exit");
      this.chromium.kill("SIGTERM");
      await Promise.race([ended, delay(closeMilliseconds, undefined, { ref: false })]);
    }
    this.kill();
    this.server.closeAllConnections();
    this.server.close();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }

  private launch(address: string): ChildProcess {
    const flags = [
      "--headless",
      "--no-sandbox",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      `--user-data-dir=${this.profile}`,
    ];
    // Everything Chromium leaves behind lies in its profile folder, which is deleted.
    const env = { ...process.env, TMPDIR: this.profile, XDG_RUNTIME_DIR: this.profile, XDG_CONFIG_HOME: this.profile };
    const driver = existsSync(swiftShader) ? { VK_ICD_FILENAMES: swiftShader } : {};
    // A process group of its own: Chromium is a dozen processes, and all must end.
    const chromium = spawn(executable, [...flags, address], {
      detached: true,
      stdio: "ignore",
      env: { ...driver, ...env },
    });
    chromium.on("error", (error) => this.ready?.({ unavailable: error.message }));
    process.on("exit", this.killed);
    return chromium;
  }

  private kill(): void {
    if (this.chromium?.pid === undefined) return;
    try {
      process.kill(-this.chromium.pid, "SIGKILL");
    } catch {
      // The whole group has ended by itself.
    }
  }

  private async withLimit<T>(milliseconds: number, begin: (resolve: (value: T) => void) => void): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let ended: (() => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const seconds = milliseconds / 1000;
        timer = setTimeout(() => reject(new BrowserLost(`no answer from Chromium in ${seconds} s`)), milliseconds);
        begin(resolve);
        ended = () => reject(new BrowserLost("Chromium ended"));
        this.chromium?.once("exit", ended);
      });
    } finally {
      clearTimeout(timer);
      if (ended !== undefined) this.chromium?.off("exit", ended);
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    if (path === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end('<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>');
    } else if (path === "/page.js") {
      sendFile(response, fileURLToPath(new URL("page.js", import.meta.url)));
    } else if (path.startsWith("/onnxruntime/")) {
      sendFile(response, join(runtimeFolder, basename(path)));
    } else if (path === "/job") {
      this.waitingPage = response;
      this.handOver();
    } else {
      const message: unknown = JSON.parse(await bodyOf(request));
      if (path === "/ready") this.ready?.(message as Ready);
      else if (path === "/result") this.finish?.(message as JobResult);
      response.end();
    }
  }

  private handOver(): void {
    if (this.job === undefined || this.waitingPage === undefined) return;
    this.waitingPage.end(this.job);
    this.job = undefined;
    this.waitingPage = undefined;
  }
}

const isRunning = ({ pid, exitCode, signalCode }: ChildProcess) =>
  pid !== undefined && exitCode === null && signalCode === null;

const runtimeFolder = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));

function sendFile(response: ServerResponse, path: string): void {
  response.setHeader("Content-Type", path.endsWith(".wasm") ? "application/wasm" : "text/javascript");
  createReadStream(path)
    .on("error", () => response.writeHead(404).end())
    .pipe(response);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function toWire({ dtype, dims, data }: Tensor): WireTensor {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return { dtype, dims, data: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

function fromWire({ dtype, dims, data }: WireTensor): Tensor {
  if (!(dtype in arrays)) throw new Error(`no array type for ${dtype}`);
  // A copy of its own: the pooled buffer that Node decodes into is not aligned to the element size.
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return { dtype, dims, data: new arrays[dtype as keyof typeof arrays](bytes.buffer) as TensorData };
}
