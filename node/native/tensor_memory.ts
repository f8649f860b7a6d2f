/**
 * How TensorFlow gets memory for tensors: by its own allocator (BFC), which keeps what is freed for the next tensors.
 * With malloc, which is its default, each large tensor is memory new to the process: the system zeroes it, page by
 * page, and a training step leaves gaps between the tensors that stay. It reads these variables once, when tfjs-node is
 * loaded: import this library's Node part first. Variables that you have set stay unchanged.
 */
import { totalmem } from 'node:os';

/** The allocator's own limit, in megabytes. */
const ITS_LIMIT = 1 << 16;

process.env.TF_CPU_ALLOCATOR_USE_BFC ??= 'true';
const megabytes = Math.ceil(totalmem() / 2 ** 20);
if (megabytes > ITS_LIMIT) process.env.TF_CPU_BFC_MEM_LIMIT_IN_MB ??= `${megabytes}`;
