import { FormatError } from "../errors.js";
import type { Attribute, Attributes, Tensor } from "../onnx/types.js";

/** Reads a node's attributes with their types checked; a missing attribute without a default is an error that names the node. */
export class AttributeReader {
  constructor(
    readonly all: Attributes,
    private readonly where: string,
  ) {}

  has(name: string): boolean {
    return this.all[name] !== undefined;
  }

  int(name: string, fallback?: number): number {
    return this.read(name, "int", fallback);
  }

  float(name: string, fallback?: number): number {
    return this.read(name, "float", fallback);
  }

  string(name: string, fallback?: string): string {
    return this.read(name, "string", fallback);
  }

  ints(name: string, fallback?: readonly number[]): readonly number[] {
    return this.read(name, "ints", fallback);
  }

  floats(name: string, fallback?: readonly number[]): readonly number[] {
    return this.read(name, "floats", fallback);
  }

  tensor(name: string, fallback?: Tensor): Tensor {
    return this.read(name, "tensor", fallback);
  }

  private read<K extends Attribute["kind"], T>(name: string, kind: K, fallback: T | undefined): T {
    const attribute = this.all[name];
    if (attribute === undefined) {
      if (fallback !== undefined) return fallback;
      throw new FormatError({ where: this.where, expected: `an attribute "${name}" (${kind})`, received: "none" });
    }
    if (attribute.kind !== kind || !("value" in attribute)) {
      throw new FormatError({
        where: this.where,
        expected: `attribute "${name}" of kind ${kind}`,
        received: `kind ${attribute.kind}`,
      });
    }
    return attribute.value as T;
  }
}
