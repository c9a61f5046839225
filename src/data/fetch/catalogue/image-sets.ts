/** Data sets of single images: what classifiers are trained and tested on, and the outliers. */
import type { CatalogueEntry } from "../types.js";

const torchvision = "torchvision";
const tensorflow = "TensorFlow Datasets";
const pytorchOod = "pytorch-ood";

export const imageSets: readonly CatalogueEntry[] = [
  {
    name: "cifar10",
    title: "CIFAR-10, binary version",
    homepage: "https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated; cite Krizhevsky, 2009",
    files: [
      {
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        name: "cifar-10-binary.tar.gz",
        bytes: 170052171,
        checksum: { algorithm: "md5", hex: "c32a1d4ab5d03f1284b67883e8d87530", statedBy: "publisher" },
        unpack: true,
      },
    ],
    layout: "cifar-10-batches-bin/: data_batch_1.bin to data_batch_5.bin, test_batch.bin",
    preparations: [
      {
        kind: "class-names",
        from: "cifar-10-batches-bin/batches.meta.txt",
        files: ["cifar-10-batches-bin/data_batch_1.bin", "cifar-10-batches-bin/test_batch.bin"],
      },
    ],
    uses: [
      {
        what: "training images",
        dataset: `cifar:${[1, 2, 3, 4, 5].map((part) => `{}/cifar-10-batches-bin/data_batch_${part}.bin`).join(",")}`,
      },
      { what: "test images", dataset: "cifar:{}/cifar-10-batches-bin/test_batch.bin" },
    ],
  },
  {
    name: "cifar100",
    title: "CIFAR-100, binary version",
    homepage: "https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated; cite Krizhevsky, 2009",
    files: [
      {
        url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        name: "cifar-100-binary.tar.gz",
        bytes: 168513733,
        checksum: { algorithm: "md5", hex: "03b5dce01913d631647c71ecec9e9cb8", statedBy: "publisher" },
        unpack: true,
      },
    ],
    layout: "cifar-100-binary/: train.bin, test.bin",
    preparations: [
      {
        kind: "class-names",
        from: "cifar-100-binary/fine_label_names.txt",
        files: ["cifar-100-binary/train.bin", "cifar-100-binary/test.bin"],
      },
    ],
    uses: [
      { what: "training images", dataset: "cifar:{}/cifar-100-binary/train.bin" },
      { what: "test images", dataset: "cifar:{}/cifar-100-binary/test.bin" },
    ],
  },
  {
    name: "svhn",
    title: "Street View House Numbers, cropped digits, test set",
    homepage: "http://ufldl.stanford.edu/housenumbers/",
    licence: "non-commercial use",
    files: [
      {
        url: "http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
        name: "test_32x32.mat",
        bytes: 64275384,
        checksum: {
          algorithm: "sha256",
          hex: "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
          statedBy: torchvision,
        },
      },
    ],
    layout: "test_32x32.mat, and test_32x32.npy with test_32x32-labels.npy made from it",
    preparations: [{ kind: "svhn", file: "test_32x32.mat" }],
    uses: [{ what: "test images", dataset: "npy:{}/test_32x32.npy,{}/test_32x32-labels.npy" }],
  },
  {
    name: "textures",
    title: "Describable Textures Dataset (DTD) r1.0.1",
    homepage: "https://www.robots.ox.ac.uk/~vgg/data/dtd/",
    licence: "research purposes",
    files: [
      {
        url: "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
        name: "dtd-r1.0.1.tar.gz",
        bytes: 625239812,
        checksum: {
          algorithm: "sha256",
          hex: "e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205",
          statedBy: tensorflow,
        },
        unpack: true,
      },
    ],
    layout: "dtd/images/ with one folder for each of 47 classes, dtd/labels/ with the splits",
    uses: [{ what: "all images", dataset: "folder:{}/dtd/images" }],
  },
  {
    name: "places365",
    title: "Places365, validation images of 256 x 256",
    homepage: "http://places2.csail.mit.edu/download.html",
    licence: "non-commercial research and education",
    files: [
      {
        url: "http://data.csail.mit.edu/places/places365/val_256.tar",
        name: "val_256.tar",
        bytes: 525158400,
        checksum: { algorithm: "md5", hex: "e27b17d8d44f4af9a78502beb927f808", statedBy: torchvision },
        unpack: true,
      },
    ],
    layout: "val_256/ with 36,500 images",
    uses: [{ what: "validation images", dataset: "folder:{}/val_256" }],
  },
  {
    name: "lsun",
    title: "LSUN test images of ODIN: cropped, and resized to 32 x 32",
    homepage: "https://github.com/facebookresearch/odin",
    licence: "none stated; cite Yu et al., 2015",
    files: [
      {
        url: "https://www.dropbox.com/s/fhtsw1m3qxlwj6h/LSUN.tar.gz?dl=1",
        name: "LSUN.tar.gz",
        checksum: { algorithm: "md5", hex: "458a0a0ab8e5f1cb4516d7400568e460", statedBy: pytorchOod },
        unpack: true,
      },
      {
        url: "https://www.dropbox.com/s/moqh2wh8696c3yl/LSUN_resize.tar.gz?dl=1",
        name: "LSUN_resize.tar.gz",
        checksum: { algorithm: "md5", hex: "278b7b31c8cb7e804a1465a8ce03a2dc", statedBy: pytorchOod },
        unpack: true,
      },
    ],
    layout: "LSUN/test/ and LSUN_resize/LSUN_resize/",
    uses: [
      { what: "cropped images", dataset: "folder:{}/LSUN/test?labels=none" },
      { what: "resized images", dataset: "folder:{}/LSUN_resize/LSUN_resize?labels=none" },
    ],
  },
  {
    name: "isun",
    title: "iSUN images of ODIN, resized to 32 x 32",
    homepage: "https://github.com/facebookresearch/odin",
    licence: "none stated; cite Xu et al., 2015",
    files: [
      {
        url: "https://www.dropbox.com/s/ssz7qxfqae0cca5/iSUN.tar.gz?dl=1",
        name: "iSUN.tar.gz",
        checksum: { algorithm: "md5", hex: "be77b0f2c26fda898afac5f99645ee70", statedBy: "detectors" },
        unpack: true,
      },
    ],
    layout: "iSUN/ with 8,925 images in folders below",
    uses: [{ what: "images", dataset: "folder:{}/iSUN?labels=none" }],
  },
  {
    name: "tiny-imagenet",
    title: "Tiny-ImageNet, 200 classes of 64 x 64",
    homepage: "http://cs231n.stanford.edu/",
    licence: "ImageNet's: non-commercial research and education",
    files: [
      {
        url: "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        name: "tiny-imagenet-200.zip",
        bytes: 248100043,
        checksum: { algorithm: "md5", hex: "90528d7ca1a48142e341f4ef8d21d0de", statedBy: "Avalanche" },
        unpack: true,
      },
    ],
    layout:
      "tiny-imagenet-200/: train/ with a folder for each class, val/images/ with val/val_annotations.txt, test/images/",
    uses: [
      { what: "training images", dataset: "folder:{}/tiny-imagenet-200/train" },
      { what: "validation images, without labels", dataset: "folder:{}/tiny-imagenet-200/val/images" },
    ],
  },
  {
    name: "random-images",
    title: "300K Random Images, the auxiliary outliers of Outlier Exposure",
    homepage: "https://github.com/hendrycks/outlier-exposure",
    licence: "none stated; cite Hendrycks et al., 2019",
    files: [
      {
        url: "https://people.eecs.berkeley.edu/~hendrycks/300K_random_images.npy",
        name: "300K_random_images.npy",
        checksum: { algorithm: "md5", hex: "64ca64357de98351f28454274a112dc3", statedBy: pytorchOod },
      },
    ],
    layout: "300K_random_images.npy, uint8 [300000, 32, 32, 3]",
    uses: [{ what: "outliers", dataset: "npy:{}/300K_random_images.npy" }],
  },
  {
    name: "sc-ood",
    title: "SC-OOD benchmark: image lists and images of six OOD sets for CIFAR-10 and CIFAR-100",
    homepage: "https://github.com/Jingkang50/ICCV21_SCOOD",
    licence: "that of each set",
    files: [],
    byHand:
      "download scood_benchmark.zip from Google Drive (https://drive.google.com/file/d/1cbLXZ39xnJjxXnDM7g2KODHIjE0Qj4gu/view, which asks before large files), and unpack it so that {}/data/imglist and {}/data/images are there",
    layout: "data/imglist/benchmark_cifar10/ and benchmark_cifar100/ with lists, data/images/",
    uses: [
      { what: "six OOD sets for CIFAR-10", dataset: "sc-ood:{}?benchmark=cifar10" },
      { what: "six OOD sets for CIFAR-100", dataset: "sc-ood:{}?benchmark=cifar100" },
    ],
  },
];
