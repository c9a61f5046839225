import type { OperatorRule } from "./types.js";

const rules = new Map<string, OperatorRule>();

/** Makes rules known; `index.ts` calls it once for every family. */
export function register(family: readonly OperatorRule[]): void {
  for (const rule of family) rules.set(rule.op, rule);
}

/** The rule for an operator of the standard domain, or undefined when Offmap has none. */
export function findRule(op: string): OperatorRule | undefined {
  return rules.get(op);
}

/** Every rule, by operator name. */
export function allRules(): OperatorRule[] {
  return [...rules.values()].sort((a, b) => (a.op < b.op ? -1 : 1));
}
