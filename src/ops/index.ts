// The operators Offmap knows. A new family is one file and one line here.
import { activations } from "./activations.js";
import { casting } from "./casting.js";
import { comparisons } from "./comparisons.js";
import { elementwise } from "./elementwise.js";
import { gathering } from "./gathering.js";
import { joining } from "./joining.js";
import { making } from "./making.js";
import { reductions } from "./reductions.js";
import { register } from "./registry.js";
import { reshaping } from "./reshaping.js";
import { unary } from "./unary.js";

register(activations);
register(casting);
register(comparisons);
register(elementwise);
register(gathering);
register(joining);
register(making);
register(reductions);
register(reshaping);
register(unary);

export { AttributeReader } from "./attributes.js";
export * from "./expressions.js";
export { allRules, findRule } from "./registry.js";
export * from "./shapes.js";
export type * from "./types.js";
