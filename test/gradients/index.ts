// The gradient test harness: what tests of operator rules import.
//
//   await checkOperator({ op: "Gather", inputs: [differentiated(randomTensor([3, 4], 1)), fed(indices)], attributes: { axis: int(1) } });
//   await checkFold({ op: "Add", inputs: [constant(a), constant(b)] });
//   test.each(storedCases("gathering"))("$op equals PyTorch: $name", checkStored);   // made by test/reference/operators.py

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
