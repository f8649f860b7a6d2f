/** The little of Node that test files and their libraries ask for, in a page: files come from the server. */

/** A served file, at once. Throws where there is none. */
export function readFileSync(path: string, encoding?: string): string | Uint8Array {
  const request = new XMLHttpRequest();
  request.open('GET', path, false);
  request.overrideMimeType('text/plain; charset=x-user-defined'); // each byte as a character
  request.send();
  if (request.status !== 200) throw new Error(`the server has no file ${path}`);
  const bytes = Uint8Array.from(request.responseText, (c) => c.charCodeAt(0) & 0xff);
  return encoding ? new TextDecoder(encoding).decode(bytes) : bytes;
}

export function existsSync(path: string): boolean {
  const request = new XMLHttpRequest();
  request.open('HEAD', path, false);
  request.send();
  return request.status === 200;
}

/** `join('a', '../b')` is `/b`. */
export function join(...parts: string[]): string {
  const url = new URL(parts.filter(Boolean).join('/'), 'http://server/');
  return url.pathname;
}

export default { join };
