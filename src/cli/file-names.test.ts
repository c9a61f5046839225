import { expect, test } from "vitest";
import { fileNames } from "./file-names.js";

test.each([
  [
    ["a-2", "a", "a", "b"],
    ["a-2", "a", "a-3", "b"],
  ],
  [
    ["纹理", "场景", "été", "a b", "a/b"],
    ["纹理", "场景", "été", "a_b", "a_b-2"],
  ],
  [
    ["id", "ID", "Id-2"],
    ["id", "ID-2", "Id-2-2"],
  ],
])("things called %j get the files %j", (names, files) => {
  expect(fileNames(names)).toEqual(files);
});
