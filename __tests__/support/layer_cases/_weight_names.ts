/** Names of weights inside layers, trainable and frozen ones, by the part that they belong to. */

/** A tokenizer's maps, by their paths. */
export const stages = [
  'stage1/conv_bn/',
  'stage2/conv_bn/',
  'stage3/conv_bn/',
  'stage4/conv_bn/',
  'proj/',
];
export const bnTrainable = (path: string) => [`${path}bn/gamma`, `${path}bn/beta`];
export const bnFrozen = (path: string) => [`${path}bn/moving_mean`, `${path}bn/moving_variance`];
export const convTrainable = (path: string) => [`${path}kernel`, ...bnTrainable(path)];
export const linearTrainable = (path: string) => [
  `${path}kernel`,
  `${path}bias`,
  ...bnTrainable(path),
];
export const attention = (path: string) => ({
  trainable: [
    ...['q/', 'k/', 'v/'].flatMap((branch) => convTrainable(path + branch)),
    ...linearTrainable(`${path}proj/`),
  ],
  frozen: ['q/', 'k/', 'v/', 'proj/'].flatMap((branch) => bnFrozen(path + branch)),
  idle: [`${path}proj/bias`],
});
export const mlp = (path: string) => ({
  trainable: ['fc1/', 'fc2/'].flatMap((fc) => linearTrainable(path + fc)),
  frozen: ['fc1/', 'fc2/'].flatMap((fc) => bnFrozen(path + fc)),
  idle: [`${path}fc1/bias`, `${path}fc2/bias`],
});
/** Of a block: its attention, then its MLP. */
export const block = (attn = attention('attn/'), fcs = mlp('mlp/')) => ({
  trainable: [...attn.trainable, ...fcs.trainable],
  frozen: [...attn.frozen, ...fcs.frozen],
  idle: [...attn.idle, ...fcs.idle],
});
/** Of maps without biases, by their paths. */
export const withoutBias = (maps: string[]) => ({
  trainable: maps.flatMap(convTrainable),
  frozen: maps.flatMap(bnFrozen),
});
/** An embedding's, with that many stages before its last. */
export const embed = (count: number) => {
  const before = ['stage1/conv_bn/', 'stage2/conv_bn/'].slice(0, count);
  return withoutBias([...before, 'proj/', 'shortcut/']);
};
export const tokenizer = withoutBias(stages);
/** Linear maps with layer norms, whose biases do move something. */
export const linearLN = (path: string) =>
  ['kernel', 'bias', 'ln/gamma', 'ln/beta'].map((w) => path + w);
