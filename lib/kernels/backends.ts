/** The backends for which this library has native kernels; on any other, all kernels are composed. */
import { cpu } from './cpu';
import type { Backend } from './kernel';
import { tensorflow } from './tensorflow';
import { wasm } from './wasm';
import { webgl } from './webgl';
import { webgpu } from './webgpu';

export const backends: readonly Backend[] = [cpu, wasm, tensorflow, webgl, webgpu];

export function backendOf(name: string): Backend | undefined {
  return backends.find((backend) => backend.name === name);
}
