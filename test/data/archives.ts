/** Archives with any names and kinds of entries, for what no packer would make. */
import { deflateRawSync } from "node:zlib";

export interface Packed {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** What the entry is; default a file. */
  readonly kind?: "link" | "hard link" | "folder" | "device";
  /** Length that the directory of a ZIP archive states; default the true one. */
  readonly claimedBytes?: number;
}

const typeFlags = { link: "2", "hard link": "1", folder: "5", device: "3" } as const;

/** A tar archive in the ustar format; links lead to their content. */
export function tarBytes(entries: readonly Packed[]): Buffer {
  const blocks = entries.flatMap(({ name, content = "", kind }) => {
    const isLink = kind === "link" || kind === "hard link";
    const body = isLink ? Buffer.alloc(0) : Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write("0000644\0".repeat(3), 100);
    header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0        ", 136);
    header.write(kind === undefined ? "0" : typeFlags[kind], 156);
    if (isLink) header.write(content as string, 157);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** A ZIP archive, deflated, without checksums, which the reader does not look at; links lead to their content. */
export function zipBytes(entries: readonly Packed[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content = "", kind, claimedBytes } of entries) {
    const body = Buffer.from(content);
    const packed = deflateRawSync(body);
    const title = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimedBytes ?? body.length, 18);
    common.writeUInt16LE(title.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, title, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((kind === "link" ? 0o120777 : 0o100644) * 0x10000, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03"), common, rest, title]));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}
