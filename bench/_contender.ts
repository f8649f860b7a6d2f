/** A process that takes part in the bench: it is asked by lines of JSON and answers by lines of JSON. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { lateMessage, minutes } from '../node/native/process';

export interface Launch {
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
}

interface Question {
  resolve(result: never): void;
  reject(error: Error): void;
}

/** Time for an answer: to import torch from a slow disk, to compile a network, to train on plain JavaScript. */
const ANSWER_LIMIT = minutes(30);

export class Contender {
  private readonly process: ChildProcess;
  private readonly waiting: Question[] = [];
  private readonly ended: Promise<void>;
  /** The end of what it had to say, for when it dies. */
  private said = '';
  private fate: Error | undefined;

  constructor(
    readonly name: string,
    { command, args, env }: Launch,
    private readonly limit = ANSWER_LIMIT,
  ) {
    this.process = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.process.stderr!.on('data', (text) => {
      this.said = (this.said + text).slice(-2000);
    });
    this.process.stdin!.on('error', () => undefined); // its end is told below
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.answer(line));
    this.ended = new Promise((resolve) => {
      const end = (reason: string) => {
        this.fail(new Error(`${name} ${reason}${this.said && `:\n${this.said.trim()}`}`));
        resolve();
      };
      this.process.on('error', (error) => end(`cannot be started: ${error.message}`));
      this.process.on('close', (status, signal) => end(`ended (${signal ?? `status ${status}`})`));
    });
  }

  /** Asks and waits for the answer; rejects if that is an error, or does not come: the process ends, or hangs. */
  ask<T>(ask: string, parameters: object = {}): Promise<T> {
    if (this.fate) return Promise.reject(this.fate);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.process.kill('SIGKILL');
        this.fail(new Error(lateMessage(`${this.name}, asked to ${ask},`, this.limit)));
      }, this.limit);
      const settled =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          clearTimeout(timer);
          settle(value);
        };
      this.waiting.push({ resolve: settled(resolve), reject: settled(reject) });
      this.process.stdin!.write(`${JSON.stringify({ ask, parameters })}\n`);
    });
  }

  /** Lets it finish by itself; kills it where it does not within `ms`. */
  async end(ms = 5000): Promise<void> {
    this.process.stdin!.end();
    const timer = setTimeout(() => this.process.kill('SIGKILL'), ms);
    await this.ended;
    clearTimeout(timer);
  }

  private answer(line: string): void {
    const question = this.waiting.shift();
    try {
      if (!question) throw new Error('nobody asked');
      const { result, error } = JSON.parse(line);
      if (error === undefined) question.resolve(result as never);
      else question.reject(new Error(`${this.name}: ${error}`));
    } catch {
      const error = new Error(`${this.name} must answer questions in JSON, but said: ${line}`);
      question?.reject(error);
      this.fail(error);
    }
  }

  private fail(error: Error): void {
    this.fate ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}
