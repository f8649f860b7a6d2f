/** ImageNet-1K (Russakovsky et al., arXiv 1409.0575): 1.28 million JPEGs in a thousand classes. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { dataSets } from '../../datasets/data_sets';
import { DatasetError } from '../../datasets/dataset_error';
import { checkComplete, checkSplitOptions, type Dataset, type SplitOptions } from './dataset';
import { imageFolder } from './image_folder';
import { type DatasetInfo, datasetRoot, missing } from './info';

const CLASSES = dataSets.imagenet.classes;
const folders = { train: 'train', test: 'val' } as const;

export const imagenetInfo: DatasetInfo = {
  name: 'imagenet',
  title: 'ImageNet-1K (Russakovsky et al., 2015)',
  home: 'https://www.image-net.org/download.php',
  terms: 'for research and education only, after registration',
  classNames: [],
  samples: dataSets.imagenet.samples,
  archives: [],
  layout:
    'train/ and val/, each with one folder of JPEGs for each of 1000 classes (n01440764 and so on); ' +
    'the validation images must be sorted into such folders',
};

/**
 * One split, decoded on demand: samples of many sizes, `[height, width, 3]`, so that batches need a transform. 'test'
 * is the validation set, in `val`; classes follow the sorted names of the folders. Needs sharp.
 *
 * ```ts
 * const train = await imagenet({split: 'train', root: '/data/imagenet'});
 * const epoch = batches(train, {batchSize: 24, shuffle: true, workers: 4,
 *   transform: trainTransforms({size: 224, autoAugment: 'rand-m9-mstd0.5-inc1'})});
 * ```
 */
export async function imagenet(options: SplitOptions): Promise<Dataset> {
  checkSplitOptions(imagenetInfo, options);
  const { split, partial = false } = options;
  const home = datasetRoot('imagenet', options.root);
  const root = join(home, folders[split]);
  if ((await fs.stat(root).catch(() => null)) === null) {
    throw missing(imagenetInfo, `the folder ${folders[split]}`, home);
  }
  const source = await imageFolder({
    ...{ name: 'imagenet', split, root },
    mean: dataSets.imagenet.mean,
    std: dataSets.imagenet.std,
  });
  if (!partial && source.classNames.length !== CLASSES) {
    throw new DatasetError(
      `${root} must have ${CLASSES} class folders, but has ${source.classNames.length} ` +
        '(partial: true accepts that)',
    );
  }
  checkComplete(imagenetInfo, options, source.length, root);
  return source;
}
