export function writeScriptTagPage(folder: string): void;
