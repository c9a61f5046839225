// The gradient test harness: what tests of operator rules import.

export { inferTypes } from "./build.js";
export * from "./case.js";
export { checkFold, checkOperator, checkShapes, checkValues } from "./check.js";
export { expectTensor, numbersOf } from "./compare.js";
export {
  anySeed,
  anyShape,
  broadcastingShapes,
  distinctTensor,
  forAll,
  randomIntegers,
  randomTensor,
  uniform,
} from "./random.js";
export { checkStored, type StoredCase, storedCases } from "./stored.js";
