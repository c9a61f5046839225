// The examples of docs/shipping.md, run as they are printed, on one exported file and one photo.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { json, text } from "./memory-host.js";

const asset = (name: string) => fileURLToPath(new URL(`../../assets/demo/${name}`, import.meta.url));
const run = promisify(execFile);
const guide = await readFile(new URL("../../docs/shipping.md", import.meta.url), "utf8");
const [width, height] = [50, 40];

let folder = "";
const at = (name: string) => join(folder, name);

/** The code block under a heading. */
function example(heading: string): string {
  const [, code] = new RegExp(`## ${heading}\\n\\n\`\`\`\\w+\\n(.*?)\`\`\``, "s").exec(guide) ?? [];
  if (code === undefined) throw new Error(`docs/shipping.md has no code under "${heading}"`);
  return code;
}

async function runInNode(file: string, code: string): Promise<string> {
  await writeFile(at(file), code);
  return (await run(process.execPath, [file], { cwd: folder })).stdout;
}

/** Why an import fails in the python3 of this machine; undefined where it does not, or there is no python3. */
async function missing(...modules: string[]): Promise<string | undefined> {
  const failure = (error: { stderr?: string; message: string }) =>
    error.stderr?.trim().split("\n").at(-1) ?? error.message;
  return run("python3", ["-c", `import ${modules.join(", ")}`]).then(() => undefined, failure);
}
const [noPython, noRuntime] = await Promise.all([missing("ast"), missing("numpy", "onnxruntime", "PIL")]);

let shown = "";
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-shipping-")));
  const model = ["--model", asset("resnet20-cifar10.onnx")];
  const normalize = ["--normalize", "0.485,0.456,0.406:0.229,0.224,0.225"];
  const id = `sheet:${asset("cifar10-test.json")}`;
  await text("calibrate", ...model, "--id", id, ...normalize, "--out", at("energy.json"));
  await text(
    ...["export", ...model, "--calibration", at("energy.json"), ...normalize, "--preprocess"],
    ...["--out", at("guarded.onnx")],
  );
  const photo = Buffer.from(Uint8Array.from({ length: 3 * width * height }, (_, index) => (index * 7919) % 256));
  // Taken on its side, as photos of phones are: height x width pixels and a note to turn them.
  await sharp(photo, { raw: { width: height, height: width, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toFile(at("photo.jpg"));
  await symlink(fileURLToPath(new URL("../../node_modules", import.meta.url)), at("node_modules"));
  shown = await runInNode("node.mjs", example("Node"));
}, 60_000);

test("the one for Node runs, and says what offmap score says of the same photo", async () => {
  expect(shown).toMatch(/^(off the map|known) 0\.\d+\n$/);
  const { images } = await json<{ images: { p_value: number }[] }>(
    "score",
    "--model",
    at("guarded.onnx"),
    at("photo.jpg"),
  );
  expect(Number(shown.slice(shown.lastIndexOf(" ")))).toBeCloseTo(images[0]?.p_value as number, 6);
});

test("the one for the browser says the same of the same pixels, by onnxruntime-web's WebAssembly", async () => {
  const rgba = await sharp(at("photo.jpg")).autoOrient().ensureAlpha().raw().toBuffer();
  await writeFile(at("pixels.bin"), rgba);
  await writeFile(at("browser.mjs"), example("Browser"));
  // What the example takes from a page.
  const title = await runInNode(
    "page.mjs",
    `import { readFile } from "node:fs/promises";
    const data = new Uint8ClampedArray(await readFile("pixels.bin"));
    const size = { width: ${width}, height: ${height} };
    const only = (asked, name) => { if (asked !== name) throw new Error("unknown: " + asked); };
    const local = globalThis.fetch;
    globalThis.fetch = async (name) => name === "photo.jpg" ? new Response(await readFile(name)) : local(name);
    globalThis.createImageBitmap = async (blob, { colorSpaceConversion, premultiplyAlpha }) => {
      for (const told of [colorSpaceConversion, premultiplyAlpha]) only(told, "none");
      return { ...size, bytes: blob.size };
    };
    globalThis.OffscreenCanvas = class {
      constructor(width, height) { only(width, size.width); only(height, size.height); }
      getContext(kind) {
        only(kind, "2d");
        let drawn = false;
        return { drawImage: ({ bytes }) => { drawn = bytes > 0; }, getImageData: () => drawn && { data, ...size } };
      }
    };
    globalThis.document = { title: "" };
    await import("./browser.mjs");
    console.log(document.title);`,
  );
  const [, known, p] = /^(off the map|known) (.*)\n$/.exec(shown) ?? [];
  expect(title).toBe(known === "known" ? `known, p = ${Number(p).toFixed(3)}\n` : "off the map\n");
});

test.skipIf(noPython !== undefined)(
  `the one for Python is Python${noPython ? `: skipped, ${noPython}` : ""}`,
  async () => {
    await writeFile(at("example.py"), example("Python"));
    const parse = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
    expect((await run("python3", ["-c", parse, at("example.py")])).stderr).toBe("");
  },
);

test.skipIf(noRuntime !== undefined)(
  `the one for Python says what the one for Node says${noRuntime ? `: skipped, ${noRuntime}` : ""}`,
  async () => {
    await writeFile(at("example.py"), example("Python"));
    const { stdout } = await run("python3", ["example.py"], { cwd: folder });
    const [decision, p] = [shown.slice(0, shown.lastIndexOf(" ")), Number(shown.slice(shown.lastIndexOf(" ")))];
    expect(stdout.startsWith(decision)).toBe(true);
    expect(Number(stdout.slice(decision.length))).toBeCloseTo(p, 3);
  },
);
