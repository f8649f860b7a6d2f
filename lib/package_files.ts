/** How this process reads the files that the package has beside its code: Node from its folder, a page not at all. */
import { shared } from './shared';

/** Reads a file by its path below the package's folder. */
export type ReadPackageFile = (path: string) => Promise<Uint8Array>;

const slot = () => shared('packageFiles', (): { read?: ReadPackageFile } => ({}));

/** `tfjs-spikingformer/node` does this when it is imported. */
export function setPackageFiles(read: ReadPackageFile | undefined): void {
  slot().read = read;
}

/** Undefined in a page, and in Node as long as nothing has imported `tfjs-spikingformer/node`. */
export const packageFiles = (): ReadPackageFile | undefined => slot().read;
