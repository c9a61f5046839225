import type { OperatorRule } from "./types.js";

const rules = new Map<string, OperatorRule>();

/** Makes rules known; `index.ts` calls it once for every family. */
export function register(family: readonly OperatorRule[]): void {
  for (const rule of family) rules.set(keyOf(rule.op, rule.domain), rule);
}

const keyOf = (op: string, domain = "") => (domain === "" ? op : `${domain}.${op}`);

/** The rule for an operator, of the standard domain unless another is named; undefined when Offmap has none. */
export function findRule(op: string, domain = ""): OperatorRule | undefined {
  return rules.get(keyOf(op, domain));
}

/** Every operator of the standard domain that training goes through, by name. */
export function allRules(): OperatorRule[] {
  return standard().filter(({ gradient }) => !("missing" in gradient));
}

/** Names of the operators of the standard domain that only what is frozen may have. */
export function frozenOnlyOperators(): string[] {
  return standard().flatMap(({ op, gradient }) => ("missing" in gradient ? [op] : []));
}

const standard = () =>
  [...rules.values()].filter(({ domain = "" }) => domain === "").sort((a, b) => (a.op < b.op ? -1 : 1));
