/** How commands are given sentences: see _sentences.ts. */
import { Option } from 'commander';

export const textOption = () =>
  new Option('--text <sentence...>', 'sentences for a model of text; -: a line each on stdin');

export const tokenizerOption = () =>
  new Option('--tokenizer <file>', "the model's tokenizer.json (default: that of its run's data)");
