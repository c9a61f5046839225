// The operators Offmap knows. A new family is one file and one line here.
import { elementwise } from "./elementwise.js";
import { reductions } from "./reductions.js";
import { register } from "./registry.js";
import { reshaping } from "./reshaping.js";

register(elementwise);
register(reductions);
register(reshaping);

export { AttributeReader } from "./attributes.js";
export * from "./expressions.js";
export { allRules, findRule } from "./registry.js";
export * from "./shapes.js";
export type * from "./types.js";
