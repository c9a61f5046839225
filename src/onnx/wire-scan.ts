/**
 * A first pass over the bytes of a protobuf message, before anything is allocated for it. It checks that every length stays
 * inside what encloses it and that fields have the wire type of the schema, and adds up what decoding would cost: two
 * bytes can claim an empty node, so a small file can ask for a large heap.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FormatError } from "../errors.js";

/** Messages inside each other; 33 nested subgraphs. Real models have fewer than 20. */
const maxDepth = 100;

// Heap bytes, rounded up from measurements of the decoded messages together with the nodes made from them.
const messageCost = 1000;
const bytesCost = 200;
const integerCost = 32;
const numberCost = 8;

const wireNames = ["a varint", "8 bytes", "a length and content", "a group start", "a group end", "4 bytes"];
const varint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
const fixed32 = 5;

function wireTypeOf(field: DescField): number {
  switch (field.scalar) {
    case undefined:
      return field.message === undefined ? varint : lengthDelimited;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return lengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return fixed64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return fixed32;
    default:
      return varint;
  }
}

interface FieldPlan {
  readonly name: string;
  readonly wireType: number;
  readonly message: DescMessage | undefined;
  /** Whether numbers may come packed in one length-delimited record. */
  readonly packable: boolean;
}

const plans = new WeakMap<DescMessage, Map<number, FieldPlan>>();
function planOf(schema: DescMessage): Map<number, FieldPlan> {
  let plan = plans.get(schema);
  if (plan === undefined) {
    plan = new Map(
      schema.fields.map((field) => {
        const wireType = wireTypeOf(field);
        const packable = field.fieldKind === "list" && wireType !== lengthDelimited;
        return [field.number, { name: field.name, wireType, message: field.message, packable }];
      }),
    );
    plans.set(schema, plan);
  }
  return plan;
}

class Scan {
  private position = 0;
  private cost = 0;
  private readonly path: string[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly where: string,
    private readonly memory: number,
  ) {}

  message(schema: DescMessage, end: number): void {
    if (this.path.length >= maxDepth) {
      throw this.error(`at most ${maxDepth} messages inside each other`, "deeper nesting");
    }
    this.spend(messageCost);
    const plan = planOf(schema);
    while (this.position < end) {
      const tag = this.varint(end);
      const wireType = tag % 8;
      const number = Math.floor(tag / 8);
      const field = plan.get(number);
      if (number < 1 || number > 0x1fffffff || wireNames[wireType] === undefined) {
        throw this.error("a protobuf field", `the tag ${tag}`);
      }
      this.path.push(field?.name ?? `field ${number}`);
      this.value(field, wireType, end);
      this.path.pop();
    }
  }

  private value(field: FieldPlan | undefined, wireType: number, end: number): void {
    const packed = field?.packable === true && wireType === lengthDelimited;
    if (field !== undefined && wireType !== field.wireType && !packed) {
      throw this.error(wireNames[field.wireType] as string, wireNames[wireType] as string);
    }
    if (wireType === varint) {
      this.varint(end);
      this.spend(integerCost);
    } else if (wireType === fixed32 || wireType === fixed64) {
      this.skip(wireType === fixed32 ? 4 : 8, end);
      this.spend(field === undefined ? bytesCost : numberCost);
    } else if (wireType === lengthDelimited) {
      const length = this.varint(end);
      const start = this.position;
      this.skip(length, end);
      if (field?.message !== undefined) {
        this.position = start;
        this.message(field.message, start + length);
      } else if (packed) this.packed(field.wireType, start, length);
      else this.spend(bytesCost);
    } else {
      throw this.error("a field without groups, which ONNX does not use", wireNames[wireType] as string);
    }
  }

  /** Numbers one after the other: their bytes must come out even. */
  private packed(wireType: number, start: number, length: number): void {
    if (wireType !== varint) {
      const size = wireType === fixed32 ? 4 : 8;
      if (length % size !== 0) throw this.error(`a multiple of ${size} bytes`, `${length} bytes`);
      this.spend((length / size) * numberCost);
      return;
    }
    let count = 0;
    let run = 0;
    for (let index = start; index < start + length; index++) {
      run++;
      if ((this.bytes[index] as number) < 0x80) {
        count++;
        run = 0;
      } else if (run === 10) throw this.error("an integer of at most 10 bytes", "a longer one");
    }
    if (run !== 0) throw this.error("whole integers", "one that is cut off");
    this.spend(count * integerCost);
  }

  private varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.position >= end) throw this.truncated(1, 0);
      const byte = this.bytes[this.position++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw this.error("an integer of at most 10 bytes", "a longer one");
  }

  private skip(length: number, end: number): void {
    if (length > end - this.position) throw this.truncated(length, end - this.position);
    this.position += length;
  }

  private spend(cost: number): void {
    this.cost += cost;
    if (this.cost > this.memory) {
      throw this.error(
        `a model whose structure fits in ${Math.round(this.memory / 2 ** 20)} MiB of memory`,
        "one that needs more",
        "if its weights are lists of numbers (float_data), save them as raw_data",
      );
    }
  }

  private truncated(claimed: number, left: number): FormatError {
    const hint = "the file is truncated or not an ONNX model";
    return this.error(`${claimed} more byte${claimed === 1 ? "" : "s"}`, String(left), hint);
  }

  private error(expected: string, received: string, hint = "the file is damaged or not an ONNX model"): FormatError {
    const place =
      this.path.length === 0 ? "" : ` (${this.path.slice(0, 8).join(".")}${this.path.length > 8 ? "..." : ""})`;
    return new FormatError({ where: `${this.where}, byte ${this.position}${place}`, expected, received, hint });
  }
}

/**
 * Checks that the bytes are a well-formed message of the schema.
 *
 * @param memory  heap bytes that decoding it may take
 * @throws FormatError naming the byte and the field
 */
export function scanMessage(bytes: Uint8Array, schema: DescMessage, where: string, memory: number): void {
  new Scan(bytes, where, memory).message(schema, bytes.length);
}
