// The operators Offmap knows. A new family is one file and one line here.
import { elementwise } from "./elementwise.js";
import { register } from "./registry.js";

register(elementwise);

export { AttributeReader } from "./attributes.js";
export * from "./expressions.js";
export { allRules, findRule } from "./registry.js";
export * from "./shapes.js";
export type * from "./types.js";
