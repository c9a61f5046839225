// The gradient test harness: what tests of operator rules import.

export { inferFrom, inferTypes } from "./build.js";
export * from "./case.js";
export { checkFold, checkOperator, checkShapes, checkValues } from "./check.js";
export { expectTensor, numbersOf } from "./compare.js";
export {
  anySeed,
  anyShape,
  broadcastingShapes,
  distinctTensor,
  forAll,
  type RandomOptions,
  randomIntegers,
  randomTensor,
  uniform,
} from "./random.js";
export { checkStored, type StoredCase, storedCases } from "./stored.js";
