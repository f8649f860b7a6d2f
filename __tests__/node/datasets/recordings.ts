/** Small folders of event recordings, laid out as the data sets are. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Random } from '../../../lib/random';
import {
  aedat2File,
  aedat31File,
  ascii,
  dvs128Word,
  nMnistFile,
  type TestEvent,
} from '../../datasets/event_files';

/** Events in order; another `seed`, others. */
export function someEvents(seed: number, count: number, side: number): TestEvent[] {
  const random = new Random(seed, 'recording');
  let t = 0;
  return Array.from({ length: count }, () => {
    t += random.integer(50);
    return { t, x: random.integer(side), y: random.integer(side), p: random.integer(2) };
  });
}

/** How many events frames hold. */
export function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

export function write(root: string, path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

/** The bytes of a CIFAR10-DVS recording. */
export const cifar10DvsFile = (seed: number) =>
  aedat2File(someEvents(seed, 200, 128).map((event) => [dvs128Word(event), event.t] as const));

/** `perClass` recordings in each of the ten classes. */
export function writeCifar10Dvs(root: string, classNames: readonly string[], perClass: number) {
  classNames.forEach((name, label) => {
    for (let i = 0; i < perClass; i++) {
      write(root, `${name}/cifar10_${name}_${i}.aedat`, cifar10DvsFile(label * 1000 + i));
    }
  });
}

/** `perClass` recordings of each digit in each split. */
export function writeNMnist(root: string, perClass: number): void {
  for (const folder of ['Train', 'Test']) {
    for (let i = 0; i < 10 * perClass; i++) {
      const path = `${folder}/${i % 10}/${String(i).padStart(5, '0')}.bin`;
      write(root, path, nMnistFile(someEvents(i + folder.length, 100, 34)));
    }
  }
}

/** Two recordings to train and one to test, of three gestures each; the second and third overlap. */
export function writeGestures(root: string): void {
  const recordings = ['user01_led', 'user02_lab', 'user29_led'];
  recordings.forEach((name, i) => {
    const events = Array.from({ length: 300 }, (_, k) => ({
      t: 1000 + 10 * k,
      x: (k + i) % 128,
      y: k % 128,
      p: k % 2,
      valid: k % 50 !== 3, // kept, as in SpikingJelly
    }));
    write(
      root,
      `${name}.aedat`,
      aedat31File([{ events: events.slice(0, 150) }, { events: events.slice(150) }]),
    );
    const rows = ['1,1000,2000', '9,2000,3200', '11,3000,3900'];
    write(
      root,
      `${name}_labels.csv`,
      ['class,startTime_usec,endTime_usec', ...rows, ''].join('\n'),
    );
  });
  write(root, 'trials_to_train.txt', 'user01_led.aedat\r\nuser02_lab.aedat\r\n\r\n');
  write(root, 'trials_to_test.txt', ascii('user29_led.aedat\n'));
}
