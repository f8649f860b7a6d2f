/**
 * DVS128 Gesture (Amir et al., CVPR 2017): 122 AEDAT 3.1 recordings of 29 people. The official lists
 * trials_to_train.txt and trials_to_test.txt name those of each split, and a csv for each recording gives gestures and
 * times.
 */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { readAedat31 } from '../../datasets/aedat31';
import { dataSets } from '../../datasets/data_sets';
import { DatasetError } from '../../datasets/dataset_error';
import { type DvsGestureLabel, readDvsGestureLabels } from '../../datasets/dvs_gesture_labels';
import { cutEvents, type Events } from '../../datasets/events';
import { errorCode } from '../files/files';
import { inParallel } from '../files/in_parallel';
import type { SplitOptions } from './dataset';
import { type EventDataset, type EventOptions, eventDataset } from './event_set';
import type { Recordings } from './frames_cache';
import { type DatasetInfo, missing } from './info';

export const dvs128GestureInfo: DatasetInfo = {
  name: 'dvs128gesture',
  title: 'DVS128 Gesture (Amir et al., 2017)',
  home: 'https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8/folder/50167556794',
  terms: 'CC BY 4.0',
  classNames: [
    ...['hand clapping', 'right hand wave', 'left hand wave', 'right arm clockwise'],
    ...['right arm counter clockwise', 'left arm clockwise', 'left arm counter clockwise'],
    ...['arm roll', 'air drums', 'air guitar', 'other gestures'],
  ],
  samples: dataSets.dvs128gesture.samples,
  archives: [
    {
      file: 'DvsGesture.tar.gz',
      urls: [], // The page requires a person.
      hash: { algorithm: 'md5', digest: '8a5c71fb11e24e5ca5b11866ca6c00a1' },
      place: (path) =>
        /(?:^|\/)(user\d+_\w+\.aedat|user\d+_\w+_labels\.csv|trials_to_(?:train|test)\.txt)$/.exec(
          path,
        )?.[1] ?? null,
      files: 246,
    },
  ],
  layout:
    'trials_to_train.txt, trials_to_test.txt, and user01_led.aedat, user01_led_labels.csv, ...',
};

/**
 * Frames `[T, 128, 128, 2]` of one gesture each, cut from recordings as in SpikingJelly: events with start <= t < end
 * of its row, even if rows overlap (some do), whatever the valid bit, in file order. Labels are the csv's minus one.
 *
 * ```ts
 * const test = await dvs128Gesture({split: 'test', frames: 16, splitBy: 'number'});
 * ```
 */
export function dvs128Gesture(options: EventOptions): Promise<EventDataset> {
  return eventDataset(dvs128GestureInfo, options, list);
}

interface Trial extends DvsGestureLabel {
  file: string;
}

async function list(root: string, { split, partial = false }: SplitOptions): Promise<Recordings> {
  const trials: Trial[] = [];
  const names = trialNames(await readText(root, `trials_to_${split}.txt`), split);
  const present = partial ? await fs.readdir(root) : names;
  const files = names.filter((name) => present.includes(name));
  const csvs = await inParallel(files, (file) =>
    readText(root, file.replace(/\.aedat$/, '_labels.csv')),
  );
  for (const [i, file] of files.entries()) {
    try {
      trials.push(...readDvsGestureLabels(csvs[i]).map((row) => ({ file, ...row })));
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      throw new DatasetError(`${file.replace(/\.aedat$/, '_labels.csv')}: ${error.message}`);
    }
  }
  const sizes = await inParallel(files, async (file) => {
    const stats = await fs.stat(join(root, file)).catch((error) => {
      throw errorCode(error) === 'ENOENT' ? missing(dvs128GestureInfo, file, root) : error;
    });
    return stats.size;
  });
  const recording = lastRecording(root);
  return {
    source: { dataset: 'dvs128gesture', split, invalid: 'keep', nonMonotonic: 'keep' },
    files: files.map((path, i) => ({ path, bytes: sizes[i] })),
    samples: trials.map(({ file, class: gesture, start, end }) => ({
      name: `${file} from ${start} to ${end}`,
      label: gesture - 1,
    })),
    async readEvents(index) {
      const { file, start, end } = trials[index];
      return cutEvents(await recording(file), start, end);
    },
  };
}

export function parseDvsGesture(bytes: Uint8Array): Events {
  return readAedat31(bytes, { invalid: 'keep', nonMonotonic: 'keep' });
}

/** Reads recordings, and keeps the last one: its dozen gestures are read one after another. */
function lastRecording(root: string): (file: string) => Promise<Events> {
  let kept: { file: string; events: Promise<Events> } | undefined;
  const read = async (file: string): Promise<Events> =>
    parseDvsGesture(await fs.readFile(join(root, file)));
  return (file) => {
    if (kept?.file !== file) kept = { file, events: read(file) };
    return kept.events;
  };
}

async function readText(root: string, file: string): Promise<string> {
  try {
    return await fs.readFile(join(root, file), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw missing(dvs128GestureInfo, file, root);
    throw error;
  }
}

/** The recordings that a list names, one per line. */
function trialNames(text: string, split: string): string[] {
  const names = text.split(/\r?\n/).map((line) => line.trim());
  const wrong = names.find((name) => name !== '' && !/^user\d+_\w+\.aedat$/.test(name));
  if (wrong !== undefined) {
    throw new DatasetError(
      `a line of trials_to_${split}.txt must be a name such as user01_led.aedat, but is '${wrong.slice(0, 60)}'`,
    );
  }
  return names.filter((name) => name !== '');
}
