/** Operators that were renamed, and those whose old form has no counterpart. */
import { cannotUpgrade, type UpgradeRule } from "./context.js";

/** Scatter is ScatterElements since 11. */
export const scatter: UpgradeRule = {
  ops: ["Scatter"],
  until: 11,
  rewrite: (node) => [{ ...node, op: "ScatterElements" }],
};

/** Scan 8 ran over a batch of sequences of different lengths. */
export const scan: UpgradeRule = {
  ops: ["Scan"],
  until: 9,
  rewrite(node, context) {
    throw cannotUpgrade(node, context, "Scan of operator set 8 has a batch axis, which later ones do not");
  },
};
