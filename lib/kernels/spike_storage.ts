/**
 * Tensors of spikes that a backend stores as bits, from the neurons that fired them to the kernels that read bits. To
 * anything else they are float32: they become numbers when it looks for these in what the backend knows of the tensor.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

/** What a backend knows of such a tensor. */
export abstract class SpikeRecord {
  private references = 1;

  constructor(
    readonly shape: number[],
    private bits: TensorInfo | undefined,
  ) {}

  /** The bits, as int32, or nothing once they have become numbers. */
  get words(): TensorInfo | undefined {
    return this.bits;
  }

  get refCount(): number {
    return this.references;
  }

  set refCount(count: number) {
    this.references = count;
    if (count === 0) this.release();
  }

  /** To be called when something looks for the numbers. */
  protected becomeNumbers(): void {
    if (!this.bits) return;
    this.unpack(this.bits);
    this.release();
  }

  /** Takes over a tensor of the same spikes as numbers. */
  protected abstract unpack(words: TensorInfo): void;

  protected abstract dispose(words: TensorInfo): void;

  private release(): void {
    const words = this.bits;
    this.bits = undefined;
    if (words) this.dispose(words);
  }
}

/** The bits that a tensor is stored as, if it is. `records`: what the backend knows of each tensor. */
export function bitsOf(
  records: { get(dataId: object): object },
  { dataId }: TensorInfo,
): TensorInfo | undefined {
  const record = records.get(dataId);
  return record instanceof SpikeRecord ? record.words : undefined;
}
