export const ISOLATION: Record<string, string>;
export function serve(
  folder: string,
  options?: { headers?: Record<string, string>; port?: number },
): Promise<{ address: string; close(): Promise<void> }>;
