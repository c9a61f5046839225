/** Recognises what people hand over instead of an ONNX file, so that the error can say what it is. */
import { FormatError } from "../errors.js";

interface Kind {
  readonly name: string;
  readonly hint: string;
  matches(bytes: Uint8Array, head: string): boolean;
}

const exportHint = "export the model to ONNX first (torch.onnx.export)";
const startsWith =
  (...signature: number[]) =>
  (bytes: Uint8Array) =>
    signature.every((byte, index) => bytes[index] === byte);

const kinds: readonly Kind[] = [
  {
    name: "a Git LFS pointer, not the file it points to",
    hint: "fetch the file with `git lfs pull`",
    matches: (_, head) => head.startsWith("version https://git-lfs"),
  },
  {
    name: "an HTML page",
    hint: "the download link probably led to a web page; download the file itself",
    matches: (_, head) => /^\s*<(!doctype|html|head|body|script|!--)/i.test(head),
  },
  {
    name: "an XML file",
    hint: "OpenVINO models must be exported to ONNX from their source",
    matches: (_, head) => /^\s*<\?xml/i.test(head),
  },
  {
    name: "a PyTorch checkpoint (ZIP)",
    hint: exportHint,
    matches: (bytes, head) => startsWith(0x50, 0x4b, 3, 4)(bytes) && /data\.pkl|\/version|constants\.pkl/.test(head),
  },
  { name: "a ZIP archive", hint: "unpack it first", matches: startsWith(0x50, 0x4b, 3, 4) },
  {
    name: "a Python pickle (a PyTorch checkpoint?)",
    hint: exportHint,
    matches: (bytes) => bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5,
  },
  { name: "a gzip archive", hint: "unpack it first", matches: startsWith(0x1f, 0x8b) },
  {
    name: "an HDF5 file (a Keras model?)",
    hint: "convert it to ONNX first (tf2onnx)",
    matches: startsWith(0x89, 0x48, 0x44, 0x46),
  },
  { name: "a NumPy array", hint: "give the .onnx file", matches: startsWith(0x93, 0x4e, 0x55, 0x4d) },
  { name: "a PNG image", hint: "give the .onnx file", matches: startsWith(0x89, 0x50, 0x4e, 0x47) },
  { name: "a JPEG image", hint: "give the .onnx file", matches: startsWith(0xff, 0xd8, 0xff) },
  {
    name: "a TensorFlow Lite model",
    hint: "convert it to ONNX first (tf2onnx)",
    matches: (bytes, head) => bytes[3] === 0 && head.slice(4, 8) === "TFL3",
  },
  {
    name: "a model in ONNX Runtime's own format (.ort)",
    hint: "give the .onnx file it was made from",
    matches: (bytes, head) => bytes[3] === 0 && head.slice(4, 8) === "ORTM",
  },
  {
    name: "a safetensors file",
    hint: `it holds weights without a graph; ${exportHint}`,
    matches: (bytes, head) => head[8] === "{" && bytes.subarray(3, 8).every((byte) => byte === 0),
  },
  { name: "a JSON file", hint: "give the .onnx file", matches: (_, head) => /^\s*[{[]\s*["{[]/.test(head) },
];

/** Throws when the bytes are empty or begin like a well-known format that is not ONNX. */
export function refuseOtherFormats(bytes: Uint8Array, where: string): void {
  if (bytes.length === 0) {
    throw new FormatError({ where, expected: "an ONNX model", received: "an empty file" });
  }
  const head = String.fromCharCode(...bytes.subarray(0, 512));
  const kind = kinds.find((candidate) => candidate.matches(bytes, head));
  if (kind !== undefined) {
    throw new FormatError({ where, expected: "an ONNX model", received: kind.name, hint: kind.hint });
  }
}
