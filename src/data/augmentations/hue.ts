const { fround } = Math;

/**
 * Turns the hue as torchvision's `adjust_hue` does on PIL images: to Pillow's HSV in bytes, the hue byte moved on by
 * `int(255 · turn)` with wrap-around, and back. Equals Pillow 9.4 byte for byte (test/reference/augmentations.py); the way
 * over bytes of HSV loses a little even for a turn of 0.
 *
 * @param rgb   one image, three planes of bytes; changed in place
 * @param turn  part of the colour circle, in [-0.5, 0.5]
 */
export function adjustHue(rgb: Uint8Array, turn: number): void {
  if (!filled) fillTables();
  const plane = rgb.length / 3;
  const shift = Math.trunc(turn * 255) & 255;
  for (let pixel = 0; pixel < plane; pixel++) {
    const red = rgb[pixel] as number;
    const green = rgb[pixel + plane] as number;
    const blue = rgb[pixel + 2 * plane] as number;
    // Branch by branch, as this is where the time goes.
    let order = 0;
    let most = red;
    let middle = green;
    let least = blue;
    if (red >= green) {
      if (green < blue) {
        least = green;
        if (red >= blue) {
          order = 1;
          middle = blue;
        } else {
          order = 4;
          most = blue;
          middle = red;
        }
      }
    } else if (green >= blue) {
      most = green;
      if (blue >= red) {
        order = 2;
        middle = blue;
        least = red;
      } else {
        order = 3;
        middle = red;
      }
    } else {
      order = 5;
      most = blue;
      least = red;
    }
    const range = most - least;
    // A grey has no hue.
    if (range === 0) continue;
    const hue = ((hues[(order << 16) | (range << 8) | (middle - least)] as number) + shift) & 255;
    const saturation = saturations[(most << 8) | range] as number;
    const sixth = sixths[hue] as number;
    rgb[pixel + plane * (mostPlane[sixth] as number)] = most;
    rgb[pixel + plane * (leastPlane[sixth] as number)] = lows[(most << 8) | saturation] as number;
    rgb[pixel + plane * (middlePlane[sixth] as number)] = most * (shares[(hue << 8) | saturation] as number) + 0.5;
  }
}

// Which plane is the brightest, the darkest and the one between, in each sixth of the colour circle from red on.
const mostPlane = Uint8Array.of(0, 1, 1, 2, 2, 0);
const middlePlane = Uint8Array.of(1, 0, 2, 1, 0, 2);
const leastPlane = Uint8Array.of(2, 2, 0, 0, 1, 1);

/** Which sixth of the colour circle each hue byte lies in. */
const sixths = Uint8Array.from({ length: 256 }, (_, hue) => Math.floor((hue * 6) / 255) % 6);

// Every value that Pillow's conversions take, in the float32 steps of its C code: 1 MiB, filled when first needed.
let filled = false;
/** Hue byte by order of the channels, `most - least`, and `middle - least`. */
const hues = new Uint8Array(6 << 16);
/** Saturation byte by `most` and `most - least`. */
const saturations = new Uint8Array(1 << 16);
/** Darkest channel by brightest one and saturation byte. */
const lows = new Uint8Array(1 << 16);
/** Middle channel over brightest one, by hue and saturation byte. */
const shares = new Float64Array(1 << 16);

function fillTables(): void {
  filled = true;
  for (let range = 1; range < 256; range++) {
    for (let middle = 0; middle <= range; middle++) {
      const distance = fround((range - middle) / range);
      // How far the colour is from red, in sixths of the circle; the channel that is least has a distance of 1, the most 0.
      const turns = [
        1 - distance,
        distance - 1,
        2 + 1 - distance,
        2 + distance - 1,
        4 + 1 - distance,
        4 + distance - 1,
      ];
      turns.forEach((turn, order) => {
        const hue = fround(turn) / 6 + 1;
        hues[(order << 16) | (range << 8) | middle] = fround(hue >= 1 ? hue - 1 : hue) * 255;
      });
    }
    for (let most = range; most < 256; most++) saturations[(most << 8) | range] = fround(range / most) * 255;
  }
  for (let byte = 0; byte < 256; byte++) {
    const saturation = fround(byte / 255);
    for (let most = 0; most < 256; most++) lows[(most << 8) | byte] = most * (1 - saturation) + 0.5;
    for (let hue = 0; hue < 256; hue++) {
      const place = fround((hue * 6) / 255 - Math.floor((hue * 6) / 255));
      const falling = (sixths[hue] as number) % 2 === 1;
      shares[(hue << 8) | byte] = falling ? 1 - fround(saturation * place) : 1 - saturation * (1 - place);
    }
  }
}
