/** Bytes of a picture as colors. */
import type { NetworkInfo } from '../network/network';

interface Picture {
  bytes: Uint8Array;
  info: NetworkInfo;
}

/** Each pixel in gray, dimmed so that what lies over it stands out. */
export function grayOf({ bytes, info }: Picture): (pixel: number) => string {
  const channels = info.sample[2];
  return (pixel) => {
    const own = bytes.subarray(pixel * channels, (pixel + 1) * channels);
    const gray = Math.round(own.reduce((sum, byte) => sum + byte, 0) / channels);
    return `rgb(${gray} ${gray} ${gray})`;
  };
}

/** Each pixel as it is. */
export function colorOf({ bytes, info }: Picture): (pixel: number) => string {
  const channels = info.sample[2];
  return (pixel) => {
    const own = bytes.subarray(pixel * channels, (pixel + 1) * channels);
    const [red, green = red, blue = red] = own;
    return `rgb(${red} ${green} ${blue})`;
  };
}
