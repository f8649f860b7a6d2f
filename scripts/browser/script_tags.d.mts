export const ISOLATION: Record<string, string>;
export function writeScriptTagPage(folder: string): void;
