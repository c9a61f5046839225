/** The size of images on the command line, for models that take any. */
import type { Size } from "../data/index.js";
import { OptionError } from "../errors.js";
import type { Parser } from "./parsers.js";

/** `HEIGHTxWIDTH`, as in datasets. */
export const sizeParser: Parser<Size> = {
  async parse(given, where) {
    const { parseSize } = await import("../data/dataset-options.js");
    return parseSize(given.trim(), where);
  },
};

/**
 * The model's own size, or the one asked for where it takes any.
 *
 * @param shape  channels, height and width that the model takes; undefined where it takes any
 * @throws OptionError for none where one is needed, and for another one than the model's
 */
export function sizeFor([, height, width]: readonly (number | undefined)[], asked: Size | undefined): Size {
  const size = { height: height ?? asked?.height, width: width ?? asked?.width };
  if (size.height === undefined || size.width === undefined) {
    throw new OptionError({
      where: "--size",
      expected: "HEIGHTxWIDTH of the images, as the model takes any",
      received: "none",
    });
  }
  if (asked !== undefined && (asked.height !== size.height || asked.width !== size.width)) {
    throw new OptionError({
      where: "--size",
      expected: `nothing, or ${size.height}x${size.width}, which the model takes`,
      received: `${asked.height}x${asked.width}`,
    });
  }
  return { height: size.height, width: size.width };
}
