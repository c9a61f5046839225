/** What the catalogue says of a data set; see `catalogue.ts`. */

/** Hash of a whole file. */
export interface Checksum {
  readonly algorithm: "md5" | "sha256";
  /** Lower-case hexadecimal. */
  readonly hex: string;
  /** Who states it: the publisher of the data, or a library whose downloads are checked by it. */
  readonly statedBy: string;
}

/** A file to download. */
export interface CatalogueFile {
  readonly url: string;
  /** What the file is called on disk. */
  readonly name: string;
  /** Absent where it is not known beforehand. */
  readonly bytes?: number;
  /** Absent where none is published; then the length that the server states is all that is checked. */
  readonly checksum?: Checksum;
  /** Archives (.zip, .tar, .tar.gz) are unpacked and removed; other files stay as they are. */
  readonly unpack?: boolean;
  /** Folder inside the data set's own that the archive is unpacked into; default: the folder itself. */
  readonly into?: string;
}

/** What makes the files readable by Offmap, after unpacking. Paths are relative to the data set's folder. */
export type Preparation =
  /** Writes class names beside data files, as `NAME.classes.txt` for each of `files`. */
  | { readonly kind: "class-names"; readonly from: string; readonly files: readonly string[] }
  /** Moves a file or folder, where the archive has it at another place than Offmap reads it from. */
  | { readonly kind: "move"; readonly from: string; readonly to: string }
  /** Turns SVHN's MATLAB file into two arrays, `NAME.npy` and `NAME-labels.npy`. */
  | { readonly kind: "svhn"; readonly file: string };

/** One way to open a fetched data set: `{}` stands for its folder. */
export interface DatasetUse {
  readonly what: string;
  readonly dataset: string;
}

export interface CatalogueEntry {
  readonly name: string;
  readonly title: string;
  /** Page of the publishers. */
  readonly homepage: string;
  readonly licence: string;
  /** Empty where everything is done by hand. */
  readonly files: readonly CatalogueFile[];
  /** What lies in the folder afterwards. */
  readonly layout: string;
  readonly uses: readonly DatasetUse[];
  /** In order. Done again after an interruption, so each must bear that. */
  readonly preparations?: readonly Preparation[];
  /** What the user has to do, in a sentence that starts with a verb; `{}` stands for the data set's folder. */
  readonly byHand?: string;
}
