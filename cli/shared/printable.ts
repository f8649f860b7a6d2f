/** Names of unknown origin on a terminal. */

/** The text in one line, with control characters, which could steer a terminal, as `\u001b` and the like. */
export const printable = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get out
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
