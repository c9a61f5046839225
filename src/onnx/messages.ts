/** Helpers for the generated protobuf messages that know nothing of ONNX but the schema. */
import { create, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { ModelProto, StringStringEntryProto, TensorProto } from "./onnx_pb.js";
import { file_onnx, TensorProtoSchema } from "./onnx_pb.js";

/**
 * A copy of a message with some fields replaced; everything else, unknown fields included, is shared with the original. Without an original it
 * is a new message. A field given as undefined is cleared; an empty string does not make an absent field present.
 */
export function derive<Schema extends DescMessage>(
  schema: Schema,
  original: MessageShape<Schema> | undefined,
  changes: { readonly [Field in keyof MessageShape<Schema>]?: MessageShape<Schema>[Field] | undefined },
): MessageShape<Schema> {
  const copy = Object.assign(create(schema), original);
  for (const [field, value] of Object.entries(changes)) {
    if (value === undefined) delete copy[field as keyof typeof copy];
    else if (value !== "" || copy[field as keyof typeof copy] !== "") Object.assign(copy, { [field]: value });
  }
  return copy;
}

/** Whether an optional field is present, as opposed to reading as its default. */
export function has<M extends Message>(message: M, field: keyof M): boolean {
  return Object.hasOwn(message, field);
}

/** The first value of each key. */
export function entriesOf(list: readonly StringStringEntryProto[]): Map<string, string> {
  return new Map(list.toReversed().map(({ key, value }) => [key, value]));
}

const schemas = new Map<string, DescMessage>();
function collectSchemas(messages: readonly DescMessage[]): void {
  for (const schema of messages) {
    schemas.set(schema.typeName, schema);
    collectSchemas(schema.nestedMessages);
  }
}
collectSchemas(file_onnx.messages);

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "$typeName" in value;
}

/** Every tensor of a model wherever it hides: initializers, attributes, subgraphs, functions, sparse tensors, training information. */
export function* tensorsIn(message: ModelProto | Message): Generator<TensorProto> {
  if (message.$typeName === TensorProtoSchema.typeName) {
    yield message as TensorProto;
    return;
  }
  for (const field of schemas.get(message.$typeName)?.fields ?? []) {
    if (field.message === undefined || field.oneof !== undefined) continue;
    const value: unknown = message[field.localName as keyof typeof message];
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isMessage(child)) yield* tensorsIn(child);
    }
  }
}
