"""CIFAR binary files: per image one label byte, then the red, green and blue planes of 32x32, row by row."""
import numpy as np

SIDE = 32
PLANES = 3 * SIDE * SIDE


def read_cifar(path):
    """Labels int64 [N] and images uint8 [N, 3, 32, 32]."""
    records = np.fromfile(path, np.uint8).reshape(-1, 1 + PLANES)
    return records[:, 0].astype(np.int64), records[:, 1:].reshape(-1, 3, SIDE, SIDE)


def write_cifar(path, labels, images):
    np.concatenate([labels.astype(np.uint8)[:, None], images.reshape(-1, PLANES)], 1).tofile(path)


def structured_noise(count, seed, frequencies=(1, 3), classes=10):
    """Labels and images that look like something: a few plane waves per image, whose directions depend on its class, and noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    images = np.empty((count, 3, SIDE, SIDE))
    for i, label in enumerate(labels):
        for channel in range(3):
            angle = np.pi * label / classes + channel
            frequency = random.uniform(*frequencies)
            wave = np.sin(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)) + random.uniform(0, 6))
            images[i, channel] = 128 + random.uniform(30, 90) * wave + random.normal(0, 12, (SIDE, SIDE))
    return labels.astype(np.int64), np.clip(np.rint(images), 0, 255).astype(np.uint8)
