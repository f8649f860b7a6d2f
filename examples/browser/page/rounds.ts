/** Work that follows what changes: done again after a change, once for all changes that came while it was on. */
import { ClosedError } from './client';

export class Rounds {
  private changed = false;
  private busy = false;

  constructor(
    private readonly round: () => Promise<void>,
    private readonly onError: (error: Error) => void,
  ) {}

  /** Whether something has changed since this round began: its results are of the past. */
  get stale(): boolean {
    return this.changed;
  }

  update(): void {
    this.changed = true;
    if (!this.busy) void this.run();
  }

  private async run(): Promise<void> {
    this.busy = true;
    while (this.changed) {
      this.changed = false;
      try {
        await this.round();
      } catch (error) {
        if (!(error instanceof ClosedError)) this.onError(error as Error);
      }
    }
    this.busy = false;
  }
}
