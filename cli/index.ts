#!/usr/bin/env node
/** `spikingformer`, the command: parses the arguments, runs one command, sets the exit status. */
import { CommanderError } from 'commander';
import { program } from './_program';
import { exitCode, oneLine, statusOf } from './shared/errors';
import { failOnLostOutput, surviveLostOutput } from './shared/output';

surviveLostOutput();
program.hook('preAction', (_, command) => failOnLostOutput(command.name()));

try {
  if (process.argv.length <= 2) program.help();
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  } else {
    console.error(`error: ${oneLine(error)}`);
    process.exitCode = statusOf(error);
  }
}
