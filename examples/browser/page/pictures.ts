/** Pictures from files and cameras, as the bytes that a network takes. */
import type { NetworkInfo } from '../network/network';

/** Of the gray of a picture: above it, a drawing is taken to be dark ink on bright paper. */
const PAPER = 127;

type Source = ImageBitmap | HTMLVideoElement;

/** @throws if the file is no picture that this browser reads */
export async function pictureOf(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name} must be a picture, such as PNG or JPEG`);
  }
}

/** The largest part of the network's proportions in the middle, at its size; as it is, if it has that size. */
export function bytesOf(source: Source, { sample }: NetworkInfo): Uint8Array {
  const [height, width, channels] = sample;
  const [wide, high] =
    source instanceof HTMLVideoElement
      ? [source.videoWidth, source.videoHeight]
      : [source.width, source.height];
  const scale = Math.min(wide / width, high / height);
  const [cutWide, cutHigh] = [width * scale, height * scale];
  const context = Object.assign(document.createElement('canvas'), { width, height }).getContext(
    '2d',
  );
  if (!context) throw new Error('This browser must have a 2d canvas, but has none');
  context.imageSmoothingQuality = 'high';
  context.drawImage(
    source,
    ...([(wide - cutWide) / 2, (high - cutHigh) / 2, cutWide, cutHigh] as const),
    ...([0, 0, width, height] as const),
  );
  const { data } = context.getImageData(0, 0, width, height);
  if (channels === 3) return Uint8Array.from(data.filter((_, i) => i % 4 < 3));
  const gray = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.round((data[4 * i]! + data[4 * i + 1]! + data[4 * i + 2]!) / 3),
  );
  const mean = gray.reduce((sum, byte) => sum + byte, 0) / gray.length;
  return mean > PAPER ? gray.map((byte) => 255 - byte) : gray;
}

/** A camera's picture in a video element; `stop` turns the camera off. */
export async function openCamera(video: HTMLVideoElement): Promise<{ stop: () => void }> {
  const stream = await navigator.mediaDevices
    .getUserMedia({ video: { facingMode: 'environment' } })
    .catch((error: Error) => {
      throw new Error(`The camera must be allowed and free, but: ${error.message}`);
    });
  video.srcObject = stream;
  await video.play();
  return {
    stop() {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    },
  };
}
