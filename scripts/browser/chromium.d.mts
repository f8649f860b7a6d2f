import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

export function chromiumPath(): string;
export function launchChromium(): Promise<Browser>;
export function openPage(browser: Browser, options?: BrowserContextOptions): Promise<Page>;
