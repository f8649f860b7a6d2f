import type { Browser } from 'playwright-core';

export function chromiumPath(): string;
export function launchChromium(): Promise<Browser>;
export function serve(
  folder: string,
  headers?: Record<string, string>,
): Promise<{ address: string; close(): Promise<void> }>;
