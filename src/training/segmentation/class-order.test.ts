import { describe, expect, test } from "vitest";
import { classNamesKey } from "../classifier.js";
import { checkClassOrder } from "./class-order.js";

const layout = ["sky", "building", "road", "car", "person"];
const model = (names?: readonly string[]) => ({
  metadata: new Map(names === undefined ? [] : [[classNamesKey, JSON.stringify(names)]]),
});
const without = (...left: string[]) => ({
  classNames: layout.filter((name) => !left.includes(name)),
  allClasses: layout,
});

describe("a model that remembers its classes", () => {
  test("takes labels that leave out the classes it was trained without, and those behind its own", () => {
    const trained = model(["sky", "building", "car"]);
    expect(() => checkClassOrder(trained, 3, without("road", "person"), "data")).not.toThrow();
    expect(() => checkClassOrder(trained, 3, without("road", "car", "person"), "data")).not.toThrow();
    expect(() => checkClassOrder(trained, 3, { classNames: ["Himmel", "Haus"] }, "data")).not.toThrow();
  });

  test("refuses labels that number its classes otherwise, left out or not", () => {
    const trained = model(layout);
    expect(() => checkClassOrder(trained, 5, without("road"), "data")).toThrow(
      'data: expected class "car" as number 3, which the model\'s output of it has, got number 2, the output of "road"; leave out the classes',
    );
    expect(() => checkClassOrder(trained, 5, { classNames: ["building", "sky"] }, "data")).toThrow('class "building"');
  });
});

describe("a model that does not", () => {
  test("with the outputs of the whole layout takes labels that leave out the last classes alone", () => {
    expect(() => checkClassOrder(model(), 6, without("person"), "data")).not.toThrow();
    expect(() => checkClassOrder(model(), 6, { classNames: layout }, "data")).not.toThrow();
    expect(() => checkClassOrder(model(), 5, without("sky"), "data")).toThrow('class "building" as number 1');
  });

  test("with fewer outputs was trained without them", () => {
    expect(() => checkClassOrder(model(), 4, without("sky"), "data")).not.toThrow();
  });
});
