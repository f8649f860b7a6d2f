/**
 * A process of the bench answers its questions: each line of JSON that it reads, `{ask, parameters}`, with one,
 * `{result}` or `{error}`; as bench/pytorch/worker.py does.
 */
import { createInterface } from 'node:readline';

/** Until stdin ends. Whatever else prints to stdout goes to stderr. */
export async function answerQuestions(
  answers: Readonly<Record<string, (parameters: never) => unknown>>,
): Promise<void> {
  console.log = console.error;
  for await (const line of createInterface({ input: process.stdin })) {
    const { ask, parameters } = JSON.parse(line);
    let answer: object;
    try {
      answer = { result: await answers[ask]!(parameters as never) };
    } catch (error) {
      answer = { error: (error as Error).message };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
