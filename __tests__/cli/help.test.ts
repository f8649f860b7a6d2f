/** Every help text fits a terminal of 80 columns; former names of options are taken, and not in it. */
import type { Command } from 'commander';
import { program } from '../../cli/_program';

function* withSubcommands(command: Command): Generator<Command> {
  yield command;
  for (const sub of command.commands) yield* withSubcommands(sub);
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
    getOutHelpWidth: () => 80,
  });
  command.outputHelp();
  return text;
}

const commands = [...withSubcommands(program)];

test('there is a help for each command', () => {
  expect(commands.length).toBeGreaterThan(16);
});

test.each(commands.map((command) => [command.name(), command] as const))(
  '%s --help has no line over 80 columns',
  (_, command) => {
    const lines = helpOf(command).split('\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.filter((line) => /--count|--root/.test(line))).toEqual([]);
  },
);

test('former names give the options of today their values', () => {
  const show = commands.find((command) => command.name() === 'show')!;
  show.parseOptions(['--count', '3', '--root', 'there']);
  expect(show.opts()).toMatchObject({ samples: 3, data: 'there' });
  expect(Object.keys(show.opts())).not.toContain('count');
});
