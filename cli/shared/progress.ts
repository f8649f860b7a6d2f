/** Progress as a bar on a terminal, as occasional lines elsewhere. */
import cliProgress from 'cli-progress';

export interface Progress {
  /** `done` of the total, with a short status. */
  update(done: number, status?: string): void;
  /** Ends the bar; `summary` stays. */
  stop(summary?: string): void;
}

/** The number of lines in a log from 0 to the total. */
const LINES = 5;

/** Shows progress under that title. */
export function showProgress(
  title: string,
  total: number,
  stream: NodeJS.WriteStream = process.stdout,
): Progress {
  return stream.isTTY ? bar(title, total, stream) : lines(title, total, stream);
}

function bar(title: string, total: number, stream: NodeJS.WriteStream): Progress {
  const shown = new cliProgress.SingleBar({
    format: `${title} {bar} {value}/{total}  {status}  {eta_formatted} left`,
    barsize: 24,
    clearOnComplete: true,
    stopOnComplete: false,
    gracefulExit: false, // The command handles Ctrl-C.
    stream,
  });
  shown.start(total, 0, { status: '' });
  return {
    update: (done, status = '') => shown.update(done, { status }),
    stop: (summary) => {
      shown.stop();
      if (summary) stream.write(`${title} ${summary}\n`);
    },
  };
}

function lines(title: string, total: number, stream: NodeJS.WriteStream): Progress {
  let printed = 0;
  return {
    update: (done, status = '') => {
      const share = Math.floor((done * LINES) / total);
      if (share > printed && share < LINES) {
        stream.write(`${title} ${done}/${total}  ${status}\n`);
      }
      printed = Math.max(printed, share);
    },
    stop: (summary) => {
      if (summary) stream.write(`${title} ${summary}\n`);
    },
  };
}
