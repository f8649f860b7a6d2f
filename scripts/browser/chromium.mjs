/**
 * Debian's Chromium, headless, with WebGPU and WebGL on SwiftShader: a GPU made of software, so that what
 * is for browsers can be tested where there is neither a screen nor a GPU.
 */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  // It takes a GPU that does not answer for some seconds for dead: on a busy machine this one is slow.
  '--disable-gpu-watchdog',
];

/** Enough for a machine that is busy with other work; what hangs ends, too. */
const PATIENCE_MS = 300_000;

/** Where Chromium lies: $CHROMIUM, or Debian's. Throws where it is missing, saying how to install it. */
export function chromiumPath() {
  const path = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (existsSync(path)) return path;
  throw new Error(
    `there is no Chromium at ${path}: install it (Debian: apt-get install chromium), or say where it is in $CHROMIUM`,
  );
}

/** Playwright's Browser: close it when done. */
export async function launchChromium() {
  return chromium.launch({
    executablePath: chromiumPath(),
    timeout: PATIENCE_MS,
    // Chromium's sandbox refuses root, whom CI containers often run as.
    args: [...FLAGS, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
}

/** A page of Playwright's whose every wait has that patience. */
export async function openPage(browser, options) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(PATIENCE_MS);
  return page;
}
