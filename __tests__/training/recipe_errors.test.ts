/** Wrong recipes are refused: each fault in a line of its own, with its place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecipe, RecipeError } from '../../training/parse_recipe';
import '../support/backends';
import { root } from '../support/process';

const text = (file: string) => readFileSync(join(root, 'recipes', file), 'utf8');

describe('a wrong recipe is refused, with the line', () => {
  const good = text('mnist-tiny.yaml');
  const lineOf = (start: string) =>
    good.split('\n').findIndex((line) => line.trim().startsWith(start)) + 1;
  const changed = (from: string | RegExp, to: string) => {
    const result = good.replace(from, to);
    expect(result).not.toBe(good);
    return result;
  };
  const fault = (yaml: string, settings?: string[]) => {
    try {
      parseRecipe(yaml, 'my.yaml', settings);
    } catch (error) {
      expect(error).toBeInstanceOf(RecipeError);
      return (error as Error).message;
    }
    throw new Error('it was taken');
  };

  test.each<[string, string, string, string, RegExp]>([
    [
      'an unknown key',
      'weightDecay:',
      'wieghtDecay:',
      'weightDecay',
      /optimizer\.wieghtDecay is not an option \(Did you mean optimizer\.weightDecay\?\)$/,
    ],
    [
      'an unknown key at the top',
      'epochs: 3',
      'epoches: 3\nepochs: 3',
      'epochs',
      /epoches is not an option \(Did you mean epochs\?\)$/,
    ],
    [
      'a wrong type',
      'depth: 1',
      'depth: one',
      'depth',
      /model\.depth must be .*number.*, but is string$/,
    ],
    [
      'a number out of range',
      'labelSmoothing: 0.1',
      'labelSmoothing: 1.5',
      'labelSmoothing',
      /labelSmoothing must be <1$/,
    ],
    [
      'a missing data set',
      'name: mnist\n',
      'name: mnits\n',
      'name: mnist\n'.trim(),
      /data\.name must be one of "mnist"/,
    ],
    [
      'an effective batch that is none',
      'effectiveBatch: 32',
      'effectiveBatch: 64',
      'effectiveBatch',
      /must be batchSize times accumulate, 32$/,
    ],
    [
      'an unknown preset',
      'embedDim: 64',
      'preset: nothing',
      'embedDim',
      /model\.preset must be one of spikingformer/,
    ],
    [
      "another data set's preset",
      'embedDim: 64',
      'preset: spikingformer-4-256-cifar10',
      'embedDim',
      /is for samples \[32,32,3\]/,
    ],
    [
      'an option for events',
      'trainSamples: 10000',
      'splitBy: time',
      'trainSamples',
      /splitBy is for events only$/,
    ],
  ])('%s', (_, from, to, at, message) => {
    const said = fault(changed(from, to));
    const line = at === 'name: mnist' ? good.split('\n').indexOf('  name: mnist') + 1 : lineOf(at);
    expect(said.split('\n')[0]).toMatch(new RegExp(`^my\\.yaml:${line}: `));
    expect(said).toMatch(message);
  });

  test('every fault is said, one a line', () => {
    const said = fault(changed('depth: 1', 'depth: 0').replace('seed: 42', 'seed: -1'));
    expect(said.split('\n')).toHaveLength(2);
  });

  test('something missing names what it belongs to', () => {
    expect(fault(changed('seed: 42\n', ''))).toMatch(/^my\.yaml:1: seed is missing/);
  });

  test('a warm-up longer than all epochs, mixup without mixing, crops of events', () => {
    expect(fault(good, ['schedule.warmupEpochs=9'])).toBe(
      '--set: schedule.warmupEpochs must be at most epochs, 3',
    );
    expect(fault(good, ['mixup.offEpoch=2'])).toMatch(/mixup needs alpha or cutmixAlpha/);
    expect(fault(text('dvs128-t10.yaml'), ['augment.scale=[1, 1]'])).toMatch(
      /augment\.scale is for images only/,
    );
  });

  test('networks and options of text are for text, and the reverse', () => {
    const sentences = text('sentences-1-64.yaml');
    const faultOf = (settings: string[], yaml = sentences) => fault(yaml, settings);
    expect(faultOf(['model.family=spikingformer', 'model.padId=0'])).toMatch(
      /model\.family is for images and events, but ratedsentences has text/,
    );
    expect(faultOf(['data.name=mnist'])).toMatch(/model\.family is for text, but mnist has images/);
    expect(faultOf(['augment.hflip=0.5'])).toMatch(/augment\.hflip is for images and events only/);
    expect(faultOf(['mixup.alpha=0.5'])).toMatch(/mixup is for images and events only/);
    expect(faultOf(['evaluation.cropPct=0.9'])).toMatch(/cropPct is for images only/);
    expect(faultOf(['augment.wordDropout=1'])).toMatch(/augment\.wordDropout must be <1/);
    expect(faultOf(['augment.wordDropout=0.1'], good)).toMatch(/wordDropout is for text only/);
    expect(faultOf(['data.splitBy=time'])).toMatch(/splitBy is for events only/);
  });

  test.each([
    ['model.timeSteps', 1e9, /must be <=1024$/],
    ['model.depth', 1e9, /must be <=128$/],
    ['model.embedDim', 1e9, /must be <=8192$/],
    ['model.numHeads', 1e9, /must be <=1024$/],
    ['model.mlpRatio', 1e9, /must be <=64$/],
    ['epochs', 1e9, /must be <=100000$/],
    ['schedule.warmupEpochs', 1e9, /must be <=100000$/],
    ['schedule.cooldownEpochs', 1e9, /must be <=100000$/],
    ['batchSize', 1e9, /must be <=65536$/],
    ['accumulate', 1e9, /must be <=65536$/],
    ['evaluation.batchSize', 1e9, /must be <=65536$/],
    ['augment.erasing.maxCount', 1e9, /must be <=1000$/],
    ['augment.intensity', 1e9, /must be <=100$/],
    ['augment.autoAugment', 'rand-m9-n1000000000', /must be timm's rand of n100 at most/],
    ['augment.autoAugment', 'random', /must be timm's rand, .*but got/],
    ['checkpoint.keep', 1e9, /must be <=10000$/],
  ])('%s, without bounds: %p', (path, value, message) => {
    const [first] = fault(good, [`${path}=${value}`]).split('\n');
    expect(first).toMatch(message);
    expect(first).toMatch(`--set: ${path} `);
  });

  test('sizes that are possible one by one, and not together', () => {
    expect(fault(good, ['model.depth=128', 'model.embedDim=8192'])).toMatch(
      /model must have at most 2 billion weights, but depth 128 with embedDim 8192 has 103.1 billion/,
    );
    const staged = ['model.depths=[1,1,128]', 'model.embedDim=8192'];
    expect(fault(text('maxformer-cifar10-4-384.yaml'), staged)).toMatch(
      /model must have at most 2 billion weights, but depth 130 with embedDim 8192 has/,
    );
    const dvs = ['evaluation.batchSize=65536', 'model.timeSteps=1024'];
    expect(fault(text('dvs128-t10.yaml'), dvs)).toMatch(
      /--set: evaluation.batchSize must be at most 16 for samples of dvs128gesture/,
    );
  });

  test.each(['[1', '{a: 1', '"', '*alias', '!unknown 3', '1: 2: 3', 'a\n b: c'])(
    '--set with the bad YAML %j names the setting',
    (value) => {
      expect(fault(good, [`epochs=${value}`])).toMatch(
        /^--set epochs: must be a value in YAML, but/,
      );
    },
  );

  test.each(['4', '[]', '[1,0]', '[1,1,129]', '[1,1.5]'])(
    'blocks of stages: depths=%s',
    (value) => {
      const maxformer = text('maxformer-cifar10-4-384.yaml');
      expect(fault(maxformer, [`model.depths=${value}`])).toMatch(/model\.depths(\.\d)? must be/);
    },
  );

  test('of 8,000 faults 20 are said', () => {
    const many = Array.from({ length: 8000 }, (_, i) => `x${i.toString(36)}:`).join('\n');
    const said = fault(`${good}\n${many}`).split('\n');
    expect(said).toHaveLength(21);
    expect(said[20]).toBe('and 7,980 more');
    expect(fault('[1\n'.repeat(8000)).split('\n').length).toBeLessThanOrEqual(21);
  });

  test('--set changes values, and is checked like them', () => {
    const { optimizer, model, averageDecay } = parseRecipe(good, 'x', [
      'optimizer.learningRate=1e-3',
      'model.depth=2',
      'averageDecay=0.99',
    ]);
    expect([optimizer.learningRate, model.depth, averageDecay]).toEqual([1e-3, 2, 0.99]);
    expect(fault(good, ['optimizer.lr=1'])).toBe('--set: optimizer.lr is not an option');
    expect(fault(good, ['learningRate=1'])).toBe(
      '--set: learningRate is not an option (Did you mean optimizer.learningRate?)',
    );
    expect(fault(good, ['optimiser.learningRate=1'])).toBe(
      '--set: optimiser is not an option (Did you mean optimizer?)',
    );
    expect(fault(good, ['optimiser.weightDecay=1'])).toContain('--set: optimiser is not an option');
    expect(fault(good, ['nonsense'])).toMatch(/--set must be key=value/);
    expect(fault(good, ['seed.deep=1'])).toMatch(/seed is not a map/);
    expect(fault(good, ['__proto__.x=1'])).toMatch(/must be key=value/);
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test('YAML that is none, bombs, duplicates and other things', () => {
    expect(fault('name: [')).toMatch(/^my\.yaml:\d+: /);
    expect(fault('- 1\n- 2')).toBe("my.yaml: must be a map of options, such as 'seed: 42'");
    expect(fault(`${good}seed: 1\n`)).toMatch(/^my\.yaml:\d+: .*unique/);
    const bomb = [
      'a0: &a0 [x, x]',
      ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`),
    ];
    expect(fault(bomb.join('\n'))).toMatch(/alias/i);
    expect(fault(`# ${'x'.repeat(70_000)}`)).toMatch(/at most 65536 characters/);
  });
});
