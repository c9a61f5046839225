import { segmentationCases } from "./segmentation-cases.js";

/** What a user can get wrong, and what Offmap says to it. Commands run in a folder with the files of `files.ts`, in this order. */
export interface BadInputCase {
  readonly kind: string;
  readonly command: string;
  /** 2 for input the user can correct, 1 for a failure on the way. */
  readonly exitCode: 1 | 2;
  /** The whole line on standard error, after `offmap: `; … stands for numbers that depend on the machine. */
  readonly message: string;
}

/** A run that succeeds, for the cases that continue one. */
export const tuneCommand =
  "offmap tune --model model.onnx --id three-classes --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run";

export const badInputCases: readonly BadInputCase[] = [
  {
    kind: "unknown command",
    command: "offmap tun",
    exitCode: 2,
    message:
      'expected a command (inspect, train, prior, tune, eval, compare, bench, fit, combine, calibrate, export, ensemble, score, metrics, profile, fetch, demo), got "tun"; did you mean tune?',
  },
  {
    kind: "unknown flag",
    command: "offmap tune --modle model.onnx",
    exitCode: 2,
    message: "tune: unknown flag --modle; did you mean --model?",
  },
  {
    kind: "flag without a value",
    command: "offmap tune --model",
    exitCode: 2,
    message: "--model: expected a value (FILE), got nothing",
  },
  {
    kind: "required flag missing",
    command: "offmap prior --model model.onnx",
    exitCode: 2,
    message: "prior: --outliers DS is missing; add it, or see `offmap prior --help`",
  },
  {
    kind: "too many arguments",
    command: "offmap inspect model.onnx truncated.onnx",
    exitCode: 2,
    message: 'inspect: expected one MODEL, got the argument "truncated.onnx"; see `offmap inspect --help`',
  },
  {
    kind: "number out of range",
    command: `${tuneCommand} --lr -1`,
    exitCode: 2,
    message: '--lr: expected a number above 0 and at most 1000, got "-1"',
  },
  {
    kind: "not a number",
    command: `${tuneCommand} --alpha many`,
    exitCode: 2,
    message: '--alpha: expected a number of at least 0 and at most 1000000, got "many"',
  },
  {
    kind: "number with a comma",
    command: `${tuneCommand} --weight 0,1`,
    exitCode: 2,
    message: '--weight: expected a number of at least 0 and at most 1000000, got "0,1"',
  },
  {
    kind: "unknown loss",
    command: `${tuneCommand} --loss balanced-enregy`,
    exitCode: 2,
    message: '--loss: expected one of ce, oe, energy, …, got "balanced-enregy"; did you mean balanced-energy?',
  },
  {
    kind: "unknown score",
    command: "offmap eval --model model.onnx --id three-classes --ood outliers --scores msp,enrgy",
    exitCode: 2,
    message: '--scores: expected one of msp, max-logit, …, got "enrgy"; did you mean energy?',
  },
  {
    kind: "score that was not fitted",
    command: "offmap eval --model model.onnx --id three-classes --ood outliers --scores knn",
    exitCode: 2,
    message:
      "score knn: expected a score that needs nothing but the logits, got one that is fitted to in-distribution data (…); run `offmap fit --model M --id DS --score knn --out knn.onnx`, and give the file with --fit",
  },
  {
    kind: "more neighbours than images",
    command: "offmap fit --model model.onnx --id three-classes --score knn --option k=5000 --out knn.onnx",
    exitCode: 2,
    message:
      "knn score: expected a k of at most …, the number of images in the bank, got 5000; choose a smaller k, or fit it to more images",
  },
  {
    kind: "option that the score does not have",
    command: "offmap fit --model model.onnx --id three-classes --score knn --option neighbours=5 --out knn.onnx",
    exitCode: 2,
    message: "--option neighbours: expected one of k, share, bank, got neighbours",
  },
  {
    kind: "option that is no number",
    command: "offmap fit --model model.onnx --id three-classes --score knn --option k=many --out knn.onnx",
    exitCode: 2,
    message: '--option: expected NAME=NUMBER, such as k=50, got "k=many"',
  },
  {
    kind: "layer that the model does not have",
    command: "offmap fit --model model.onnx --id three-classes --score knn --layer nowhere --out knn.onnx",
    exitCode: 2,
    message:
      "--layer nowhere: expected a float tensor [N, D] or [N, D, H, W] of the model, got no tensor of that name on the way to the logits; name one with --layer: pooled [N, 3, 1, 1], features [N, 3]",
  },
  {
    kind: "layer that the logits are no linear function of",
    command: "offmap fit --model model.onnx --id three-classes --score react --layer pooled --out react.onnx",
    exitCode: 2,
    message:
      'score react: expected the features that the last linear layer takes, got the tensor "pooled", of which the logits are no linear function; leave --layer out, or choose a score that looks at features alone, such as knn or mahalanobis',
  },
  {
    kind: "labels that a score needs and the images lack",
    command: "offmap fit --model model.onnx --id outliers --score mahalanobis --out m.onnx",
    exitCode: 2,
    message: "outliers: expected images with labels, got images without; …",
  },
  {
    kind: "too few images for a rate of false alarms",
    command: "offmap calibrate --model model.onnx --id three-classes --alpha 0.001 --fresh 0",
    exitCode: 2,
    message:
      "calibration images: expected at least 999 for a false-alarm rate of 0.001, got …; give more held-out in-distribution images, or allow a higher rate",
  },
  {
    kind: "fitted score that is another file",
    command: "offmap score photo.png --model model.onnx --fit model.onnx",
    exitCode: 2,
    message:
      "model.onnx: expected a score that `offmap fit` has written, got another ONNX file; run `offmap fit` again",
  },
  {
    kind: "calibration that is another file",
    command: "offmap export --model model.onnx --calibration scores.npy --out guarded.onnx",
    exitCode: 2,
    message:
      "scores.npy: expected a calibration that `offmap calibrate` has written, got …; run `offmap calibrate` again",
  },
  {
    kind: "calibration of another network",
    command: "offmap export --model model.onnx --calibration other-threshold.json --out guarded.onnx",
    exitCode: 2,
    message:
      "--calibration: expected a calibration of this network, got one of a network with other weights or nodes; run `offmap calibrate` with the same --model, and the same --fit or --score",
  },
  {
    kind: "other classes than the model's, for a score that looks at labels",
    command: "offmap fit --model model.onnx --id four-classes --score mahalanobis --out m.onnx",
    exitCode: 2,
    message: "four-classes: expected 3 classes, as the model has outputs, got 4 (…); …",
  },
  {
    kind: "weights for a layer with features",
    command: "offmap fit --model model.onnx --id three-classes --score knn --layer head.weight --out m.onnx",
    exitCode: 2,
    message:
      "--layer head.weight: expected a float tensor [N, D] or [N, D, H, W] of the model, got the constant [3, 3], the same for all images; …",
  },
  {
    kind: "preset of segmentation networks for a classifier",
    command:
      "offmap tune --model model.onnx --id three-classes --outliers outliers --preset paper-cityscapes --out run",
    exitCode: 2,
    message: "--preset paper-cityscapes: expected a segmentation network, which it is for, got an image classifier",
  },
  {
    kind: "unknown preset",
    command: "offmap metrics --id scores.npy --ood scores.npy --preset opennood",
    exitCode: 2,
    message: '--preset: expected one of official, openood, fishyscapes, got "opennood"; did you mean openood?',
  },
  {
    kind: "unknown device",
    command: "offmap score --model model.onnx single.png --device gpu",
    exitCode: 2,
    message: '--device: expected one of cpu, webgpu, cuda, got "gpu"; did you mean cpu?',
  },
  {
    kind: "normalization without standard deviations",
    command: "offmap prior --model model.onnx --outliers outliers --normalize 0.5,0.5,0.5",
    exitCode: 2,
    message:
      '--normalize: expected 0.5,0.45,0.4:0.25,0.2,0.3 (means, a colon, standard deviations, of pixels in [0, 1]), got "0.5,0.5,0.5"',
  },
  {
    kind: "normalization for pixels in 0..255",
    command: "offmap prior --model model.onnx --outliers outliers --normalize 125,123,114:63,62,67",
    exitCode: 2,
    message:
      "--normalize: expected 0.5,0.45,0.4:0.25,0.2,0.3 (means, a colon, standard deviations, of pixels in [0, 1]), got a mean of 125; divide means and standard deviations of pixels in 0..255 by 255",
  },
  {
    kind: "normalization for other channels",
    command: "offmap prior --model model.onnx --outliers outliers --normalize 0.5,0.5:0.2,0.2",
    exitCode: 2,
    message:
      "normalization: expected one mean and standard deviation for each of 3 channels, got 2 and 2; the images have 3 channels",
  },
  {
    kind: "configuration missing",
    command: "offmap tune --config missing.yaml",
    exitCode: 2,
    message: "--config missing.yaml: expected a YAML file, got no such file",
  },
  {
    kind: "configuration with an unknown key",
    command: "offmap tune --config unknown-key.yaml",
    exitCode: 2,
    message: 'unknown-key.yaml, line 3, column 1: unknown option "outlier-bach"; did you mean outlier-batch?',
  },
  {
    kind: "configuration value out of range",
    command: "offmap tune --config range.yaml",
    exitCode: 2,
    message: 'range.yaml, line 2, column 5 (lr): expected a number above 0 and at most 1000, got "-0.1"',
  },
  {
    kind: "configuration key twice",
    command: "offmap tune --config twice.yaml",
    exitCode: 2,
    message: "twice.yaml, line 2, column 1: not valid YAML: Map keys must be unique",
  },
  {
    kind: "configuration not YAML",
    command: "offmap tune --config broken.yaml",
    exitCode: 2,
    message: 'broken.yaml, line 3, column 1: not valid YAML: Missing closing "quote',
  },
  {
    kind: "configuration a list",
    command: "offmap tune --config list.yaml",
    exitCode: 2,
    message: "list.yaml, line 1, column 1: expected options as KEY: VALUE, such as epochs: 5, got a list",
  },
  {
    kind: "configuration switch neither true nor false",
    command: "offmap tune --config switch.yaml",
    exitCode: 2,
    message: 'switch.yaml, line 1, column 13 (no-augment): expected true or false, got "maybe"',
  },
  {
    kind: "model missing",
    command: "offmap inspect missing.onnx",
    exitCode: 2,
    message: "missing.onnx: expected an ONNX file, got no such file",
  },
  {
    kind: "profile of a folder that is no run",
    command: "offmap profile three-classes",
    exitCode: 2,
    message: "three-classes/run.json: expected the record of a run that `offmap tune` finished, got no such file",
  },
  {
    kind: "profile with half a shape",
    command: "offmap profile model.onnx --shape 3,8",
    exitCode: 2,
    message: '--shape: expected channels, height and width, such as 3,224,224, got "3,8"',
  },
  {
    kind: "model a folder",
    command: "offmap inspect three-classes",
    exitCode: 2,
    message: "three-classes: expected an ONNX file, got a directory; give the .onnx file inside it",
  },
  {
    kind: "model empty",
    command: "offmap inspect empty.onnx",
    exitCode: 2,
    message: "empty.onnx: expected an ONNX model, got an empty file",
  },
  {
    kind: "model a text",
    command: "offmap inspect text.onnx",
    exitCode: 2,
    message:
      "text.onnx, byte 1 (metadata_props): expected a length and content, got a group end; the file is damaged or not an ONNX model",
  },
  {
    kind: "model truncated",
    command: "offmap inspect truncated.onnx",
    exitCode: 2,
    message:
      "truncated.onnx, byte 11 (graph): expected 318 more bytes, got 156; the file is truncated or not an ONNX model",
  },
  {
    kind: "model with a cycle",
    command: "offmap inspect cyclic.onnx",
    exitCode: 2,
    message: 'cyclic.onnx: the graph has a cycle through node "/Flatten" (Flatten) by the tensor "features"',
  },
  {
    kind: "model without its weights",
    command: "offmap inspect dangling.onnx",
    exitCode: 2,
    message: 'dangling.onnx: node "/Gemm" (Gemm) reads "head.weight", which is no node\'s output, initializer or input',
  },
  {
    kind: "model that claims 16 TB",
    command: "offmap inspect hostile.onnx",
    exitCode: 2,
    message:
      'hostile.onnx, initializer "head.weight": expected 16000000000000 bytes of data for float [2000000, 2000000], got 36',
  },
  {
    kind: "model of an old operator set",
    command: "offmap inspect old.onnx",
    exitCode: 2,
    message: "old.onnx: expected a model of operator set 7 to 26, got 6; export it again with a newer opset_version",
  },
  {
    kind: "model with two inputs",
    command: "offmap score --model two-inputs.onnx single.png",
    exitCode: 2,
    message: "two-inputs.onnx: expected one input that takes images, got 2 inputs (image, mask)",
  },
  {
    kind: "model that takes no images",
    command: "offmap score --model no-images.onnx single.png",
    exitCode: 2,
    message: 'no-images.onnx, input "image": expected images [N, channels, height, width], got [N, 192]',
  },
  {
    kind: "model with an unknown operator on the gradient path",
    command:
      "offmap tune --model unknown-operator.onnx --id three-classes --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run",
    exitCode: 2,
    message:
      'node "/FancyNorm" (FancyNorm): Offmap has no rule for the operator com.example.FancyNorm; docs/operators.md lists those it has, for frozen parts and for training; export the model with others',
  },
  {
    kind: "model whose output is no row of logits",
    command:
      "offmap tune --model segmentation.onnx --task classification --id three-classes --outliers outliers --steps 1 --batch 2 --out run",
    exitCode: 2,
    message:
      "output \"logits\": expected logits [2, classes] with at least two classes for a batch of 2 images, got [2, 3, 8, 8]; export the model with a dynamic batch dimension (dynamic_axes={'input': {0: 'N'}} in PyTorch)",
  },
  {
    kind: "model without layers",
    command:
      "offmap tune --model no-layers.onnx --id three-classes --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run",
    exitCode: 2,
    message:
      '--train: expected at least one parameter to train, got none for "head"; the model has no weights that training could move',
  },
  {
    kind: "model that gives NaN",
    command: "offmap prior --model overflows.onnx --outliers outliers",
    exitCode: 1,
    message: "outliers/0.png: expected finite logits, got NaN; check --normalize and the model",
  },
  {
    kind: "no parameter of that name",
    command: `${tuneCommand} --train layer4.*`,
    exitCode: 2,
    message:
      '--train: expected at least one parameter to train, got none for "layer4.*"; the model has 1 parameters, for example head.weight; `offmap inspect` lists them',
  },
  {
    kind: "dataset missing",
    command: "offmap prior --model model.onnx --outliers missing",
    exitCode: 2,
    message:
      'dataset "missing": no such file or folder; datasets are written KIND:PATH with KIND one of cifar, folder, list, idx, npy, sheet, or as a path',
  },
  {
    kind: "folder missing",
    command: "offmap prior --model model.onnx --outliers folder:missing",
    exitCode: 2,
    message: "missing: no such file or folder; check the path",
  },
  {
    kind: "folder empty",
    command: "offmap prior --model model.onnx --outliers folder:empty",
    exitCode: 2,
    message:
      "empty: expected images, or a folder of images for each class, got a folder without; images end in .jpg, .png, .webp, .gif, .tiff or .avif",
  },
  {
    kind: "folder without images",
    command: "offmap prior --model model.onnx --outliers no-images",
    exitCode: 2,
    message:
      "no-images: expected images, or a folder of images for each class, got a folder without; images end in .jpg, .png, .webp, .gif, .tiff or .avif",
  },
  {
    kind: "image corrupt",
    command: "offmap prior --model model.onnx --outliers with-corrupt",
    exitCode: 2,
    message:
      "with-corrupt/2.png: the image cannot be decoded (Input buffer has corrupt header:); it is truncated or corrupt: replace or remove the file",
  },
  {
    kind: "image a text",
    command: "offmap score --model model.onnx text.png",
    exitCode: 2,
    message:
      'text.png: expected a JPEG, PNG, GIF, WebP, TIFF, AVIF image, got a text that starts with "this is not an i"; replace or remove the file',
  },
  {
    kind: "image empty",
    command: "offmap score --model model.onnx empty.jpg",
    exitCode: 2,
    message:
      "empty.jpg: expected a JPEG, PNG, GIF, WebP, TIFF, AVIF image, got an empty file; replace or remove the file",
  },
  {
    kind: "image missing",
    command: "offmap score --model model.onnx missing.png",
    exitCode: 2,
    message: "missing.png: no such file or folder; check the path",
  },
  {
    kind: "file of unknown kind",
    command: "offmap prior --model model.onnx --outliers file",
    exitCode: 2,
    message:
      "file: expected a dataset, got a file of unknown kind; say what it is: KIND:PATH with KIND one of cifar, folder, list, idx, npy, sheet",
  },
  {
    kind: "dataset without a path",
    command: "offmap prior --model model.onnx --outliers folder:",
    exitCode: 2,
    message:
      'dataset "folder:": expected KIND:PATH with KIND one of cifar, folder, list, idx, npy, sheet, or a path, got no path',
  },
  {
    kind: "unknown dataset option",
    command: "offmap prior --model model.onnx --outliers outliers?limt=2",
    exitCode: 2,
    message:
      'dataset "outliers?limt=2": expected options of a folder dataset (limit, include, exclude, long-tail, per-class, labels, seed, size, resize), got "limt"',
  },
  {
    kind: "dataset option out of range",
    command: "offmap prior --model model.onnx --outliers outliers?limit=0",
    exitCode: 2,
    message: 'dataset "outliers?limit=0", option limit: expected an integer of at least 1, got "0"',
  },
  {
    kind: "unknown class",
    command: "offmap prior --model model.onnx --outliers three-classes?exclude=wolf",
    exitCode: 2,
    message: 'dataset "three-classes?exclude=wolf": expected one of its classes (cat, dog, fox), got "wolf"',
  },
  {
    kind: "CIFAR file cut",
    command: "offmap prior --model model.onnx --outliers cifar:cut.bin",
    exitCode: 2,
    message:
      "cut.bin: expected a multiple of 3073 bytes (CIFAR-10) or 3074 bytes (CIFAR-100), got 3173 bytes; the file is truncated or not a CIFAR binary file; the Python and MATLAB versions cannot be read",
  },
  {
    kind: "label that is no class",
    command:
      "offmap tune --model model.onnx --id cifar:label-seven.bin --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run",
    exitCode: 2,
    message: "label-seven.bin image 1: expected a label from 0 to 2, as the model has 3 outputs, got 7",
  },
  {
    kind: "IDX file cut",
    command: "offmap prior --model model.onnx --outliers idx:truncated.idx",
    exitCode: 2,
    message: "truncated.idx: expected 272 bytes, as its header says, got 116; the file is truncated or corrupt",
  },
  {
    kind: "IDX file that claims 18 EB",
    command: "offmap prior --model model.onnx --outliers idx:hostile.idx",
    exitCode: 2,
    message: "hostile.idx: expected at least one element and at most 2147483648 bytes, got 4294967295 x 65535 x 65535",
  },
  {
    kind: "IDX labels for other images",
    command:
      "offmap tune --model model.onnx --id idx:images.idx,labels.idx --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run",
    exitCode: 2,
    message: "labels.idx: expected 4 labels, one for each image of images.idx, got 3",
  },
  {
    kind: "image list with a missing image",
    command: "offmap prior --model model.onnx --outliers list.txt",
    exitCode: 2,
    message:
      "list.txt line 2: there is no image missing.png; add ?root=DIR when paths start elsewhere than at the list",
  },
  {
    kind: "image list with a bad label",
    command:
      "offmap tune --model model.onnx --id bad-list.txt --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run",
    exitCode: 2,
    message: 'bad-list.txt line 1: expected an integer label after the path, got "zero"',
  },
  {
    kind: "NaN among the pixels",
    command: "offmap prior --model model.onnx --outliers nan-pixels.npy",
    exitCode: 2,
    message:
      "nan-pixels.npy image 1: expected pixels from 0 to 1, got NaN; divide pixels of 0 to 255 by 255, and do not normalize before saving",
  },
  {
    kind: "pixels out of range",
    command: "offmap prior --model model.onnx --outliers bright-pixels.npy",
    exitCode: 2,
    message:
      "bright-pixels.npy image 0: expected pixels from 0 to 1, got 7; divide pixels of 0 to 255 by 255, and do not normalize before saving",
  },
  {
    kind: "scores missing",
    command: "offmap metrics --id scores.npy --ood missing.npy",
    exitCode: 2,
    message: "missing.npy: no such file or folder; check the path",
  },
  {
    kind: "scores cut",
    command: "offmap metrics --id scores.npy --ood truncated.npy",
    exitCode: 2,
    message: "truncated.npy: expected 16 bytes of data for an array of 4, got 11; the file is truncated or corrupt",
  },
  {
    kind: "scores a text",
    command: "offmap metrics --id scores.npy --ood text.npy",
    exitCode: 2,
    message: "text.npy: expected an NPY file, got something else; save the array with numpy.save",
  },
  {
    kind: "scores in a ZIP archive",
    command: "offmap metrics --id scores.npy --ood archive.npz",
    exitCode: 2,
    message: "archive.npz: expected an NPY file, got a ZIP archive (.npz); save each array on its own with numpy.save",
  },
  {
    kind: "scores that claim 18 GB",
    command: "offmap metrics --id scores.npy --ood hostile.npy",
    exitCode: 2,
    message:
      "hostile.npy: expected 17777777776 bytes of data for an array of 4444444444, got 16; the file is truncated or corrupt",
  },
  {
    kind: "scores integers",
    command: "offmap metrics --id scores.npy --ood integers.npy",
    exitCode: 2,
    message:
      "integers.npy: expected scores as a 1-D array of float32 or float64, got int32 [2]; save scores.ravel().astype('float32') with numpy.save",
  },
  {
    kind: "scores a matrix",
    command: "offmap metrics --id scores.npy --ood matrix.npy",
    exitCode: 2,
    message:
      "matrix.npy: expected scores as a 1-D array of float32 or float64, got float32 [2, 2]; save scores.ravel().astype('float32') with numpy.save",
  },
  {
    kind: "NaN among the scores",
    command: "offmap metrics --id nan-scores.npy --ood scores.npy",
    exitCode: 2,
    message:
      "nan-scores.npy, element 1: expected a finite score, got NaN; find out which image gave it, and leave it out or mend the score",
  },
  {
    kind: "infinite score",
    command: "offmap metrics --id scores.npy --ood infinite-scores.npy",
    exitCode: 2,
    message:
      "infinite-scores.npy, element 2: expected a finite score, got -Infinity; find out which image gave it, and leave it out or mend the score",
  },
  {
    kind: "no scores",
    command: "offmap metrics --id no-scores.npy --ood scores.npy",
    exitCode: 2,
    message: "in-distribution scores: expected at least one score, got none",
  },
  {
    kind: "more classes than the model has (tune)",
    command:
      "offmap tune --model model.onnx --id four-classes --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run",
    exitCode: 2,
    message:
      "four-classes: expected 3 classes, as the model has outputs, got 4 (cat, dog, fox, ...); use the dataset that the model was trained on, with every class in its place",
  },
  {
    kind: "more classes than the model has (eval)",
    command: "offmap eval --model model.onnx --id four-classes --ood outliers",
    exitCode: 2,
    message:
      "four-classes: expected 3 classes, as the model has outputs, got 4 (cat, dog, fox, ...); use the dataset that the model was trained on, with every class in its place",
  },
  {
    kind: "training images without labels",
    command:
      "offmap tune --model model.onnx --id outliers --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out run",
    exitCode: 2,
    message:
      "outliers: expected labelled in-distribution images, got images without labels; put them into one folder per class, or use a list with labels",
  },
  {
    kind: "no outliers",
    command: "offmap tune --model model.onnx --id three-classes --out run",
    exitCode: 2,
    message:
      "--outliers: expected a dataset of outliers for the loss balanced-energy, got none; give a folder of images that show none of the classes, or --loss ce",
  },
  {
    kind: "prior of another model",
    command: `${tuneCommand} --prior prior.json`,
    exitCode: 2,
    message:
      "prior.json: expected one number for each of the model's 3 classes, not all 0, got 2 numbers; measure it again with `offmap prior` on this model",
  },
  {
    kind: "prior not JSON",
    command: `${tuneCommand} --prior broken-prior.json`,
    exitCode: 2,
    message:
      "broken-prior.json: expected a JSON file written by `offmap prior`, got SyntaxError: Expected ',' or ']' after array element in JSON at position 16",
  },
  {
    kind: "two OOD sets of one name",
    command: "offmap eval --model model.onnx --id three-classes --ood a=outliers --ood a=four-classes",
    exitCode: 2,
    message: '--ood: expected a different name for every OOD set, got "a" twice; write --ood NAME=DS',
  },
  {
    kind: "two OOD sets of one name (calibrate)",
    command:
      "offmap calibrate --model model.onnx --id three-classes --alpha 0.5 --fresh 0 --ood outliers --ood outliers?limit=1",
    exitCode: 2,
    message: '--ood: expected a different name for every OOD set, got "outliers" twice; write --ood NAME=DS',
  },
  {
    kind: "OOD set without a dataset",
    command: "offmap eval --model model.onnx --id three-classes --ood textures=",
    exitCode: 2,
    message: '--ood: expected NAME=DS or DS, such as textures=folder:dtd, got "textures="',
  },
  {
    kind: "model compared with itself",
    command: "offmap eval --model model.onnx --baseline model.onnx --id three-classes --ood outliers",
    exitCode: 2,
    message: "--baseline: expected every model once, got model.onnx twice",
  },
  {
    kind: "output folder a file (tune)",
    command:
      "offmap tune --model model.onnx --id three-classes --outliers outliers --steps 1 --batch 2 --outlier-batch 2 --out file",
    exitCode: 2,
    message:
      "--out: expected a folder that exists or can be made, got file, where a file of that name exists; choose another place",
  },
  {
    kind: "output folder below a file (eval)",
    command: "offmap eval --model model.onnx --id three-classes --ood outliers --out file/results",
    exitCode: 2,
    message:
      "--out: expected a folder that exists or can be made, got file/results, where part of the path is a file; choose another place",
  },
  {
    kind: "output file in a missing folder",
    command: "offmap prior --model model.onnx --outliers outliers --out missing/prior.json",
    exitCode: 2,
    message:
      "--out: expected a file in an existing folder, got missing/prior.json, whose folder does not exist; make the folder first",
  },
  {
    kind: "output over the model (tune)",
    command: "offmap tune --model model.onnx --id three-classes --outliers outliers --steps 1 --out .",
    exitCode: 2,
    message: "--out: expected another folder than that of the model, which would be written over, got model.onnx",
  },
  {
    kind: "output over the model (fit)",
    command: "offmap fit --model model.onnx --id three-classes --score knn --out model.onnx",
    exitCode: 2,
    message:
      "--out: expected a place where nothing that is read would be written over, got model.onnx; choose another name or folder",
  },
  {
    kind: "output folder below a file (demo)",
    command: "offmap demo --out file/demo",
    exitCode: 2,
    message:
      "--out: expected a folder that exists or can be made, got file/demo, where part of the path is a file; choose another place",
  },
  {
    kind: "data set whose licence must be accepted",
    command: "offmap fetch cityscapes --root data",
    exitCode: 2,
    message:
      "cityscapes: this data set cannot be fetched without you; register at https://www.cityscapes-dataset.com/, download leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, and unpack both into data/cityscapes",
  },
  {
    kind: "SC-OOD without a benchmark",
    command: "offmap eval --model model.onnx --id three-classes --ood sc-ood:sc",
    exitCode: 2,
    message: 'dataset "sc-ood:sc": expected the benchmark: sc-ood:ROOT?benchmark=cifar10 or cifar100, got none',
  },
  {
    kind: "nothing to resume",
    command: `${tuneCommand} --resume`,
    exitCode: 2,
    message: "--resume: expected a checkpoint at run/checkpoint.onnx, got none; start without --resume",
  },
  {
    kind: "resume with other options",
    command: `${tuneCommand} --lr 0.5 --resume`,
    exitCode: 2,
    message:
      "--resume: expected the options, model and data the checkpoint was made with, got learningRate 0.5 instead of 0.001; repeat the original command with --resume added, or choose another --out",
  },
  {
    kind: "loss becomes infinite",
    command:
      "offmap tune --model model.onnx --id three-classes --outliers outliers --steps 400 --batch 2 --outlier-batch 2 --out run --lr 1000 --weight 1000000 --train all",
    exitCode: 1,
    message:
      "step …: the loss became … (cross entropy …, regularization …); start again, without --resume, with a lower --lr or --weight, margins near the model's own energies (--m-in auto --m-out auto), or --bn batch",
  },
  {
    kind: "steps and epochs",
    command: `${tuneCommand} --epochs 3`,
    exitCode: 2,
    message: "training: expected either --steps or --epochs, got both",
  },
  ...segmentationCases,
];
