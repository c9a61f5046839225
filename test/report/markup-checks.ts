/** What tests ask of HTML and SVG text. */
import sharp from "sharp";

/** Draws an SVG with an XML parser and a renderer that are not ours (libxml2, librsvg); throws when it is not well-formed. */
export async function drawSvg(
  svg: string,
): Promise<{ readonly width: number; readonly height: number; readonly data: Buffer }> {
  const { data, info } = await sharp(Buffer.from(svg))
    .flatten({ background: "#ffffff" })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** Reads an SVG with that parser without drawing it; throws when it is not well-formed. */
export async function parseSvg(svg: string): Promise<void> {
  await sharp(Buffer.from(svg)).metadata();
}

/** The attributes of every element of this name, in order. */
export function elements(text: string, name: string): Record<string, string>[] {
  return [...text.matchAll(new RegExp(`<${name}\\b([^>]*)>`, "g"))].map(([, attributes = ""]) =>
    Object.fromEntries([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value])),
  );
}

/** The x and y coordinates of a path made of absolute M, L, H and V commands. */
export function pathPoints(path: string): [x: number, y: number][] {
  let [x, y] = [0, 0];
  return [...path.matchAll(/([MLHV])(-?[\d.]+)(?: (-?[\d.]+))?/g)].map(([, command, first, second]) => {
    if (command === "H") x = Number(first);
    else if (command === "V") y = Number(first);
    else [x, y] = [Number(first), Number(second)];
    return [x, y];
  });
}

const voidElements = new Set(["meta", "link", "img", "br", "hr", "input"]);

/** The first tag of an HTML document that is not closed, or closes what is not open; undefined when all is well. */
export function unbalancedTag(html: string): string | undefined {
  const open: string[] = [];
  const tags =
    /<!DOCTYPE html>|<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>|<style>[^<]*<\/style>|</g;
  for (const [tag, closing, name = "", , selfClosing] of html.matchAll(tags)) {
    if (tag === "<") return `stray < before ${html.slice(0, 40)}`;
    if (name === "" || selfClosing === "/" || voidElements.has(name)) continue;
    if (closing !== "/") open.push(name);
    else if (open.pop() !== name) return tag;
  }
  return open.at(-1);
}
