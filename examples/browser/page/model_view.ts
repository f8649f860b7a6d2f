/** Which network reads: one that lies beside the page, or the visitor's own model.json with its weights. */
import type { ModelSource, NetworkInfo } from '../network/network';
import { element } from './elements';

/** A row of models.json, which the page's build writes. */
export interface Shipped {
  folder: string;
  kind: 'images' | 'events' | 'text';
  sample: number[];
}

export async function shippedModels(): Promise<Shipped[]> {
  const response = await fetch('models.json');
  if (!response.ok)
    throw new Error(`models.json must lie beside the page, but got ${response.status}`);
  return response.json();
}

export class ModelView {
  private readonly select = element<HTMLSelectElement>('model');
  private readonly about = element('about-model');

  constructor(
    shipped: readonly Shipped[],
    onChoose: (source: ModelSource) => void,
    onError: (error: Error) => void,
  ) {
    for (const { folder, sample } of shipped) {
      const name = folder.replace(/^weights\//, '');
      this.select.add(new Option(`${name}: ${sample.join(' × ')}`, folder));
    }
    element('models').hidden = shipped.length < 2;
    this.select.addEventListener('change', () => onChoose({ folder: this.select.value }));
    const input = element<HTMLInputElement>('model-files');
    input.addEventListener('change', () => {
      const files = Array.from(input.files ?? []);
      input.value = '';
      const json = files.find(({ name }) => name.endsWith('.json'));
      const weights = files.filter((file) => file !== json);
      if (json && weights.length > 0) onChoose({ files: [json, ...weights] });
      else if (files.length > 0) {
        onError(new Error('The files must be model.json and its weights, chosen together'));
      }
    });
  }

  show({ dataSet, sample, classes, timeSteps, parameters, trained }: NetworkInfo): void {
    const steps = timeSteps === 1 ? '1 time step' : `${timeSteps} time steps`;
    this.about.textContent =
      `${parameters.toLocaleString('en')} parameters, ${sample.join(' × ')}, ${classes} classes, ${steps}; ` +
      (trained
        ? `trained on ${trained.data}: ${(100 * trained.accuracy).toFixed(2)} % of ${trained.samples.toLocaleString('en')} test samples right.`
        : dataSet
          ? `trained for ${dataSet}.`
          : 'of a data set that the page does not know.');
  }
}
